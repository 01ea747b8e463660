"""The ``identifiers`` collection: which source records name an identifier, and the customer it leads to."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from discretion.store.document import Document, MutableDocument
from discretion.store.driver.database import Database, Session
from discretion.store.transactions import PendingWrite, plan_insert, plan_update

COLLECTION = "identifiers"


@dataclass(frozen=True, slots=True)
class StoredIdentifier:
    """An identifier.

    Attributes:
        entry: Its blind index.
        type: Key of its type.
        records: Ids of the source records that name it; no longer extended once too many share it.
        at: When it was first stored (ms).
        customer: The customer it leads to, if any.
    """

    entry: bytes
    type: str
    records: tuple[bytes, ...]
    at: int
    customer: bytes | None = None


class IdentifierStore:
    """Reads and writes of identifiers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_by_entries(
        self, entries: Collection[bytes], session: Session | None = None
    ) -> list[StoredIdentifier]:
        """List the identifiers with these blind indexes that exist."""
        return await self._list({"_id": {"$in": list(entries)}}, session)

    async def find_customer(self, entry: bytes) -> bytes | None:
        """Return the customer that an identifier leads to, by its blind index; None if it leads to nobody."""
        document = await self._database.find_one(COLLECTION, {"_id": entry}, {"customer": 1})
        return None if document is None else document.get("customer")

    async def of(
        self, customer: bytes, entries: Collection[bytes], session: Session | None = None
    ) -> list[StoredIdentifier]:
        """List those of these identifiers that lead to a customer."""
        return await self._list({"_id": {"$in": list(entries)}, "customer": customer}, session)

    async def list_concerning(
        self,
        entries: Collection[bytes],
        customers: Collection[bytes],
        records: Collection[bytes],
        session: Session | None = None,
    ) -> list[StoredIdentifier]:
        """List identifiers by blind index, by customer, or by a record that names them."""
        # A record stores a limited number of identifiers; the index may name it for more.
        alternatives = [
            {"_id": {"$in": sorted(entries)}},
            {"customer": {"$in": sorted(customers)}},
            {"records": {"$in": sorted(records)}},
        ]
        return await self._list({"$or": alternatives}, session)

    def plan_add(self, identifier: StoredIdentifier) -> PendingWrite:
        """Return the write that adds an identifier; it fails if the identifier exists."""
        return plan_insert(COLLECTION, build_identifier_document(identifier))

    def plan_save(
        self, before: StoredIdentifier, new_records: Iterable[bytes], customer: bytes | None
    ) -> PendingWrite | None:
        """Return the write that adds records and sets the customer; None if nothing changes."""
        change: MutableDocument = {}
        if added := sorted(set(new_records) - set(before.records)):
            change["$addToSet"] = {"records": {"$each": added}}
        if customer != before.customer:
            change |= {"$set": {"customer": customer}} if customer else {"$unset": {"customer": ""}}
        return plan_update(COLLECTION, {"_id": before.entry}, change) if change else None

    async def _list(self, query: MutableDocument, session: Session | None) -> list[StoredIdentifier]:
        documents = await self._database.find(COLLECTION, query, session=session)
        return [parse_identifier(document) for document in documents]


def parse_identifier(document: Document) -> StoredIdentifier:
    """Parse a stored identifier."""
    return StoredIdentifier(
        document["_id"],
        document["type"],
        tuple(document["records"]),
        document["t"],
        document.get("customer"),
    )


def build_identifier_document(identifier: StoredIdentifier) -> MutableDocument:
    """Build the stored document of an identifier."""
    customer = {} if identifier.customer is None else {"customer": identifier.customer}
    return {
        "_id": identifier.entry,
        "type": identifier.type,
        "records": list(identifier.records),
        "t": identifier.at,
        **customer,
    }
