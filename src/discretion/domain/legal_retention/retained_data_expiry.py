"""Deletion of retained data, with their keys, when the law no longer orders them kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from discretion.store.driver.database import Database, build_update

EXPIRY_BATCH = 500

DestroyKeys = Callable[[Sequence[bytes]], Awaitable[object]]
"""Destroys the bucket keys that wrap the data keys of these ids."""


@dataclass(frozen=True, slots=True)
class RetainedDataExpiry:
    """Deletes expired documents of ``held``."""

    database: Database
    now_ms: Callable[[], int]
    destroy_keys: DestroyKeys

    async def run(self) -> int:
        """Delete expired documents and destroy their keys.

        Returns:
            The number of deleted documents.
        """
        deleted = 0
        # The order is safe against a crash. The document stays until its key is destroyed, so an interrupted
        # run finds it again. Its wrapped key is removed before, so the rotation does not rewrap it.
        while batch := await self._list_expired():
            writes = [build_update({"_id": document_id}, {"$unset": {"key": ""}}) for document_id in batch]
            await self.database.bulk_write("held", writes)
            await self.destroy_keys(batch)
            await self.database.delete_many("held", {"_id": {"$in": batch}})
            deleted += len(batch)
        return deleted

    async def _list_expired(self) -> list[bytes]:
        query = {"until": {"$lte": self.now_ms()}}
        documents = await self.database.find(
            "held", query, {"_id": 1}, sort=[("until", 1)], limit=EXPIRY_BATCH
        )
        return [document["_id"] for document in documents]
