"""Legal holds: data that may be needed in a legal dispute and must not be erased (GDPR Art. 17(3)(e)).

A hold names records or events of a customer, or neither, which means all data. After an erasure the data are
retained in ``held``, unavailable to every other purpose, and deleted when the hold is lifted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from discretion.errors import BadRequest, NotFound
from discretion.store.legal_holds import LegalHoldStore, StoredHold
from discretion.store.person_stores import PersonStores
from discretion.store.retained_data import RetainedData, RetainedDataStore
from discretion.store.transactions import Session

MAX_TEXT_CHARS = 500
"""Maximum length of the reason and of the citation, in characters."""


@dataclass(frozen=True, slots=True)
class LegalHolds:
    """Places and lifts legal holds."""

    people: PersonStores
    holds: LegalHoldStore
    retained: RetainedDataStore
    entropy: Callable[[int], bytes] = field(repr=False)
    now_ms: Callable[[], int]

    async def place(
        self,
        customer: bytes,
        records: Sequence[bytes],
        events: Sequence[bytes],
        reason: str,
        law: str,
        steward: str,
    ) -> bytes:
        """Place a hold on records or events of a customer, or on all of their data.

        Returns:
            The id of the hold.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``, ``HELD_NOT_FOUND``.
            BadRequest: ``HOLD_INVALID``.
        """
        if not 0 < len(reason) <= MAX_TEXT_CHARS or not 0 < len(law) <= MAX_TEXT_CHARS:
            raise BadRequest(
                "HOLD_INVALID",
                "A hold needs a reason and a law.",
                f"Give a reason and a provision of law, of at most {MAX_TEXT_CHARS} characters each.",
            )

        async def place_hold(session: Session) -> bytes:
            current = await self.people.people.current(customer, session)
            if current is None:
                raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
            owners = await self.people.source_records.find_customers(records, session)
            owned_events = await self.people.events.find_owned(current.id, events, session)
            if [owners.get(record) for record in records] != [current.id] * len(records) or (
                owned_events != set(events)
            ):
                raise NotFound("HELD_NOT_FOUND", "The customer has no such record or event.")
            hold = StoredHold(
                self.entropy(16),
                current.id,
                frozenset(records),
                frozenset(events),
                reason,
                law,
                steward,
                self.now_ms(),
            )
            await self.holds.add(hold, session)
            # An erasure changes the same customer document, so of two concurrent transactions one is
            # repeated: the erasure finds the hold, or this transaction does not find the customer.
            await self.people.people.mark_changed([current.id], session)
            return hold.id

        return await self.people.transactions.run(place_hold)

    async def lift(self, hold: bytes) -> None:
        """Lift a hold. Data that only this hold retained expire at once and are deleted by the daily run.

        Raises:
            NotFound: ``HOLD_NOT_FOUND``.
        """

        async def lift_hold(session: Session) -> None:
            if not await self.holds.delete(hold, session):
                raise NotFound("HOLD_NOT_FOUND", "There is no such hold.")
            await self.retained.end_hold(hold, session)

        await self.people.transactions.run(lift_hold)

    async def find_retained(self, request: bytes, limit: int) -> list[RetainedData]:
        """Return the data retained from an erasure, without those that are being deleted."""
        return await self.retained.list_by_request(request, limit)
