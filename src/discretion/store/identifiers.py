"""The ``identifiers`` collection: which source records name an identifier, by proof or by claim."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from discretion.store.document import Document, MutableDocument
from discretion.store.driver.database import Database, Session
from discretion.store.source_record import SourceRecord
from discretion.store.source_record_codec import parse_record
from discretion.store.source_records import COLLECTION as SOURCE_RECORDS
from discretion.store.source_records import NAMING_MEMBERS
from discretion.store.transactions import PendingWrite, plan_insert, plan_update

COLLECTION = "identifiers"
_LISTS = {"records": "records", "claims": "claims", "anonymous_claims": "anonymous"}
"""The lists of source records, by their names in code, with their stored names."""

_REFUSALS = "refusals"


@dataclass(frozen=True, slots=True)
class StoredIdentifier:
    """An identifier.

    Attributes:
        entry: Its blind index.
        type: Key of its type.
        at: When it was first stored (ms).
        records: Ids of the source records that link by it; no longer extended once too many share it.
        claims: Ids of the records with a number that only claim it, up to a limit.
        anonymous_claims: Ids of the other records that only claim it, up to a limit.
        refusals: By the id of a record that has proven it, what its person refuses: purposes and nodes of
            their tree. It reaches the records that only claim it.
    """

    entry: bytes
    type: str
    at: int
    records: tuple[bytes, ...] = ()
    claims: tuple[bytes, ...] = ()
    anonymous_claims: tuple[bytes, ...] = ()
    refusals: Mapping[bytes, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def naming_records(self) -> set[bytes]:
        """Ids of all records that name it."""
        return {*self.records, *self.claims, *self.anonymous_claims}


@dataclass(frozen=True, slots=True)
class NamedIdentifier:
    """An identifier with the records that name it, each with its customer, identifiers and number only."""

    identifier: StoredIdentifier
    records: tuple[SourceRecord, ...]


class IdentifierStore:
    """Reads and writes of identifiers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_by_entries(
        self, entries: Collection[bytes], session: Session | None = None
    ) -> list[StoredIdentifier]:
        """List the identifiers with these blind indexes that exist."""
        return await self._list({"_id": {"$in": list(entries)}}, session)

    async def find_named(self, entry: bytes) -> NamedIdentifier | None:
        """Return an identifier by its blind index with the records that name it; None if it is not stored."""
        named = {"$concatArrays": [{"$ifNull": [f"${member}", []]} for member in _LISTS.values()]}
        pipeline: list[Mapping[str, Any]] = [
            {"$match": {"_id": entry}},
            {"$addFields": {"named": named}},
            {
                "$lookup": {
                    "from": SOURCE_RECORDS,
                    "localField": "named",
                    "foreignField": "_id",
                    "pipeline": [{"$project": dict.fromkeys(NAMING_MEMBERS, 1)}],
                    "as": "named",
                }
            },
        ]
        for document in await self._database.aggregate(COLLECTION, pipeline):
            records = sorted(map(parse_record, document["named"]), key=lambda record: record.id)
            return NamedIdentifier(parse_identifier(document), tuple(records))
        return None

    async def list_concerning(
        self, entries: Collection[bytes], records: Collection[bytes], session: Session | None = None
    ) -> list[StoredIdentifier]:
        """List identifiers by blind index, or by a record that names them."""
        # A record stores a limited number of identifiers; the index may name it for more.
        alternatives: list[MutableDocument] = [{"_id": {"$in": sorted(entries)}}]
        alternatives += [{member: {"$in": sorted(records)}} for member in _LISTS.values()]
        return await self._list({"$or": alternatives}, session)

    def plan_save(self, before: StoredIdentifier | None, after: StoredIdentifier) -> PendingWrite | None:
        """Return the write that turns one state of an identifier into another; None if they are equal.

        Args:
            before: As read in this transaction; None if it is not stored, and the write fails if it is.
            after: As it should be.
        """
        if before is None:
            return plan_insert(COLLECTION, build_identifier_document(after))
        # The lists as a whole: a concurrent change is a write conflict, and the transaction runs again.
        changed: dict[str, list[Any]] = {
            stored: list(getattr(after, name))
            for name, stored in _LISTS.items()
            if getattr(after, name) != getattr(before, name)
        }
        if after.refusals != before.refusals:
            changed[_REFUSALS] = _encode_refusals(after.refusals)
        removed = {stored: "" for stored, items in changed.items() if not items and stored != "records"}
        changes = {
            "$set": {stored: items for stored, items in changed.items() if stored not in removed},
            "$unset": removed,
        }
        change = {operator: members for operator, members in changes.items() if members}
        return plan_update(COLLECTION, {"_id": before.entry}, change) if change else None

    def plan_touch(self, entry: bytes) -> PendingWrite:
        """Return the write that makes a transaction conflict with those that change the identifier."""
        # MongoDB does not write an update that changes nothing, so the counter changes every time.
        return plan_update(COLLECTION, {"_id": entry}, {"$inc": {"n": 1}})

    async def _list(self, query: MutableDocument, session: Session | None) -> list[StoredIdentifier]:
        documents = await self._database.find(COLLECTION, query, session=session)
        return [parse_identifier(document) for document in documents]


def parse_identifier(document: Document) -> StoredIdentifier:
    """Parse a stored identifier."""
    lists = {name: tuple(document.get(stored, ())) for name, stored in _LISTS.items()}
    refusals = {item["r"]: tuple(item["p"]) for item in document.get(_REFUSALS, ())}
    return StoredIdentifier(document["_id"], document["type"], document["t"], **lists, refusals=refusals)


def build_identifier_document(identifier: StoredIdentifier) -> MutableDocument:
    """Build the stored document of an identifier."""
    lists = {stored: list(getattr(identifier, name)) for name, stored in _LISTS.items()}
    return {
        "_id": identifier.entry,
        "type": identifier.type,
        "t": identifier.at,
        **{stored: items for stored, items in lists.items() if items or stored == "records"},
        **({_REFUSALS: _encode_refusals(identifier.refusals)} if identifier.refusals else {}),
    }


def _encode_refusals(refusals: Mapping[bytes, tuple[str, ...]]) -> list[MutableDocument]:
    return [{"r": record, "p": list(nodes)} for record, nodes in sorted(refusals.items())]
