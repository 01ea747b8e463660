"""The ``sweeps`` collection: the runs of the retention sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session
from discretion.store.lease import LeasedCollection

COLLECTION = "sweeps"


class SweepStore:
    """Reads and writes of runs."""

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


def _run_id(number: int) -> str:
    """Return the id of a run; ids sort like numbers."""
    return f"{number:09d}"
