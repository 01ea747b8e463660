"""The versions of the rules that permissions were computed with: for each, a digest of every purpose's rules.

While servers of a new release replace those of an old one, servers with different rules can run at the same
time. The rules in force are those that were recorded last.
"""

from __future__ import annotations

from collections.abc import Mapping

from discretion.store.driver.database import Database

COLLECTION = "rulebooks"


class RulebookStore:
    """The ``rulebooks`` collection. A version never changes its meaning."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, version: str, purposes: Mapping[str, str], now_ms: int) -> None:
        """Record a version and put it in force."""
        # A dot in a member name would be read as a path in updates, so purposes are stored with slashes.
        digests = {key.replace(".", "/"): digest for key, digest in purposes.items()}
        # ``$max``: a server with a slow clock must not move a version back behind one that it replaced.
        change = {"$setOnInsert": {"purposes": digests}, "$max": {"since": now_ms}}
        await self._database.update_one(COLLECTION, {"_id": version}, change, upsert=True)

    async def find_in_force(self) -> str | None:
        """Return the version that was put in force last, or None if there is none."""
        # The id decides between equal times, so that all servers agree.
        document = await self._database.find_one(COLLECTION, {}, {"_id": 1}, sort=[("since", -1), ("_id", 1)])
        return None if document is None else str(document["_id"])

    async def list_all(self) -> dict[str, dict[str, str]]:
        """Return every recorded version with the digests of its purposes."""
        documents = await self._database.find(COLLECTION, {})
        return {
            document["_id"]: {key.replace("/", "."): digest for key, digest in document["purposes"].items()}
            for document in documents
        }
