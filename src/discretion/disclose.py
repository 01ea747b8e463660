"""The one path by which customer data are revealed.

The order of its steps:

    decide   which attributes the grant may see     purpose/   (called by plan)
    plan     what is read from MongoDB              plan/
    fetch    and reveal, row by row                 store/, reveal/ (called by the operation's resolvers)
    record   what was revealed                      ledger/
    answer   only with a receipt

The edge can send only what ``Discloser.disclose`` returns, and that returns an answer only after the
disclosure is recorded. Without a receipt there is no answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from discretion.errors import Unavailable
from discretion.ledger.append import Ledger
from discretion.ledger.entry import LedgerEntry
from discretion.plan.plan import QueryPlan
from discretion.reveal.login_reach import LoginReach, LoginReachResolver
from discretion.reveal.revealer import Reading, RevealAccount, Revealer
from discretion.token.grant import SELF, Grant

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DisclosedAnswer(Generic[T]):
    """An answer and the receipt of its disclosure.

    ``receipt`` is None if the operation reads no customers.
    """

    answer: T
    receipt: str | None
    plan: QueryPlan
    account: RevealAccount


@dataclass(frozen=True, slots=True)
class Discloser:
    """Runs planned operations and records what they reveal. ``app`` supplies the dependencies."""

    revealer: Revealer
    ledger: Ledger
    login_reaches: LoginReachResolver
    now_ms: Callable[[], int]
    entropy: Callable[[int], bytes]

    async def disclose(
        self, plan: QueryPlan, grant: Grant, operation: str, execute: Callable[[Reading], Awaitable[T]]
    ) -> DisclosedAnswer[T]:
        """Run a planned operation, and record what it revealed before the answer is returned.

        Args:
            plan: The compiled operation.
            grant: What the verified token allows.
            operation: The name of the operation, as it is recorded in the ledger.
            execute: Runs the operation; every value that it reveals passes through the ``Reading``.

        Raises:
            Unavailable: ``LEDGER_UNAVAILABLE`` or ``REACH_CHANGED``; the answer is discarded.
        """
        # Resolved at each operation: a merge, a split or an erasure changes what a login reaches.
        login_reach = None if grant.login is None else await self.login_reaches.resolve(grant.login)
        reading = self.revealer.start_reading(plan, grant, self.now_ms(), login_reach)
        answer = await execute(reading)
        await self._check_reach(grant, reading.login_reach)
        account = reading.build_account()
        if not plan.touches_customers:
            return DisclosedAnswer(answer, None, plan, account)
        entry = self._build_entry(plan, grant, operation, reading, account)
        # The order matters: an answer that left before its entry is durable could be lost from the record in
        # a crash.
        receipt = await self.ledger.append(entry)
        return DisclosedAnswer(answer, receipt, plan, account)

    async def _check_reach(self, grant: Grant, reach: LoginReach | None) -> None:
        """Check that a split during the operation has not given the customer it read to somebody else.

        Raises:
            Unavailable: ``REACH_CHANGED``; the answer is discarded.
        """
        if grant.login is None or reach is None or not reach.may_change:
            return
        if await self.login_reaches.resolve(grant.login) != reach:
            raise Unavailable(
                "REACH_CHANGED", "What this login reaches has just changed.", "Send the operation again."
            )

    def _build_entry(
        self, plan: QueryPlan, grant: Grant, operation: str, reading: Reading, account: RevealAccount
    ) -> LedgerEntry:
        return LedgerEntry(
            # Time first, so that receipts sort by time; the random part makes them unique and not guessable.
            receipt=f"{reading.now_ms:012x}{self.entropy(10).hex()}",
            at=reading.now_ms,
            client=grant.client,
            # In a customer's own token ``sub`` names the customer. The ledger outlives an erasure and must
            # not hold it.
            actor=SELF if grant.is_self else grant.subject,
            operation=operation,
            # A request without an allowed attribute still reads customers, for example to count them.
            purposes=plan.purposes or tuple(sorted(plan.granted_purposes)),
            attributes=plan.forms,
            extra=tuple(sorted(account.extra)),
            subjects=account.revealed,
        )


def describe_disclosure(disclosed: DisclosedAnswer[Any]) -> dict[str, Any] | None:
    """Return ``extensions.disclosure`` of a response, or None if no customer was read.

    Returns:
        ``{"receipt": str, "purposes": [str], "withheld": [{"field": str, "reason": str, "count": int}]}``
    """
    if disclosed.receipt is None:
        return None
    return {
        "receipt": disclosed.receipt,
        "purposes": list(disclosed.plan.purposes),
        "withheld": [
            {"field": withheld_field.field, "reason": withheld_field.reason, "count": withheld_field.count}
            for withheld_field in disclosed.account.withheld
        ],
    }
