"""Everything that is kept of one person, for reading it out to them: each query names one person."""

from __future__ import annotations

from collections.abc import Collection

from discretion.store.driver.database import Database, Document

Place = tuple[int, bytes]
"""Time in ms, and id."""


class Kept:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def customer(self, customer: bytes) -> Document | None:
        """The customer an id stands for now, an older one as it may be."""
        wanted = {"$or": [{"_id": customer}, {"merged.id": customer}]}
        return await self._database.find_one("customers", wanted)

    async def records(self, customer: bytes) -> list[Document]:
        """What each source told."""
        return await self._database.find("source_records", {"customer": customer}, sort=[("_id", 1)])

    async def owns(self, customer: bytes) -> list[bytes]:
        """The ids of a customer's source records, in their order."""
        found = await self._database.find(
            "source_records", {"customer": customer}, {"_id": 1}, sort=[("_id", 1)]
        )
        return [one["_id"] for one in found]

    async def events(self, customer: bytes, before: Place | None, limit: int) -> list[Document]:
        """Events, newest first, older than ``before``."""
        wanted: Document = {"customer": customer}
        if before is not None:
            at, event = before
            wanted["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": event}}]
        return await self._database.find("events", wanted, sort=[("at", -1), ("_id", -1)], limit=limit)

    async def suggestions(self, customer: bytes) -> list[Document]:
        """Other profiles that resemble theirs."""
        return await self._database.find("suggestions", {"customers": customer}, sort=[("_id", 1)])

    async def rulings(self, rulings: Collection[bytes]) -> list[Document]:
        """Word of stewards on who is one person."""
        return await self._database.find("rulings", {"_id": {"$in": sorted(rulings)}}, sort=[("_id", 1)])

    async def letters(self, marks: Collection[bytes]) -> list[Document]:
        """Refused messages that name any of these identifiers; not what is in them."""
        fields = dict.fromkeys(("source", "code", "place", "received", "expires"), 1)
        return await self._database.find(
            "dead_letters", {"marks": {"$in": sorted(marks)}}, fields, sort=[("_id", 1)]
        )

    async def parted(self, customer: bytes, since: int) -> bool:
        """Whether somebody was parted from this customer since a moment (ms)."""
        wanted = {"customers": customer, "kind": "parted", "at": {"$gte": since}}
        return bool(await self._database.count("identity_events", wanted, 1))
