"""The ``erasures`` collection: erasures that this database has executed, and whether it is being restored.

A document is ``{_id, at, line}``: a random id, when (ms), and ``line: true`` once the erasure is in the
erasure ledger. While a dump is loaded and until the ledger has been replayed, there is also a document with
the id ``restoring``. It marks the data as incomplete, so an interrupted restore can be repeated over them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from discretion.store.driver.database import Database, Session, WriteOperation, build_update
from discretion.store.dump import read_bson_file

COLLECTION = "erasures"
_RESTORING = b"restoring"


class ErasureStore:
    """Reads and changes of the ``erasures`` collection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, erasure: bytes, at: int, session: Session) -> None:
        """Record an erasure in the transaction that erases; ``at`` is in ms."""
        await self._database.update_one(
            COLLECTION, {"_id": erasure}, {"$setOnInsert": {"at": at}}, upsert=True, session=session
        )

    async def mark_logged(self, erasures: Iterable[tuple[bytes, int]]) -> None:
        """Mark erasures, each with its time (ms), as written to the erasure ledger."""
        writes: list[WriteOperation] = [
            # With upsert: after a restore, the ledger lists erasures that the restored database does not
            # have.
            build_update({"_id": erasure}, {"$set": {"line": True}, "$setOnInsert": {"at": at}}, upsert=True)
            for erasure, at in erasures
        ]
        await self._database.bulk_write(COLLECTION, writes)

    async def list_logged(self) -> dict[bytes, bool]:
        """Return for every erasure whether it is in the erasure ledger."""
        documents = await self._database.find(COLLECTION, {"_id": {"$ne": _RESTORING}}, {"line": 1})
        return {document["_id"]: "line" in document for document in documents}

    async def is_restoring(self) -> bool:
        """Return whether a restore has begun and not ended."""
        return await self._database.find_one(COLLECTION, {"_id": _RESTORING}) is not None

    async def begin_restore(self, at: int) -> None:
        """Record that a restore begins at ``at`` (ms)."""
        change = {"$set": {"at": at}}
        await self._database.update_one(COLLECTION, {"_id": _RESTORING}, change, upsert=True)

    async def end_restore(self) -> None:
        """Record that the restore has ended."""
        await self._database.delete_many(COLLECTION, {"_id": _RESTORING})

    async def delete(self, erasures: Collection[bytes]) -> None:
        """Delete erasures by id."""
        await self._database.delete_many(COLLECTION, {"_id": {"$in": list(erasures)}})

    async def delete_all(self) -> None:
        """Delete all erasures, but keep the mark of a running restore."""
        await self._database.delete_many(COLLECTION, {"_id": {"$ne": _RESTORING}})


def read_dumped_erasures(folder: Path) -> set[bytes]:
    """Return the erasures in a dump that are in the erasure ledger."""
    batches = read_bson_file(folder / f"{COLLECTION}.bson")
    return {document["_id"] for batch in batches for document in batch if "line" in document}
