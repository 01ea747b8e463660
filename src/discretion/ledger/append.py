"""Group commit: disclosures of concurrent requests share one durable write.

``append`` returns a receipt only after the entry is on disk at a majority. Whatever goes wrong
before that is one answer to the caller: no receipt, so no data (promise 3). An entry whose write
failed may still have been stored; a record of a reveal that did not happen harms nobody, a
reveal without a record does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from discretion.errors import DiscretionError, Unavailable
from discretion.ledger.entry import Entry

MAX_WAIT_S = 5.0
MAX_GROUP = 256
MAX_WAITING = 4096


class Storage(Protocol):
    """What the ledger needs of its storage."""

    async def insert(self, entries: Sequence[Entry]) -> None:
        """Store entries durably or raise."""


class Ledger:
    """Appends entries in groups, one group on its way at a time."""

    def __init__(self, storage: Storage, max_wait_s: float = MAX_WAIT_S) -> None:
        self._storage = storage
        self._max_wait_s = max_wait_s
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def append(self, entry: Entry) -> str:
        """Put an entry on record.

        Returns:
            The receipt, durable.

        Raises:
            Unavailable: ``LEDGER_UNAVAILABLE``; nothing may be revealed.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise _unavailable()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        await done
        return entry.receipt

    async def _write(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
                await self._write_group(group)
        finally:
            self._writer = None

    async def _write_group(self, group: list[tuple[Entry, asyncio.Future[None]]]) -> None:
        failure: BaseException | None = None
        try:
            async with asyncio.timeout(self._max_wait_s):
                await self._storage.insert([entry for entry, _ in group])
        except (DiscretionError, TimeoutError, OSError) as error:
            failure = _unavailable()
            failure.__cause__ = error
        except asyncio.CancelledError:
            failure = _unavailable()
        for _, done in group:
            if done.done():
                continue
            if failure is None:
                done.set_result(None)
            else:
                done.set_exception(failure)


def _unavailable() -> Unavailable:
    return Unavailable(
        "LEDGER_UNAVAILABLE", "The disclosure could not be put on record, so nothing is revealed."
    )
