"""Reading who somebody is: the identifiers their records name, and what happened to their identity."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from discretion.store.driver.database import Database

Document = dict[str, Any]
Place = tuple[int, bytes]
"""Time in ms, and id."""


class Identities:
    """What is kept of identity, for reading."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def named(self, customer: bytes, kinds: Collection[str]) -> list[Document]:
        """Identifiers of these types that a customer's records name: ``{source, ids}`` for each record."""
        here = {"$in": ["$$one.k", sorted(kinds)]}
        ids = {"$filter": {"input": "$ids", "as": "one", "cond": here}}
        pipeline: list[Mapping[str, Any]] = [
            {"$match": {"customer": customer}},
            {"$sort": {"_id": 1}},
            {"$project": {"_id": 0, "source": 1, "ids": ids}},
        ]
        return await self._database.aggregate("source_records", pipeline)

    async def former(self, customer: bytes) -> list[tuple[bytes, bytes]]:
        """Ids of customers merged into this one, each with its wrapped key."""
        found = await self._database.find_one("customers", {"_id": customer}, {"merged": 1})
        return [] if found is None else [(one["id"], one["key"]) for one in found["merged"]]

    async def history(self, customers: Sequence[bytes], before: Place | None, limit: int) -> list[Document]:
        """What happened to the identity of any of these, newest first, older than ``before``."""
        wanted: Document = {"customers": {"$in": list(customers)}}
        if before is not None:
            at, event = before
            wanted["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": event}}]
        return await self._database.find(
            "identity_events", wanted, sort=[("at", -1), ("_id", -1)], limit=limit
        )
