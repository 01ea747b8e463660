"""Telling everybody who was given a person's data what became of it (GDPR Art. 19).

Whoever was given something is found in the ledger, and a delivery to each is put on record. It is made while
the person's names can still be worked out, and sent by ``deliver.py`` for as long as it takes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.recipients import delivery
from discretion.domain.recipients.delivery import HUMAN, TRIED, Delivery, State
from discretion.domain.recipients.disclosed_attributes import BESIDE, Name, Received, entries_of, received
from discretion.ledger.storage import LedgerStorage
from discretion.reveal.revealer import CUSTOMER_KIND
from discretion.seal.pairwise_ids import Pairwise
from discretion.store.deliveries import Deliveries
from discretion.store.driver.database import Session


@dataclass(frozen=True, slots=True)
class Standing:
    """How far telling is; ``again`` is when something happens next (ms), if anything is still tried."""

    told: int
    by_hand: int
    stuck: tuple[tuple[str, str], ...]
    again: int | None

    def outcome(self) -> dict[str, Any]:
        """For the record of the request: how many were told, and which clients could not be and why."""
        return {
            "told": self.told,
            "by_hand": self.by_hand,
            "not_told": [{"client": client, "why": why} for client, why in self.stuck],
        }


@dataclass(frozen=True, slots=True)
class Tell:
    """See the module."""

    catalogue: Catalogue
    ledger: LedgerStorage
    deliveries: Deliveries
    pairwise: Pairwise = field(repr=False)

    async def recipients(self, names: Sequence[Name], only: Collection[str] | None = None) -> list[Received]:
        """Who was given something of a person; with ``only``, something of these attributes."""
        webhooks = await self.deliveries.webhooks()
        kinds = {one["_id"]: one["kind"] for one in webhooks if "kind" in one}
        found = received(self.catalogue, await entries_of(self.ledger, names), names, kinds)
        return found if only is None else [one for one in found if _concerned(one, only)]

    async def documents(
        self,
        request: bytes,
        what: str,
        names: Sequence[Name],
        now: int,
        only: Collection[str] | None = None,
    ) -> list[dict[str, Any]]:
        """The deliveries of a request, to be added in the transaction of whatever makes them due.

        Args:
            request: Its id.
            what: The right that was exercised, such as ``erasure``.
            names: Every name of the person, the present one first.
            now: ms since 1970.
            only: The attributes concerned, by path; all if None.
        """
        found = await self.recipients(names, only)
        webhooks = {one["_id"] for one in await self.deliveries.webhooks([one.client for one in found])}
        return [
            self._document(request, what, one, now, only, reached=one.client in webhooks) for one in found
        ]

    async def add(self, documents: Sequence[dict[str, Any]], session: Session) -> None:
        """Put deliveries on record; a second time it changes nothing."""
        await self.deliveries.add(documents, session)

    async def standing(self, request: bytes) -> Standing:
        """How far telling the recipients of a request is."""
        found = await self.of_request(request)
        stuck = [(one.client, one.why or "") for one in found if one.state in (State.STUCK, State.LAPSED)]
        return Standing(
            told=sum(one.state is State.TOLD for one in found),
            by_hand=sum(one.state is State.BY_HAND for one in found),
            stuck=tuple(stuck),
            again=min((one.next or one.created for one in found if one.state in TRIED), default=None),
        )

    async def of_request(self, request: bytes) -> list[Delivery]:
        """Every delivery of a request."""
        return [delivery.read(one) for one in await self.deliveries.of_request(request)]

    async def by_hand(self, limit: int) -> list[Delivery]:
        """What a steward is to tell somebody, the oldest first."""
        return [delivery.read(one) for one in await self.deliveries.in_state(HUMAN, limit)]

    def _document(
        self,
        request: bytes,
        what: str,
        one: Received,
        now: int,
        only: Collection[str] | None,
        *,
        reached: bool,
    ) -> dict[str, Any]:
        shut = self.pairwise.shutter(one.client, CUSTOMER_KIND)
        attributes = [path for path in one.attributes if only is None or path in only]
        return {
            "_id": delivery.name(request, one.client),
            "request": request,
            "client": one.client,
            "what": what,
            "subjects": [shut(customer) for customer in one.customers],
            "attributes": attributes,
            "purposes": list(one.purposes),
            "state": (State.OPEN if reached else State.BY_HAND).value,
            "attempts": 0,
            "created": now,
            **({"next": now} if reached else {}),
        }


def _concerned(one: Received, only: Collection[str]) -> bool:
    return any(path in only for path in one.attributes if not path.startswith(BESIDE))
