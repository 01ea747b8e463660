"""That erasures are remembered: in the database and, beyond it, in the erasure ledger."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from discretion.domain.erasure.erasure_ledger import Erased, ErasureLedger
from discretion.errors import Misconfigured
from discretion.store.erasures import Erasures


@dataclass(frozen=True, slots=True)
class Remember:
    """Remembers erasures; the transaction that erased called ``erasures.begin``."""

    erasures: Erasures
    ledger: ErasureLedger

    async def __call__(self, erased: Erased) -> None:
        """Put an erasure into the ledger; done already, it adds nothing.

        Raises:
            Misconfigured: ``ERASURE_LEDGER_BROKEN``.
            Unavailable: the ledger or the store is away.
        """
        await self.ledger.append(erased)
        await self.erasures.written([(erased.id, erased.at)])

    async def missing(self) -> list[Erased]:
        """Erasures of the ledger that the database does not know: it was restored from before them.

        Raises:
            Misconfigured: ``ERASURE_LEDGER_MISSING`` or ``ERASURE_LEDGER_BROKEN``: the database knows
                erasures that the ledger should have, and it has them not.
        """
        known = await self.erasures.known()
        there = {one for one, line in known.items() if line}
        if there and not self.ledger.path.exists():
            raise Misconfigured(
                "ERASURE_LEDGER_MISSING",
                f"The database holds erasures, and their ledger {self.ledger.path} is missing.",
                "Put its latest copy there, or say where it is with DISCRETION_ERASURE_LEDGER.",
            )
        lines = await asyncio.to_thread(lambda: list(self.ledger.read()))
        if lost := len(there - {one.id for one in lines}):
            raise Misconfigured(
                "ERASURE_LEDGER_BROKEN",
                f"{lost} erasures that the database holds are not in its ledger {self.ledger.path}.",
                "Put its latest copy in its place; without it nobody knows who must stay erased.",
            )
        return [one for one in lines if one.id not in known]

    async def check(self) -> None:
        """See that nobody is served who was erased.

        Raises:
            Misconfigured: ``RESTORE_UNFINISHED``, or what ``missing`` raises.
        """
        missing = await self.missing()
        if missing or await self.erasures.restoring():
            raise Misconfigured(
                "RESTORE_UNFINISHED",
                f"This database was restored, and {len(missing)} erasures since are not in it yet.",
                "Run: discretion restore --replay-only. If a restore was cut short: discretion restore "
                "SOURCE --replace",
            )
