"""What another law ordered kept goes on its day, and its key with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from discretion.store.driver.database import Database, update

TOGETHER = 500

Shred = Callable[[Sequence[bytes]], Awaitable[object]]
"""Destroys the keys under which these ids' data keys were wrapped."""


@dataclass(frozen=True, slots=True)
class Lapse:
    """Deletes what need not be kept any more. ``shred`` is told whose keys go."""

    database: Database
    now_ms: Callable[[], int]
    shred: Shred

    async def __call__(self) -> int:
        """Delete what is over; how many documents that were.

        First they lose their wrapped keys, then the keys those were wrapped under are destroyed, and last the
        documents go: cut off anywhere, they are found again and nothing of that is forgotten.
        """
        gone = 0
        while batch := await self._some():
            bare = [update({"_id": one}, {"$unset": {"key": ""}}) for one in batch]
            await self.database.bulk_write("held", bare)
            await self.shred(batch)
            await self.database.delete_many("held", {"_id": {"$in": batch}})
            gone += len(batch)
        return gone

    async def _some(self) -> list[bytes]:
        over = {"until": {"$lte": self.now_ms()}}
        found = await self.database.find("held", over, {"_id": 1}, sort=[("until", 1)], limit=TOGETHER)
        return [one["_id"] for one in found]
