"""Acknowledgements that do not come with the webhook's reply: by the recipient later, or by a steward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from discretion.domain.recipients.delivery import (
    AUTOMATIC_STATES,
    MANUAL_STATES,
    Delivery,
    DeliveryState,
    build_acknowledgement,
    read_delivery,
)
from discretion.errors import Conflict, NotFound
from discretion.store.deliveries import DeliveryStore


@dataclass(frozen=True, slots=True)
class AcknowledgementRecorder:
    """Records acknowledgements of deliveries."""

    deliveries: DeliveryStore
    now_ms: Callable[[], int]

    async def record_by_steward(self, delivery_id: bytes, by: str) -> Delivery:
        """Record that a steward informed the recipient by other means. A repeated call has no effect.

        Args:
            delivery_id: The delivery.
            by: The steward, such as ``steward:privacy-office``.

        Raises:
            NotFound: ``DELIVERY_NOT_FOUND``.
            Conflict: ``DELIVERY_LAPSED``.
        """
        return await self._record(delivery_id, by, None)

    async def record_by_recipient(self, delivery_id: bytes, client: str) -> Delivery:
        """Record that the recipient has acted on the notification. A repeated call has no effect.

        Raises:
            NotFound: ``DELIVERY_NOT_FOUND``, also for a delivery to another client.
            Conflict: ``DELIVERY_LAPSED``.
        """
        return await self._record(delivery_id, f"client:{client}", client)

    async def _record(self, delivery_id: bytes, by: str, client: str | None) -> Delivery:
        document = await self.deliveries.find(delivery_id)
        if document is None or client not in (None, document["client"]):
            # One error for both cases: a client cannot find out which deliveries exist.
            raise NotFound("DELIVERY_NOT_FOUND", "There is no such delivery.")
        # The update does nothing if the delivery was acknowledged before, or has expired.
        await self.deliveries.overrule(
            delivery_id,
            (*AUTOMATIC_STATES, *MANUAL_STATES),
            build_acknowledgement(self.now_ms(), by),
        )
        # Read again: a repeated call changes nothing and must still succeed.
        acknowledged_document = await self.deliveries.find(delivery_id)
        if acknowledged_document is None or acknowledged_document["state"] != DeliveryState.ACKNOWLEDGED:
            raise Conflict(
                "DELIVERY_LAPSED", "The delivery has expired, and the person's ids were deleted with it."
            )
        return read_delivery(acknowledged_document)
