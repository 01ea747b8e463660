"""The database operations of a retention sweep: customers, their expired data, and the runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session
from discretion.store.lease import LeasedCollection

COLLECTION = "sweeps"


class SweepStore:
    """The ``sweeps`` collection, and the reads and deletions of a sweep."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leases = LeasedCollection(database, COLLECTION)

    async def find_latest(self) -> MutableDocument | None:
        """Return the latest run; only that one can be unfinished."""
        return await self._database.find_one(COLLECTION, {}, sort=[("_id", -1)])

    async def add(self, number: int, progress: Mapping[str, Any], until: int) -> None:
        """Record a new run with a lease until ``until`` (ms).

        Raises:
            Conflict: ``DUPLICATE``; another process was first.
        """
        # Processes that start at the same time compute the same number. The unique ``_id`` lets one of them
        # win.
        lease = {"fence": 1, "until": until, "next": progress["started"]}
        await self._database.insert_many(COLLECTION, [{"_id": _run_id(number), **lease, **progress}])

    async def take_over(self, number: int, now: int, until: int) -> MutableDocument | None:
        """Take over an unfinished run whose lease has expired; None if another process did."""
        return await self._leases.take(now, until, document_id=_run_id(number))

    async def save(
        self, number: int, fence: int, progress: Mapping[str, Any], until: int, session: Session | None = None
    ) -> bool:
        """Save the progress of a run and extend its lease.

        Return whether the lease was still held under this fence.
        """
        # A finished run is nobody's work any more.
        end = {"next": None} if "finished" in progress else {}
        return await self._leases.save(_run_id(number), fence, {**progress, **end, "until": until}, session)

    async def count_customers(self) -> int:
        """Count the customers that a complete sweep visits."""
        return await self._database.count("customers", {})

    async def list_customers(self, after: bytes, limit: int) -> list[MutableDocument]:
        """List the next customers in the order of their ids, as ``{_id, restricted}``."""
        return await self._database.find(
            "customers", {"_id": {"$gt": after}}, {"restricted": 1}, sort=[("_id", 1)], limit=limit
        )

    async def list_value_times(self, customers: Sequence[bytes]) -> list[MutableDocument]:
        """List the source records of customers with the times of their values.

        Sealed values and ids are not read.
        """
        observed = {"k": "$$this.k", "v": {"t": "$$this.v.t", "b": "$$this.v.b"}}
        cells = {"$map": {"input": {"$objectToArray": "$cells"}, "in": observed}}
        return await self._database.aggregate(
            "source_records",
            [
                {"$match": {"customer": {"$in": list(customers)}}},
                {"$project": {"customer": 1, "folds": 1, "cells": {"$arrayToObject": cells}}},
            ],
        )

    async def list_expired_events(
        self,
        customers: Sequence[bytes],
        cut_offs: Mapping[str, int],
        default_cut_off: int,
        limit: int,
        session: Session | None = None,
    ) -> list[MutableDocument]:
        """List events of these customers that are older than the cut-off of their type, as ``{_id, type}``.

        Args:
            customers: Their ids.
            cut_offs: The cut-off (ms) by event type.
            default_cut_off: The cut-off of all other types.
            limit: Events at most.
            session: The transaction, if any.
        """
        query = _build_expired_query(customers, cut_offs, default_cut_off)
        return await self._database.find("events", query, {"type": 1}, limit=limit, session=session)

    async def count_expired_events(
        self, customers: Sequence[bytes], cut_offs: Mapping[str, int], default_cut_off: int
    ) -> Counter[str]:
        """Count expired events by type; the arguments are those of ``list_expired_events``."""
        groups = await self._database.aggregate(
            "events",
            [
                {"$match": _build_expired_query(customers, cut_offs, default_cut_off)},
                {"$group": {"_id": "$type", "n": {"$sum": 1}}},
            ],
        )
        return Counter({group["_id"]: group["n"] for group in groups})

    async def delete_events(self, events: Sequence[bytes], session: Session) -> None:
        """Delete events by their ids."""
        await self._database.delete_many("events", {"_id": {"$in": list(events)}}, session=session)


def _run_id(number: int) -> str:
    """Return the id of a run; ids sort like numbers."""
    return f"{number:09d}"


def _build_expired_query(
    customers: Sequence[bytes], cut_offs: Mapping[str, int], default_cut_off: int
) -> MutableDocument:
    alternatives: list[MutableDocument] = [
        {"type": event_type, "at": {"$lt": at}} for event_type, at in cut_offs.items()
    ]
    alternatives.append({"type": {"$nin": list(cut_offs)}, "at": {"$lt": default_cut_off}})
    # The condition on the latest of all cut-offs is redundant, but it lets the timeline index bound the scan.
    latest = max((*cut_offs.values(), default_cut_off))
    return {"customer": {"$in": list(customers)}, "at": {"$lt": latest}, "$or": alternatives}
