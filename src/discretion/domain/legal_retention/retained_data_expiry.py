"""Deletion of retained data, with their keys, when the law no longer orders them kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from discretion.store.retained_data import RetainedDataStore

EXPIRY_BATCH = 500

DestroyKeys = Callable[[Sequence[bytes]], Awaitable[object]]
"""Destroys the bucket keys that wrap the data keys of these ids."""


@dataclass(frozen=True, slots=True)
class RetainedDataExpiry:
    """Deletes expired documents of ``held``."""

    retained: RetainedDataStore
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
        while batch := await self.retained.list_expired(self.now_ms(), EXPIRY_BATCH):
            await self.retained.remove_keys(batch)
            await self.destroy_keys(batch)
            await self.retained.delete(batch)
            deleted += len(batch)
        return deleted
