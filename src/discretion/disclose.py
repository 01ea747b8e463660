"""The conductor: every reveal of customer data passes through here, in this order.

    decide   what the grant may see        purpose/   (inside plan)
    plan     what is asked of MongoDB      plan/
    fetch    and reveal, row by row        store/, reveal/ (the operation's resolvers call them)
    record   what was revealed             ledger/
    answer   only with a receipt

No receipt, no answer: the edge can send only what ``disclose`` returns.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from discretion.ledger.append import Ledger
from discretion.ledger.entry import Entry
from discretion.plan.plan import Plan
from discretion.reveal.revealer import Account, Reading, Revealer
from discretion.token.grant import SELF, Grant

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Disclosed(Generic[T]):
    """An answer and the proof that it is on record; ``receipt`` is None if no customer was met."""

    answer: T
    receipt: str | None
    plan: Plan
    account: Account


@dataclass(frozen=True, slots=True)
class Conductor:
    """Everything a reveal needs, handed in by ``app``."""

    revealer: Revealer
    ledger: Ledger
    now_ms: Callable[[], int]
    entropy: Callable[[int], bytes]

    async def disclose(
        self, plan: Plan, grant: Grant, operation: str, execute: Callable[[Reading], Awaitable[T]]
    ) -> Disclosed[T]:
        """Run a planned operation and put what it revealed on record before returning it.

        Raises:
            Unavailable: ``LEDGER_UNAVAILABLE``; the answer is dropped.
        """
        reading = self.revealer.reading(plan, grant, self.now_ms())
        answer = await execute(reading)
        account = reading.account()
        if not plan.touches_customers:
            return Disclosed(answer, None, plan, account)
        entry = self._entry(plan, grant, operation, reading, account)
        receipt = await self.ledger.append(entry)
        return Disclosed(answer, receipt, plan, account)

    def _entry(self, plan: Plan, grant: Grant, operation: str, reading: Reading, account: Account) -> Entry:
        return Entry(
            receipt=f"{reading.now_ms:012x}{self.entropy(10).hex()}",
            at=reading.now_ms,
            client=grant.client,
            actor=SELF if grant.is_self else grant.subject,
            operation=operation,
            purposes=plan.purposes or tuple(sorted(plan.held)),
            attributes=plan.forms,
            extra=tuple(sorted(account.extra)),
            subjects=account.seen,
        )


def describe(disclosed: Disclosed[Any]) -> dict[str, Any] | None:
    """``extensions.disclosure`` of an answer, or None if no customer was met."""
    if disclosed.receipt is None:
        return None
    return {
        "receipt": disclosed.receipt,
        "purposes": list(disclosed.plan.purposes),
        "withheld": [
            {"field": one.field, "reason": one.reason, "count": one.count}
            for one in disclosed.account.withheld
        ],
    }
