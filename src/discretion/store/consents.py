"""What people said about purposes, and what was agreed to: written once, read ever after."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from discretion.store.driver.database import Database, Operation, Session, insert, update

CONSENTS = "consents"
TERMS = "consent_terms"
RECORDS = "source_records"
SAID = ("choices", "words", "guards", "signals", "place", "restricted")
"""Members of a source record that tell what was said, and from where."""

Document = dict[str, Any]
Place = tuple[int, bytes]
"""When a word came (ms), and the record's id."""


class Consents:
    """The ``consents`` collection, which only grows, and ``consent_terms``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def records(self, customer: bytes) -> list[bytes]:
        """The ids of a customer's source records."""
        own = await self._database.find(RECORDS, {"customer": customer}, {"_id": 1})
        return [one["_id"] for one in own]

    async def heard(self, customer: bytes, attributes: Collection[str]) -> list[Document]:
        """Of a customer's source records, all that was said, and the cells of some attributes (by key)."""
        fields = dict.fromkeys(("source", *SAID, *(f"cells.{key}" for key in attributes)), 1)
        return [
            {"cells": {}, **one} for one in await self._database.find(RECORDS, {"customer": customer}, fields)
        ]

    async def of_customer(self, customer: bytes, before: Place | None, limit: int) -> list[Document]:
        """What any of a customer's records heard, newest first, older than ``before``."""
        wanted: Document = {"records": {"$in": await self.records(customer)}}
        if before is not None:
            at, record = before
            wanted["$or"] = [{"received": {"$lt": at}}, {"received": at, "_id": {"$lt": record}}]
        order = [("received", -1), ("_id", -1)]
        return await self._database.find(CONSENTS, wanted, sort=order, limit=limit)

    async def laws(self, customers: Collection[bytes], session: Session) -> dict[bytes, list[str]]:
        """The jurisdictions that protect each of these customers, as they stand in the transaction."""
        wanted = {"_id": {"$in": sorted(customers)}}
        found = await self._database.find("customers", wanted, {"laws": 1}, session=session)
        return {one["_id"]: one["laws"] for one in found}

    async def add(self, events: Sequence[Document], session: Session) -> None:
        """Put events on record within a transaction."""
        if events:
            await self._database.insert_many(CONSENTS, list(events), session=session)

    async def latest(
        self, records: Collection[bytes], purposes: Collection[str], session: Session | None = None
    ) -> dict[str, Document]:
        """The latest event of these records about each purpose."""
        pipeline: list[Mapping[str, Any]] = [
            {"$match": {"records": {"$in": list(records)}, "purpose": {"$in": sorted(purposes)}}},
            {"$sort": {"received": -1, "_id": -1}},
            {"$group": {"_id": "$purpose", "latest": {"$first": "$$ROOT"}}},
        ]
        found = await self._database.aggregate(CONSENTS, pipeline, session=session)
        return {one["_id"]: one["latest"] for one in found}

    async def terms(self, digests: Collection[bytes]) -> dict[bytes, Document]:
        """Terms by their digest."""
        found = await self._database.find(TERMS, {"_id": {"$in": sorted(set(digests))}})
        return {one.pop("_id"): one for one in found}

    async def keep_terms(self, terms: Mapping[bytes, Document]) -> None:
        """Keep terms; those that are there already stay as they are."""
        await self._database.bulk_write(TERMS, terms_written(terms))


def recorded(events: Sequence[Document]) -> list[tuple[str, Operation]]:
    """The writes that put events on record, for a transaction of somebody else's."""
    return [(CONSENTS, insert(one)) for one in events]


def terms_written(terms: Mapping[bytes, Document]) -> list[Operation]:
    """The writes that keep terms."""
    return [update({"_id": key}, {"$setOnInsert": one}, upsert=True) for key, one in sorted(terms.items())]
