"""The worker that sends notifications until they are acknowledged: at least once, with growing delays.

A reply of the class 2xx acknowledges a notification, except 202: the recipient has received it and has not
acted yet. It acknowledges later at ``ACKNOWLEDGEMENT_PATH`` and is reminded once a day until then. Any other
reply, or none, is a failure. After the retry period a steward has to inform the recipient.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from discretion.background import run_alongside
from discretion.domain.kit.egress import EgressClient
from discretion.domain.recipients.delivery import (
    AUTOMATIC_STATES,
    DAY_MS,
    MANUAL_STATES,
    RETRY_PERIOD_MS,
    SUBJECTS_RETENTION_MS,
    Delivery,
    DeliveryState,
    build_acknowledgement,
    compute_retry_delay,
    read_delivery,
)
from discretion.domain.recipients.notification import DELIVERY_HEADER, MEDIA_TYPE, NotificationSigner
from discretion.errors import DiscretionError
from discretion.store.deliveries import DeliveryStore

LEASE_MS = 60_000
"""How long an attempt keeps a delivery from other workers (ms); longer than an HTTP exchange may take."""

BATCH = 20
POLL_S = 2.0
WEBHOOK_ACTOR = "webhook"
"""``acknowledged_by`` of a delivery that the webhook's reply acknowledged."""

_HTTP_OK, _HTTP_ACCEPTED, _HTTP_REDIRECT = 200, 202, 300
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeliveryWorker:
    """Attempts deliveries and expires old ones."""

    deliveries: DeliveryStore
    signer: NotificationSigner
    egress: EgressClient
    now_ms: Callable[[], int]
    entropy: Callable[[int], bytes] = field(repr=False)

    async def run_once(self) -> int:
        """Attempt at most ``BATCH`` due deliveries. Return their number."""
        now = self.now_ms()
        deliveries = [read_delivery(document) for document in await self.deliveries.list_due(now, BATCH)]
        await asyncio.gather(*(self._attempt(delivery) for delivery in deliveries))
        for outdated in await self.deliveries.list_older_than(
            MANUAL_STATES, now - SUBJECTS_RETENTION_MS, BATCH
        ):
            expiry = {"state": DeliveryState.EXPIRED.value, "subjects": None}
            await self.deliveries.update(outdated["_id"], MANUAL_STATES, expiry)
        return len(deliveries)

    async def _attempt(self, delivery: Delivery) -> None:
        # The claim counts the attempt. If this process crashes, the delivery is due again after the lease.
        if not await self.deliveries.claim_attempt(delivery.id, delivery.attempts, self.now_ms() + LEASE_MS):
            return
        # Read for each attempt: the webhook may have been replaced or removed since the delivery was created.
        webhooks = await self.deliveries.list_webhooks([delivery.client])
        if not webhooks:
            manual = {"state": DeliveryState.BY_HAND.value, "next": None}
            await self.deliveries.update(delivery.id, AUTOMATIC_STATES, manual, delivery.attempts + 1)
            return
        status, failure = await self._post_notice(delivery, webhooks[0]["url"])
        # The update names the attempt. If the lease expired meanwhile, the outcome of a later attempt stays.
        change = self._build_change(delivery, status, failure)
        await self.deliveries.update(delivery.id, AUTOMATIC_STATES, change, delivery.attempts + 1)

    async def _post_notice(self, delivery: Delivery, url: str) -> tuple[int, str]:
        """Return the HTTP status of the reply and an empty string, or 0 and the code of the failure."""
        notice = self.signer.sign(delivery, self.now_ms()).encode()
        try:
            return await self.egress.post(
                url, notice, {"content-type": MEDIA_TYPE, DELIVERY_HEADER: delivery.id.hex()}
            ), ""
        except DiscretionError as error:
            return 0, error.code

    def _build_change(self, delivery: Delivery, status: int, failure: str) -> dict[str, Any]:
        now = self.now_ms()
        if _HTTP_OK <= status < _HTTP_REDIRECT and status != _HTTP_ACCEPTED:
            return build_acknowledgement(now, WEBHOOK_ACTOR)
        is_overdue = now - delivery.created >= RETRY_PERIOD_MS
        if status == _HTTP_ACCEPTED:
            failure = "NOT_ACKNOWLEDGED"
        elif not failure:
            failure = f"HTTP_{status}"
        if is_overdue:
            return {"state": DeliveryState.STUCK.value, "next": None, "why": failure}
        if status == _HTTP_ACCEPTED:
            return {"state": DeliveryState.RECEIVED.value, "next": now + DAY_MS, "why": failure}
        delay_ms = compute_retry_delay(delivery.attempts + 1, self.entropy(4))
        # The last attempt falls on the end of the period. If it fails, a steward takes over.
        return {"next": min(now + delay_ms, delivery.created + RETRY_PERIOD_MS), "why": failure}

    async def run(self) -> None:
        """Attempt due deliveries until the task is cancelled."""
        while True:
            try:
                if await self.run_once() == BATCH:
                    continue
            except DiscretionError as error:
                _log.error("notifications could not be sent: %s", error.code)
            await asyncio.sleep(POLL_S)


@asynccontextmanager
async def run_delivery_worker(worker: DeliveryWorker) -> AsyncIterator[None]:
    """Run the worker in the background while the block runs. An attempt that is cut off is repeated later."""
    async with run_alongside(worker.run()):
        yield
