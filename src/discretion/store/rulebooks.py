"""The rules that were put in force, one after the other. The last one is in force.

Putting rules in force is a deliberate act (``discretion rules activate``); the first start on a fresh
database does it too. Each act adds a document with the next number, so two of them at once cannot both
succeed, and nothing takes earlier rules back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from discretion.errors import Conflict
from discretion.store.document import Document, decode_purpose, encode_purpose
from discretion.store.driver.database import Database

COLLECTION = "rulebooks"


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Rules that were put in force.

    Attributes:
        number: Counts the acts of putting rules in force, from 1.
        version: Version of all rules.
        permissions: Version of the rules that permissions are computed with; customers store it.
        purposes: For each purpose, a digest of the rules that determine its permission.
        sections: What the rules say, as text (``purpose.rule_set``).
        since: When they were put in force (ms since 1970).
    """

    number: int
    version: str
    permissions: str
    purposes: Mapping[str, str]
    sections: str
    since: int


class RulebookStore:
    """The acts of putting rules in force, in the ``rulebooks`` collection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def activate(self, rulebook: Rulebook) -> bool:
        """Put rules in force, and return False if another act took their number first."""
        document = {
            "_id": rulebook.number,
            "version": rulebook.version,
            "permissions": rulebook.permissions,
            "purposes": {encode_purpose(key): digest for key, digest in rulebook.purposes.items()},
            "sections": rulebook.sections,
            "since": rulebook.since,
        }
        try:
            await self._database.insert_many(COLLECTION, [document])
        except Conflict:
            return False
        return True

    async def find_in_force(self) -> Rulebook | None:
        """Return the rules in force, or None if there were none yet."""
        document = await self._database.find_one(COLLECTION, {}, sort=[("_id", -1)])
        return None if document is None else _parse_rulebook(document)

    async def find_version_in_force(self) -> tuple[str, str] | None:
        """Return the versions in force, of all rules and of those that permissions are computed with."""
        fields = {"version": 1, "permissions": 1}
        document = await self._database.find_one(COLLECTION, {}, fields, sort=[("_id", -1)])
        return None if document is None else (document["version"], document["permissions"])

    async def find_last_act(self, version: str) -> Rulebook | None:
        """Return the last act that put a version in force, or None if it never was."""
        document = await self._database.find_one(COLLECTION, {"version": version}, sort=[("_id", -1)])
        return None if document is None else _parse_rulebook(document)

    async def list_purposes(self) -> dict[str, dict[str, str]]:
        """Return the digests of the purposes by each version that permissions were computed with."""
        documents = await self._database.find(COLLECTION, {}, {"permissions": 1, "purposes": 1})
        return {document["permissions"]: _parse_purposes(document["purposes"]) for document in documents}


def _parse_rulebook(document: Document) -> Rulebook:
    return Rulebook(
        document["_id"],
        document["version"],
        document["permissions"],
        _parse_purposes(document["purposes"]),
        document["sections"],
        document["since"],
    )


def _parse_purposes(purposes: Mapping[str, str]) -> dict[str, str]:
    return {decode_purpose(name): digest for name, digest in purposes.items()}
