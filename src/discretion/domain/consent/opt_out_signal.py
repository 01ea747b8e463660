"""Recording of the opt-out signal (Global Privacy Control) of a browser in which a customer is signed in.

It is the customer's own browser, so the signal applies to all their data, from the first request on
(11 CCR 7025(c)(1)).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from discretion.domain.consent.statement_writer import CustomerStatement, ExtraWrites, StatementWriter
from discretion.errors import Conflict, NotFound
from discretion.reveal.login_reach import LoginReachResolver
from discretion.token.grant import Grant

GPC_SIGNAL = "gpc"
REPEAT_AFTER_MS = 60_000
"""How long a repeated signal is not written. Later it is, because it may have been revoked meanwhile."""

MAX_REMEMBERED = 10_000
"""Most customers whose last signal is remembered; for others it is written again, which is harmless."""


class OptOutSignalRecorder:
    """Puts ``Sec-GPC: 1`` in force for the customer who sent it, with ``extra_writes`` in one transaction."""

    def __init__(
        self,
        writer: StatementWriter,
        login_reaches: LoginReachResolver,
        now_ms: Callable[[], int],
        extra_writes: ExtraWrites,
    ) -> None:
        self._writer = writer
        self._extra_writes = extra_writes
        self._login_reaches = login_reaches
        self._now_ms = now_ms
        self._recorded_at: OrderedDict[bytes, int] = OrderedDict()

    async def record(self, grant: Grant) -> None:
        """Record the signal that came with a request of this grant; it is in force when this returns.

        Raises:
            Unavailable: The store cannot be reached.
        """
        # The signal of a steward's or a partner's browser concerns no customer.
        if grant.login is None:
            return
        customer = (await self._login_reaches.resolve(grant.login)).lasting_customer
        now_ms = self._now_ms()
        if customer is None or now_ms - self._recorded_at.get(customer, -REPEAT_AFTER_MS) < REPEAT_AFTER_MS:
            return
        try:
            # The name contains the minute: processes that receive the signal at the same time write it once.
            statement = CustomerStatement(
                f"{GPC_SIGNAL}-{now_ms // REPEAT_AFTER_MS}", signals=frozenset({GPC_SIGNAL})
            )
            await self._writer.write_statement(customer, statement, self._extra_writes)
        except NotFound:
            return
        except Conflict:  # another process recorded it within the same minute, under the same name
            pass
        # Only after the write: if it fails, the next request of the customer must write the signal.
        self._recorded_at[customer] = now_ms
        self._recorded_at.move_to_end(customer)
        if len(self._recorded_at) > MAX_REMEMBERED:
            self._recorded_at.popitem(last=False)

    def clear_cache(self) -> None:
        """Forget which customers' signals were recorded; the records themselves are stored."""
        self._recorded_at.clear()
