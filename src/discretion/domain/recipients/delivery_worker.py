"""The worker that sends notifications until they are acknowledged: at least once, with growing delays.

A reply of the class 2xx acknowledges a notification, except 202: the recipient has received it and has not
acted yet. It acknowledges later at ``ACKNOWLEDGEMENT_PATH`` and is reminded once a day until then. Any other
reply, or none, is a failure. After the retry period a steward has to inform the recipient.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from discretion.domain.kit.egress import EgressClient
from discretion.domain.kit.workflow.poll import attempt_logged, run_polling
from discretion.domain.recipients.delivery import BACKOFF, DAY_MS, RETRY_PERIOD_MS, acknowledge
from discretion.domain.recipients.manual_deliveries import ManualDeliveryMonitor
from discretion.domain.recipients.notification import DELIVERY_HEADER, MEDIA_TYPE, NotificationSigner
from discretion.domain.recipients.notification_result import NotificationResults
from discretion.errors import DiscretionError
from discretion.store.deliveries import Delivery, DeliveryState, DeliveryStore
from discretion.store.transactions import Session, Transactions

LEASE_MS = 60_000
"""How long an attempt keeps a delivery from other workers (ms); longer than an HTTP exchange may take."""

BATCH = 20
POLL_S = 2.0
WEBHOOK_ACTOR = "webhook"
"""``acknowledged_by`` of a delivery that the webhook's reply acknowledged."""

_HTTP_OK, _HTTP_ACCEPTED, _HTTP_REDIRECT = 200, 202, 300


@dataclass(frozen=True, slots=True)
class DeliveryWorker:
    """Attempts deliveries, and watches over those that are left to a steward."""

    transactions: Transactions
    deliveries: DeliveryStore
    results: NotificationResults
    monitor: ManualDeliveryMonitor
    signer: NotificationSigner
    egress: EgressClient
    now_ms: Callable[[], int]
    entropy: Callable[[int], bytes] = field(repr=False)

    async def run_once(self) -> int:
        """Attempt at most ``BATCH`` due deliveries. Return their number."""
        now = self.now_ms()
        # The lease counts the attempt. If this process crashes, the delivery is due again after the lease.
        deliveries = await self.deliveries.take_due(now, now + LEASE_MS, BATCH)
        # One that cannot be attempted is due again after its lease, and holds up no other.
        await asyncio.gather(
            *(attempt_logged("sending a notification", self._attempt(delivery)) for delivery in deliveries)
        )
        await self.monitor.run_once()
        return len(deliveries)

    async def _attempt(self, delivery: Delivery) -> None:
        # Read for each attempt: the webhook may have been replaced or removed since the delivery was created.
        webhooks = await self.deliveries.list_webhooks([delivery.client])
        if webhooks:
            status, failure = await self._post_notice(delivery, webhooks[0].url)
            attempted = self._apply_reply(delivery, status, failure)
        else:
            attempted = replace(delivery, state=DeliveryState.BY_HAND, next_attempt=None)
        await self._store_outcome(delivery, attempted)

    async def _store_outcome(self, delivery: Delivery, attempted: Delivery) -> None:
        async def store_outcome(session: Session) -> None:
            # Under the fence of this attempt. An acknowledgement that arrived during it is final, and so is
            # the outcome of a later attempt, if the lease expired meanwhile.
            is_held = await self.deliveries.save_outcome(delivery, attempted, session)
            if is_held and attempted.state is not delivery.state:
                await self.results.update(delivery.request, session)

        await self.transactions.run(store_outcome)

    async def _post_notice(self, delivery: Delivery, url: str) -> tuple[int, str]:
        """Return the HTTP status of the reply and an empty string, or 0 and the code of the failure."""
        notice = self.signer.sign(delivery, self.now_ms()).encode()
        try:
            return await self.egress.post(
                url, notice, {"content-type": MEDIA_TYPE, DELIVERY_HEADER: delivery.id.hex()}
            ), ""
        except DiscretionError as error:
            return 0, error.code

    def _apply_reply(self, delivery: Delivery, status: int, failure: str) -> Delivery:
        now = self.now_ms()
        if _HTTP_OK <= status < _HTTP_REDIRECT and status != _HTTP_ACCEPTED:
            return acknowledge(delivery, now, WEBHOOK_ACTOR)
        is_overdue = now - delivery.created >= RETRY_PERIOD_MS
        if status == _HTTP_ACCEPTED:
            failure = "NOT_ACKNOWLEDGED"
        elif not failure:
            failure = f"HTTP_{status}"
        if is_overdue:
            return replace(delivery, state=DeliveryState.STUCK, next_attempt=None, failure=failure)
        if status == _HTTP_ACCEPTED:
            return replace(delivery, state=DeliveryState.RECEIVED, next_attempt=now + DAY_MS, failure=failure)
        delay_ms = BACKOFF.compute_spread_delay(delivery.attempts, self.entropy(4))
        # The last attempt falls on the end of the period. If it fails, a steward takes over.
        next_attempt = min(now + delay_ms, delivery.created + RETRY_PERIOD_MS)
        return replace(delivery, next_attempt=next_attempt, failure=failure)


@asynccontextmanager
async def run_delivery_worker(worker: DeliveryWorker) -> AsyncIterator[None]:
    """Run the worker in the background while the block runs. An attempt that is cut off is repeated later."""

    async def send_due() -> bool:
        return await worker.run_once() == BATCH

    async with run_polling("sending notifications", send_due, POLL_S):
        yield
