"""Reads for an access request: everything that is stored about one person. Every query names one person."""

from __future__ import annotations

from collections.abc import Collection

from discretion.store.document import MutableDocument, TimePosition
from discretion.store.driver.database import Database
from discretion.store.paging import NEWEST_FIRST
from discretion.store.people import PeopleStore


class SubjectStore:
    """Reads of everything that is stored about one person."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._people = PeopleStore(database)

    async def find_customer(self, customer: bytes) -> MutableDocument | None:
        """Return the customer whom an id identifies now; the id may be from before a merge."""
        return await self._people.find_document(customer)

    async def list_records(self, customer: bytes) -> list[MutableDocument]:
        """List a customer's source records."""
        return await self._database.find("source_records", {"customer": customer}, sort=[("_id", 1)])

    async def list_record_ids(self, customer: bytes) -> list[bytes]:
        """List the ids of a customer's source records, sorted."""
        documents = await self._database.find(
            "source_records", {"customer": customer}, {"_id": 1}, sort=[("_id", 1)]
        )
        return [document["_id"] for document in documents]

    async def list_events(
        self, customer: bytes, before: TimePosition | None, limit: int
    ) -> list[MutableDocument]:
        """List a customer's events, newest first, older than ``before``."""
        query = NEWEST_FIRST.continue_after({"customer": customer}, before)
        return await self._database.find("events", query, sort=NEWEST_FIRST.sort, limit=limit)

    async def list_suggestions(self, customer: bytes) -> list[MutableDocument]:
        """List the duplicate suggestions that name a customer."""
        return await self._database.find("suggestions", {"customers": customer}, sort=[("_id", 1)])

    async def list_rulings(self, rulings: Collection[bytes]) -> list[MutableDocument]:
        """List rulings of stewards on which records are one person, by id."""
        return await self._database.find("rulings", {"_id": {"$in": sorted(rulings)}}, sort=[("_id", 1)])

    async def list_dead_letters(self, marks: Collection[bytes]) -> list[MutableDocument]:
        """List refused messages that name any of these identifiers, without their content."""
        fields = dict.fromkeys(("source", "code", "place", "received", "expires"), 1)
        return await self._database.find(
            "dead_letters", {"marks": {"$in": sorted(marks)}}, fields, sort=[("_id", 1)]
        )

    async def was_split_since(self, customer: bytes, since: int) -> bool:
        """Return whether another customer was split off from this one at or after a time (ms)."""
        query = {"customers": customer, "kind": "parted", "at": {"$gte": since}}
        return bool(await self._database.count("identity_events", query, 1))
