"""Reads that tell which ids belong to a person who is erased."""

from __future__ import annotations

from collections.abc import Collection

from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session

DEAD_LETTER_BATCH = 200
"""Dead letters that are read at a time."""


class ErasureSubjectStore:
    """Reads the documents that identify people: customers, source records, identifiers, dead letters."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock_customer(self, customer: bytes, session: Session) -> None:
        """Change the customer whom an id identifies, so that other writers wait for this transaction."""
        query = {"$or": [{"_id": customer}, {"merged.id": customer}]}
        await self._database.update_one("customers", query, {"$inc": {"v": 1}}, session=session)

    async def find_customer(self, customer: bytes, session: Session) -> MutableDocument | None:
        """Return the customer whom an id identifies now; the id may be from before a merge."""
        query = {"$or": [{"_id": customer}, {"merged.id": customer}]}
        return await self._database.find_one("customers", query, session=session)

    async def list_records(
        self, customers: Collection[bytes], records: Collection[bytes], session: Session | None = None
    ) -> list[MutableDocument]:
        """List the source records of customers, and those with these ids, in the order of their ids."""
        query = {"$or": [{"customer": {"$in": sorted(customers)}}, {"_id": {"$in": sorted(records)}}]}
        return await self._database.find("source_records", query, sort=[("_id", 1)], session=session)

    async def list_identifiers(
        self,
        entries: Collection[bytes],
        customers: Collection[bytes],
        records: Collection[bytes],
        session: Session | None = None,
    ) -> list[MutableDocument]:
        """List identifiers by their entries, and those of customers and of source records."""
        query = {
            "$or": [
                {"_id": {"$in": sorted(entries)}},
                {"customer": {"$in": sorted(customers)}},
                # A record stores a limited number of identifiers; the index may name it for more.
                {"records": {"$in": sorted(records)}},
            ]
        }
        return await self._database.find("identifiers", query, session=session)

    async def is_named_elsewhere(
        self, entry: bytes, own_records: Collection[bytes], session: Session | None = None
    ) -> bool:
        """Return whether a source record that is none of these names an identifier."""
        query = {"ids.e": entry, "_id": {"$nin": sorted(own_records)}}
        return await self._database.find_one("source_records", query, {"_id": 1}, session=session) is not None

    async def list_dead_letter_marks(self) -> set[bytes]:
        """Return the entries of all identifiers that refused messages name: they are few and short-lived."""
        marks = set[bytes]()
        batches = self._database.stream("dead_letters", {}, {"marks": 1}, batch_size=DEAD_LETTER_BATCH)
        async for batch in batches:
            marks.update(mark for dead_letter in batch for mark in dead_letter["marks"])
        return marks

    async def list_records_by_home(self, customers: Collection[bytes]) -> list[bytes]:
        """Return the ids of the source records that first became these customers."""
        query = {"home": {"$in": sorted(customers)}}
        return [record["_id"] for record in await self._database.find("source_records", query, {"_id": 1})]
