"""Acknowledgements that do not come with the webhook's reply: by the recipient later, or by a steward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from discretion.domain.recipients.delivery import AUTOMATIC_STATES, acknowledge
from discretion.domain.recipients.notification_result import NotificationResults
from discretion.errors import BadRequest, Conflict, NotFound
from discretion.store.deliveries import Delivery, DeliveryState, DeliveryStore
from discretion.store.transactions import Session, Transactions

MAX_REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class AcknowledgementRecorder:
    """Records acknowledgements of deliveries, and with each the result of its request."""

    transactions: Transactions
    deliveries: DeliveryStore
    results: NotificationResults
    now_ms: Callable[[], int]

    async def record_by_steward(
        self, delivery_id: bytes, by: str, reason: str, informed_at: int | None = None
    ) -> Delivery:
        """Record that a steward informed the recipient by other means. A repeated call has no effect.

        A delivery that has lapsed stays so: the steward takes note of it, and it is listed no more.

        Args:
            delivery_id: The delivery.
            by: The steward, such as ``steward:privacy-office``.
            reason: How the recipient was informed and where the proof is; no personal data.
            informed_at: When (ms); now if None.

        Raises:
            BadRequest: ``DELIVERY_REASON``, ``DELIVERY_TIME``.
            NotFound: ``DELIVERY_NOT_FOUND``.
            Conflict: ``DELIVERY_SENT``; the recipient is still notified by its webhook.
        """
        if not reason.strip() or len(reason) > MAX_REASON_LENGTH:
            raise BadRequest(
                "DELIVERY_REASON",
                f"A reason has 1 to {MAX_REASON_LENGTH} characters.",
                "Say how the recipient was told and where the proof is, without personal data.",
            )
        now = self.now_ms()

        def acknowledge_once(delivery: Delivery) -> Delivery:
            if delivery.acknowledged is not None:
                return delivery
            if delivery.state in AUTOMATIC_STATES:
                raise Conflict(
                    "DELIVERY_SENT",
                    "The recipient is still notified by its webhook.",
                    "Remove the webhook first: discretion recipient remove",
                )
            informed = now if informed_at is None else informed_at
            if not delivery.created <= informed <= now:
                raise BadRequest(
                    "DELIVERY_TIME", "The recipient was told between the request and now, not at this time."
                )
            acknowledged = replace(acknowledge(delivery, now, by), informed=informed, reason=reason.strip())
            if delivery.state is DeliveryState.EXPIRED:
                # Its ids were deleted before anybody noted that the recipient was told: that is a fact.
                return replace(acknowledged, state=DeliveryState.EXPIRED)
            return acknowledged

        return await self._record(delivery_id, acknowledge_once, None)

    async def record_by_recipient(self, delivery_id: bytes, client: str) -> Delivery:
        """Record that the recipient has acted on the notification. A repeated call has no effect.

        Raises:
            NotFound: ``DELIVERY_NOT_FOUND``, also for a delivery to another client.
            Conflict: ``DELIVERY_LAPSED``.
        """

        def acknowledge_once(delivery: Delivery) -> Delivery:
            if delivery.state is DeliveryState.EXPIRED:
                raise Conflict(
                    "DELIVERY_LAPSED", "The delivery has expired, and the person's ids were deleted with it."
                )
            if delivery.acknowledged is not None:
                return delivery
            return acknowledge(delivery, self.now_ms(), f"client:{client}")

        return await self._record(delivery_id, acknowledge_once, client)

    async def _record(
        self,
        delivery_id: bytes,
        acknowledge_once: Callable[[Delivery], Delivery],
        client: str | None,
    ) -> Delivery:
        """Change a delivery and the result of its request in one transaction, and return the delivery."""

        async def change_delivery(session: Session) -> Delivery:
            delivery = await self.deliveries.find(delivery_id, session)
            if delivery is None or client not in (None, delivery.client):
                # One error for both cases: a client cannot find out which deliveries exist.
                raise NotFound("DELIVERY_NOT_FOUND", "There is no such delivery.")
            acknowledged = acknowledge_once(delivery)
            if acknowledged != delivery:
                await self.deliveries.overrule(delivery, acknowledged, session)
                await self.results.update(delivery.request, session)
            return acknowledged

        return await self.transactions.run(change_delivery)
