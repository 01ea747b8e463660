"""Group commit: the disclosures of concurrent requests share one durable write.

``Ledger.append`` returns a receipt only after the entry is on disk at a majority. Every failure before that
point looks the same to the caller: no receipt, and therefore no data. An entry whose write failed may still
have been stored. That is accepted: a record of a disclosure that did not happen harms nobody, but a
disclosure without a record does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from discretion.errors import Unavailable
from discretion.ledger.entry import LedgerEntry

MAX_WAIT_S = 5.0
"""Seconds that one group write may take."""
MAX_GROUP = 256
"""Entries in one group write."""
MAX_PENDING = 4096
"""Entries that may wait for a write; more are refused, so that a slow database does not exhaust memory."""


class LedgerBackend(Protocol):
    """Where the ledger stores its entries."""

    async def insert(self, entries: Sequence[LedgerEntry]) -> None:
        """Store entries durably, or raise an error."""


class Ledger:
    """Appends entries in groups. At most one group is being written at a time."""

    def __init__(self, storage: LedgerBackend, max_wait_s: float = MAX_WAIT_S) -> None:
        self._storage = storage
        self._max_wait_s = max_wait_s
        self._pending: list[tuple[LedgerEntry, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def append(self, entry: LedgerEntry) -> str:
        """Record an entry and wait until it is durable.

        Returns:
            The receipt of the entry.

        Raises:
            Unavailable: ``LEDGER_UNAVAILABLE``; the caller must not reveal anything.
        """
        if len(self._pending) >= MAX_PENDING:
            raise _unavailable()
        # The writer ends only when no entry is pending, and in the same turn of the event loop. So an entry
        # that is added here always has a writer.
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((entry, stored))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_pending())
        await stored
        return entry.receipt

    async def _write_pending(self) -> None:
        try:
            while self._pending:
                # Entries that arrive during a write form the next group; the longer a write takes, the larger
                # it gets.
                group, self._pending = self._pending[:MAX_GROUP], self._pending[MAX_GROUP:]
                await self._write_group(group)
        finally:
            # Also after an error: otherwise no later entry would get a writer.
            self._writer = None

    async def _write_group(self, group: list[tuple[LedgerEntry, asyncio.Future[None]]]) -> None:
        failure: BaseException | None = None
        try:
            async with asyncio.timeout(self._max_wait_s):
                await self._storage.insert([entry for entry, _ in group])
        # Also an error that nobody expects: the callers of this group and of later ones wait for an answer.
        except Exception as error:  # noqa: BLE001
            failure = _unavailable()
            failure.__cause__ = error
        # The writer task was cancelled at shutdown. Callers must not wait for ever, so they receive an error
        # too.
        except asyncio.CancelledError:
            failure = _unavailable()
        for _, stored in group:
            # The caller was cancelled in the meantime and no longer waits.
            if stored.done():
                continue
            if failure is None:
                stored.set_result(None)
            else:
                stored.set_exception(failure)


def _unavailable() -> Unavailable:
    return Unavailable("LEDGER_UNAVAILABLE", "The disclosure could not be recorded, so nothing is revealed.")
