"""What a sweep asks of MongoDB: who is next, what of theirs has lapsed, and the document of each run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from discretion.store.driver.database import Database, Document, Session

COLLECTION = "sweeps"


class Sweeps:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self) -> Document | None:
        """The latest run; only that one can be unfinished."""
        return await self._database.find_one(COLLECTION, {}, sort=[("_id", -1)])

    async def begin(self, number: int, told: Mapping[str, Any], until: int) -> None:
        """Put a new run on record, held until ``until`` (ms).

        Raises:
            Conflict: ``DUPLICATE``; another process was first.
        """
        await self._database.insert_many(
            COLLECTION, [{"_id": _name(number), "fence": 1, "until": until, **told}]
        )

    async def take_over(self, number: int, fence: int, now: int, until: int) -> bool:
        """Hold an unfinished run that nobody holds any more, under the next fence; whether that went well."""
        free = {"_id": _name(number), "fence": fence, "until": {"$lt": now}, "finished": {"$exists": False}}
        done = await self._database.update_one(
            COLLECTION, free, {"$set": {"until": until}, "$inc": {"fence": 1}}
        )
        return done.matched == 1

    async def save(
        self, number: int, fence: int, told: Mapping[str, Any], until: int, session: Session | None = None
    ) -> bool:
        """Put on record how far a run is; whether it was still held under this fence."""
        done = await self._database.update_one(
            COLLECTION,
            {"_id": _name(number), "fence": fence},
            {"$set": {**told, "until": until}},
            session=session,
        )
        return done.matched == 1

    async def count(self) -> int:
        """How many customers there are."""
        return await self._database.count("customers", {})

    async def customers(self, after: bytes, limit: int) -> list[Document]:
        """The next customers in the order of their ids: ``{_id, restricted}``."""
        return await self._database.find(
            "customers", {"_id": {"$gt": after}}, {"restricted": 1}, sort=[("_id", 1)], limit=limit
        )

    async def times(self, customers: Sequence[bytes]) -> list[Document]:
        """The source records of customers as far as time matters: no sealed value, no id is read."""
        observed = {"k": "$$this.k", "v": {"t": "$$this.v.t", "b": "$$this.v.b"}}
        cells = {"$map": {"input": {"$objectToArray": "$cells"}, "in": observed}}
        return await self._database.aggregate(
            "source_records",
            [
                {"$match": {"customer": {"$in": list(customers)}}},
                {"$project": {"customer": 1, "folds": 1, "cells": {"$arrayToObject": cells}}},
            ],
        )

    async def events(
        self,
        customers: Sequence[bytes],
        before: Mapping[str, int],
        others: int,
        limit: int,
        session: Session | None = None,
    ) -> list[Document]:
        """Events of these customers that happened before their type's time (ms): ``{_id, type}``.

        ``others`` is the time for types that ``before`` does not name.
        """
        wanted = _lapsed(customers, before, others)
        return await self._database.find("events", wanted, {"type": 1}, limit=limit, session=session)

    async def count_events(
        self, customers: Sequence[bytes], before: Mapping[str, int], others: int
    ) -> Counter[str]:
        """How many such events there are, by type."""
        counted = await self._database.aggregate(
            "events",
            [
                {"$match": _lapsed(customers, before, others)},
                {"$group": {"_id": "$type", "n": {"$sum": 1}}},
            ],
        )
        return Counter({one["_id"]: one["n"] for one in counted})

    async def delete_events(self, events: Sequence[bytes], session: Session) -> None:
        """Delete events."""
        await self._database.delete_many("events", {"_id": {"$in": list(events)}}, session=session)


def _name(number: int) -> str:
    """Names are in the order of numbers."""
    return f"{number:09d}"


def _lapsed(customers: Sequence[bytes], before: Mapping[str, int], others: int) -> Document:
    """The latest of all times comes first, so that the index of the timeline bounds what is looked at."""
    each: list[Document] = [{"type": kind, "at": {"$lt": at}} for kind, at in before.items()]
    each.append({"type": {"$nin": list(before)}, "at": {"$lt": others}})
    latest = max((*before.values(), others))
    return {"customer": {"$in": list(customers)}, "at": {"$lt": latest}, "$or": each}
