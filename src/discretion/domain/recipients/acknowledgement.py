"""Putting on record that a recipient knows, where it was not said in the reply to its webhook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from discretion.domain.recipients import delivery
from discretion.domain.recipients.delivery import HUMAN, TRIED, Delivery, State
from discretion.errors import Conflict, NotFound
from discretion.store.deliveries import Deliveries


@dataclass(frozen=True, slots=True)
class Confirm:
    """See the module."""

    deliveries: Deliveries
    now_ms: Callable[[], int]

    async def by_steward(self, one: bytes, by: str) -> Delivery:
        """A steward told them, by whatever way; ``by`` is who, such as ``steward:privacy-office``.

        A second time it changes nothing.

        Raises:
            NotFound: ``DELIVERY_NOT_FOUND``; Conflict: ``DELIVERY_LAPSED``.
        """
        return await self._told(one, by, None)

    async def by_recipient(self, one: bytes, client: str) -> Delivery:
        """The recipient says that it has acted. A second time it changes nothing.

        Raises:
            NotFound: ``DELIVERY_NOT_FOUND``, also for a delivery to somebody else.
            Conflict: ``DELIVERY_LAPSED``.
        """
        return await self._told(one, f"client:{client}", client)

    async def _told(self, one: bytes, by: str, client: str | None) -> Delivery:
        known = await self.deliveries.get(one)
        if known is None or client not in (None, known["client"]):
            raise NotFound("DELIVERY_NOT_FOUND", "There is no such delivery.")
        await self.deliveries.turn(one, (*TRIED, *HUMAN), delivery.told(self.now_ms(), by))
        found = await self.deliveries.get(one)
        if found is None or found["state"] != State.TOLD:
            raise Conflict(
                "DELIVERY_LAPSED", "Nobody said so in time, and whom it was about is not known any more."
            )
        return delivery.read(found)
