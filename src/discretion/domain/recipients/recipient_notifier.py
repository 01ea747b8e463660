"""Deliveries of a request to every recipient of the customer's data (GDPR Art. 19).

The recipients are found in the ledger. The deliveries are created while the customer's pseudonyms are
available, and sent by ``delivery_worker``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from discretion.catalogue.model import Catalogue
from discretion.domain.recipients.delivery import (
    AUTOMATIC_STATES,
    MANUAL_STATES,
    build_delivery_id,
)
from discretion.domain.recipients.disclosed_attributes import (
    RecipientDisclosure,
    load_ledger_entries,
    summarise_disclosures,
)
from discretion.ledger.storage import LedgerStorage
from discretion.ledger.subject_names import TYPE_LABELS
from discretion.reveal.revealer import CUSTOMER_ID_KIND
from discretion.seal.pairwise_ids import PairwiseIds
from discretion.store.deliveries import Delivery, DeliveryState, DeliveryStore, MergedSubject
from discretion.store.document import JsonValue, TimePosition
from discretion.store.ledger_names import SubjectNames
from discretion.store.transactions import Session


@dataclass(frozen=True, slots=True)
class NotificationProgress:
    """Progress of the deliveries of a request.

    Attributes:
        acknowledged: Number of acknowledged deliveries.
        manual: Number of recipients without a webhook, which a steward informs.
        stuck: Client and failure code of each delivery that failed or expired.
        next_event_at: When the next attempt is due (ms); None if no delivery is attempted any more.
    """

    acknowledged: int
    manual: int
    stuck: tuple[tuple[str, str], ...]
    next_event_at: int | None

    def build_result(self) -> dict[str, JsonValue]:
        """Return the stored result of the step: ``told``, ``by_hand``, and ``not_told`` with reasons."""
        return {
            "told": self.acknowledged,
            "by_hand": self.manual,
            "not_told": [{"client": client, "why": failure} for client, failure in self.stuck],
        }


@dataclass(frozen=True, slots=True)
class RecipientNotifier:
    """Finds recipients, and creates and lists deliveries."""

    catalogue: Catalogue
    ledger: LedgerStorage
    deliveries: DeliveryStore
    pairwise: PairwiseIds = field(repr=False)

    async def find_recipients(
        self, names: SubjectNames, attributes: Collection[str] | None = None
    ) -> list[RecipientDisclosure]:
        """Return the clients that received data of a customer.

        Args:
            names: The names of the customer in the ledger.
            attributes: Only clients that received one of these attributes; all clients if None.
        """
        webhooks = await self.deliveries.list_webhooks()
        kinds = {
            webhook.client: webhook.recipient_key for webhook in webhooks if webhook.recipient_key is not None
        }
        disclosures = summarise_disclosures(
            self.catalogue, await load_ledger_entries(self.ledger, names), names, kinds
        )
        return (
            disclosures
            if attributes is None
            else [disclosure for disclosure in disclosures if _is_concerned(disclosure, attributes)]
        )

    async def build_deliveries(
        self,
        request: bytes,
        right: str,
        names: SubjectNames,
        now: int,
        attributes: Collection[str] | None = None,
    ) -> list[Delivery]:
        """Return the deliveries of a request, for ``add_deliveries``.

        Args:
            request: Id of the request.
            right: The right that was exercised, such as ``erasure``.
            names: The names of the customer in the ledger.
            now: The current time (ms).
            attributes: Paths of the attributes concerned; all if None.
        """
        disclosures = [
            disclosure
            for disclosure in await self.find_recipients(names, attributes)
            # Whom it received the data as is erased: then it was notified of that, under the same id.
            if disclosure.customers or any(period.customer for period in disclosure.merged_periods)
        ]
        webhooks = {
            webhook.client
            for webhook in await self.deliveries.list_webhooks(
                [disclosure.client for disclosure in disclosures]
            )
        }
        return [
            self._build_delivery(
                request, right, disclosure, now, attributes, has_webhook=disclosure.client in webhooks
            )
            for disclosure in disclosures
        ]

    async def add_deliveries(self, deliveries: Sequence[Delivery], session: Session) -> None:
        """Add deliveries. A delivery that exists already is not changed."""
        await self.deliveries.add(deliveries, session)

    async def measure_progress(self, request: bytes, session: Session | None = None) -> NotificationProgress:
        """Return the progress of the deliveries of a request."""
        deliveries = await self.list_of_request(request, session)
        stuck = [
            (delivery.client, delivery.failure or "")
            for delivery in deliveries
            if delivery.state in (DeliveryState.STUCK, DeliveryState.EXPIRED)
        ]
        return NotificationProgress(
            acknowledged=sum(delivery.state is DeliveryState.ACKNOWLEDGED for delivery in deliveries),
            manual=sum(delivery.state is DeliveryState.BY_HAND for delivery in deliveries),
            stuck=tuple(stuck),
            next_event_at=min(
                (
                    delivery.next_attempt or delivery.created
                    for delivery in deliveries
                    if delivery.state in AUTOMATIC_STATES
                ),
                default=None,
            ),
        )

    async def list_of_request(self, request: bytes, session: Session | None = None) -> list[Delivery]:
        """Return every delivery of a request."""
        return await self.deliveries.list_by_request(request, session)

    async def list_manual(self, limit: int, position: TimePosition | None = None) -> list[Delivery]:
        """Return the deliveries that are left to a steward, oldest first, and those that lapsed unnoticed.

        ``position`` is the time and the id of the last delivery of the page before.
        """
        states = (*MANUAL_STATES, DeliveryState.EXPIRED)
        return await self.deliveries.list_unacknowledged(states, position, limit)

    def _build_delivery(
        self,
        request: bytes,
        right: str,
        disclosure: RecipientDisclosure,
        now: int,
        concerned: Collection[str] | None,
        *,
        has_webhook: bool,
    ) -> Delivery:
        # The delivery names the person by the ids that this client knows. The customer id is never sent.
        encode_customer = self.pairwise.build_encoder(disclosure.client, CUSTOMER_ID_KIND)
        disclosed_paths = tuple(
            path for path in disclosure.attributes if concerned is None or path in concerned
        )
        return Delivery(
            id=build_delivery_id(request, disclosure.client),
            request=request,
            client=disclosure.client,
            right=right,
            subjects=tuple(encode_customer(customer) for customer in disclosure.customers),
            merged=tuple(
                # Several records may have the same period.
                dict.fromkeys(
                    MergedSubject(encode_customer(period.customer), period.since, period.until)
                    for period in disclosure.merged_periods
                    if period.customer is not None
                )
            ),
            attributes=disclosed_paths,
            purposes=disclosure.purposes,
            state=DeliveryState.OPEN if has_webhook else DeliveryState.BY_HAND,
            created=now,
            next_attempt=now if has_webhook else None,
        )


def _is_concerned(disclosure: RecipientDisclosure, attributes: Collection[str]) -> bool:
    return any(path in attributes for path in disclosure.attributes if not path.startswith(TYPE_LABELS))
