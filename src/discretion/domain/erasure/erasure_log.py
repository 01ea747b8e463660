"""The record of all erasures, in the collection ``erasures`` and in the erasure ledger."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from discretion.domain.erasure.erasure_ledger import ErasureEntry, ErasureLedger
from discretion.errors import Misconfigured
from discretion.store.erasures import ErasureStore


@dataclass(frozen=True, slots=True)
class ErasureLog:
    """Keeps the collection ``erasures`` and the ledger consistent.

    The transaction that erases has inserted the document into ``erasures`` (``ErasureStore.record``).
    """

    erasures: ErasureStore
    ledger: ErasureLedger

    async def record(self, entry: ErasureEntry) -> None:
        """Append an erasure to the ledger and mark it as logged in the database. It may be repeated.

        Raises:
            Misconfigured: ``ERASURE_LEDGER_BROKEN``.
            Unavailable: The ledger or the store is unavailable.
        """
        # The ledger first: an erasure that the database marks as logged is certainly in the file.
        await self.ledger.append_entry(entry)
        await self.erasures.mark_logged([(entry.id, entry.at)])

    async def forget_lost(self) -> None:
        """Forget the erasures of a restored database that the ledger lacks, because it is lost for good.

        Nothing is known of them but an id and a time, and without their entries no process starts.
        """
        written_ids = {
            entry.id for entry in await asyncio.to_thread(lambda: list(self.ledger.read_entries()))
        }
        logged = await self.erasures.list_logged()
        await self.erasures.delete(
            [id_ for id_, has_line in logged.items() if has_line and id_ not in written_ids]
        )

    async def list_missing(self) -> list[ErasureEntry]:
        """Return the entries of the ledger that the database does not have, since it was restored.

        Raises:
            Misconfigured: ``ERASURE_LEDGER_MISSING`` or ``ERASURE_LEDGER_BROKEN``: the database has erasures
                marked as logged that the ledger lacks.
        """
        recorded = await self.erasures.list_logged()
        written_ids = {erasure for erasure, has_line in recorded.items() if has_line}
        if written_ids and not self.ledger.path.exists():
            raise Misconfigured(
                "ERASURE_LEDGER_MISSING",
                f"The database records erasures, but the erasure ledger {self.ledger.path} is missing.",
                "Put its latest copy there, or set its path with DISCRETION_ERASURE_LEDGER.",
            )
        entries = await asyncio.to_thread(lambda: list(self.ledger.read_entries()))
        if lost_count := len(written_ids - {erasure.id for erasure in entries}):
            raise Misconfigured(
                "ERASURE_LEDGER_BROKEN",
                f"{lost_count} erasures that the database records are not in the erasure ledger "
                f"{self.ledger.path}.",
                "Put the latest copy of the ledger in its place. Without it, erased people are served again.",
            )
        return [erasure for erasure in entries if erasure.id not in recorded]

    async def check_replayed(self) -> None:
        """Check that every erasure in the ledger is applied, so that no erased person is served.

        Raises:
            Misconfigured: ``RESTORE_UNFINISHED``, or as ``list_missing``.
        """
        missing = await self.list_missing()
        if missing or await self.erasures.is_restoring():
            raise Misconfigured(
                "RESTORE_UNFINISHED",
                f"This database was restored, and {len(missing)} later erasures are not replayed yet.",
                "Run: discretion restore --replay-only. If a restore was interrupted: discretion restore "
                "SOURCE --replace",
            )
