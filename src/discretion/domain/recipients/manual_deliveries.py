"""Deliveries left to a steward: warnings before they lapse, and their end after 44 days.

A warning is logged a week and a day before the ids of the person are deleted, and once when they are. A
delivery that has lapsed stays in the list of the privacy office until a steward acknowledges it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from discretion.domain.recipients.delivery import (
    DAY_MS,
    MANUAL_STATES,
    SUBJECTS_RETENTION_MS,
    compute_expiry,
)
from discretion.domain.recipients.notification_result import NotificationResults
from discretion.store.deliveries import Delivery, DeliveryState, DeliveryStore
from discretion.store.transactions import Session, Transactions

WARNINGS: Sequence[tuple[str, int]] = (("day", DAY_MS), ("week", 7 * DAY_MS))
"""Name of each warning and how long before the end it is given (ms), nearest first."""

BATCH = 100
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ManualDeliveryMonitor:
    """Warns of deliveries that wait for a steward, and expires those that waited too long."""

    transactions: Transactions
    deliveries: DeliveryStore
    results: NotificationResults
    now_ms: Callable[[], int]

    async def run_once(self) -> None:
        """Expire what has waited too long, and warn of what soon will have."""
        created_before = self.now_ms() - SUBJECTS_RETENTION_MS
        for outdated in await self.deliveries.list_older_than(MANUAL_STATES, created_before, BATCH):
            if await self._expire(outdated):
                _log.warning("a notification of %s lapsed: nobody acknowledged it", outdated.client)
        await self._warn()

    async def _expire(self, delivery: Delivery) -> bool:
        async def expire_delivery(session: Session) -> bool:
            expired = replace(delivery, state=DeliveryState.EXPIRED, subjects=(), merged=())
            is_expired = await self.deliveries.overrule(delivery, expired, session)
            if is_expired:
                await self.results.update(delivery.request, session)
            return is_expired

        return await self.transactions.run(expire_delivery)

    async def _warn(self) -> None:
        now = self.now_ms()
        for index, (name, lead_ms) in enumerate(WARNINGS):
            created_before = now + lead_ms - SUBJECTS_RETENTION_MS
            for delivery in await self.deliveries.list_unwarned(MANUAL_STATES, created_before, name, BATCH):
                # The earlier warnings are recorded with it: they come too late.
                warnings = [warning for warning, _ in WARNINGS[index:]]
                if await self.deliveries.mark_warned(delivery.id, warnings):
                    hours = (compute_expiry(delivery) - now) // 3_600_000
                    _log.warning(
                        "a notification of %s is left to a steward and lapses in %d h; "
                        "see: discretion recipient deliveries",
                        delivery.client,
                        hours,
                    )
