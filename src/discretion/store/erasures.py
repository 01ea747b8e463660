"""Erasures that this database knows of, and whether it is being restored.

An erasure is ``{_id, at, line}``; ``line`` once it is in the erasure ledger. While a dump is loaded and until
the ledger has been replayed, there is also a mark.
"""

from __future__ import annotations

from collections.abc import Iterable

from discretion.store.driver.database import Database, Operation, Session, update

COLLECTION = "erasures"
_RESTORING = b"restoring"


class Erasures:
    """The ``erasures`` collection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, erasure: bytes, at: int, session: Session) -> None:
        """Put an erasure on record in the transaction that erases (ms)."""
        await self._database.update_one(
            COLLECTION, {"_id": erasure}, {"$setOnInsert": {"at": at}}, upsert=True, session=session
        )

    async def written(self, erasures: Iterable[tuple[bytes, int]]) -> None:
        """Mark erasures, each with its time (ms), as being in the ledger."""
        writes: list[Operation] = [
            update({"_id": one}, {"$set": {"line": True}, "$setOnInsert": {"at": at}}, upsert=True)
            for one, at in erasures
        ]
        await self._database.bulk_write(COLLECTION, writes)

    async def known(self) -> dict[bytes, bool]:
        """Every erasure there is, and whether it is in the ledger."""
        found = await self._database.find(COLLECTION, {"_id": {"$ne": _RESTORING}}, {"line": 1})
        return {one["_id"]: "line" in one for one in found}

    async def restoring(self) -> bool:
        """Whether a restore has begun and not ended."""
        return await self._database.find_one(COLLECTION, {"_id": _RESTORING}) is not None

    async def restore(self, at: int) -> None:
        """A restore begins (ms)."""
        change = {"$set": {"at": at}}
        await self._database.update_one(COLLECTION, {"_id": _RESTORING}, change, upsert=True)

    async def restored(self) -> None:
        """It has ended."""
        await self._database.delete_many(COLLECTION, {"_id": _RESTORING})

    async def empty(self) -> None:
        """Forget all erasures; that it is being restored stays."""
        await self._database.delete_many(COLLECTION, {"_id": {"$ne": _RESTORING}})
