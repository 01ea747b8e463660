"""Acknowledgements that do not come with the webhook's reply: by the recipient later, or by a steward."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.domain.recipients.delivery import (
    AUTOMATIC_STATES,
    MANUAL_STATES,
    Delivery,
    DeliveryState,
    build_acknowledgement,
    read_delivery,
)
from discretion.domain.recipients.notification_result import NotificationResults
from discretion.errors import BadRequest, Conflict, NotFound
from discretion.store.deliveries import DeliveryStore
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

        def build_change(delivery: Delivery) -> Mapping[str, Any] | None:
            if delivery.acknowledged is not None:
                return None
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
            change = {**build_acknowledgement(now, by), "informed": informed, "reason": reason.strip()}
            # Its ids were deleted before anybody noted that the recipient was told: that is a fact.
            return {**change, "state": DeliveryState.EXPIRED} if delivery.state is _LAPSED else change

        return await self._record(delivery_id, build_change, None)

    async def record_by_recipient(self, delivery_id: bytes, client: str) -> Delivery:
        """Record that the recipient has acted on the notification. A repeated call has no effect.

        Raises:
            NotFound: ``DELIVERY_NOT_FOUND``, also for a delivery to another client.
            Conflict: ``DELIVERY_LAPSED``.
        """

        def build_change(delivery: Delivery) -> Mapping[str, Any] | None:
            if delivery.state is _LAPSED:
                raise Conflict(
                    "DELIVERY_LAPSED", "The delivery has expired, and the person's ids were deleted with it."
                )
            if delivery.acknowledged is not None:
                return None
            return build_acknowledgement(self.now_ms(), f"client:{client}")

        return await self._record(delivery_id, build_change, client)

    async def _record(
        self,
        delivery_id: bytes,
        build_change: Callable[[Delivery], Mapping[str, Any] | None],
        client: str | None,
    ) -> Delivery:
        """Change a delivery and the result of its request in one transaction, and return the delivery."""

        async def change_delivery(session: Session) -> Delivery:
            document = await self.deliveries.find(delivery_id, session)
            if document is None or client not in (None, document["client"]):
                # One error for both cases: a client cannot find out which deliveries exist.
                raise NotFound("DELIVERY_NOT_FOUND", "There is no such delivery.")
            change = build_change(read_delivery(document))
            if change is None:
                return read_delivery(document)
            await self.deliveries.overrule(delivery_id, _ANY_STATE, change, session)
            await self.results.update(document["request"], session)
            changed = {name: value for name, value in {**document, **change}.items() if value is not None}
            return read_delivery(changed)

        return await self.transactions.run(change_delivery)


_LAPSED = DeliveryState.EXPIRED
_ANY_STATE = (*AUTOMATIC_STATES, *MANUAL_STATES, _LAPSED)
