"""GraphQL for stewards: notifications of recipients left to a human. The ledger records every read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.ingest.value_parsing import WrongType, parse_timestamp
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.loading import load_subjects
from discretion.domain.kit.graphql.page import PageInfo, cut_page, open_cursor, parse_page_window
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.recipients.acknowledgement import AcknowledgementRecorder
from discretion.domain.recipients.delivery import compute_expiry
from discretion.domain.recipients.disclosed_attributes import find_catalogue_recipient
from discretion.domain.recipients.recipient_notifier import RecipientNotifier
from discretion.errors import BadRequest
from discretion.reveal.forms import format_timestamp
from discretion.reveal.revealer import REQUEST_ID_KIND, Reading
from discretion.store.deliveries import Delivery, DeliveryState
from discretion.store.requests import RequestStore

DISCLOSURE_NOTE = "deliveries"
_DELIVERY_KIND = b"delivery"
_CURSOR_KIND = b"delivery-cursor"

strawberry.enum(
    DeliveryState,
    name="RecipientDeliveryState",
    description="How far a recipient was told of an erasure, a correction or a restriction.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientServices:
    """The services that the resolvers of this module use."""

    notifier: RecipientNotifier
    requests: RequestStore
    acknowledgements: AcknowledgementRecorder


@strawberry.type(description="An id of somebody else under which data of the person were given for a time.")
class MergedRecipientSubject:
    """A time in which the recipient knew two people by one id, see ``store.deliveries.MergedSubject``."""

    subject: str = strawberry.field(description="The id by which the recipient knows the other person.")
    since: DateTime
    until: DateTime


@strawberry.type(description="What one recipient of a person's data is to be told about one request.")
class RecipientDelivery:
    """A delivery, see ``store.deliveries.Delivery``."""

    id: strawberry.ID
    recipient: str = strawberry.field(description="The client_id under which it was given the data.")
    recipient_key: str | None = strawberry.field(description="Its key in the catalogue of recipients.")
    request: strawberry.ID = strawberry.field(description="The request, for `rightsRequest`.")
    right: str = strawberry.field(description="What is done: `erasure`, `correction`, `restriction`.")
    subjects: list[str] = strawberry.field(
        description="The ids by which the recipient knows the person; none once it was told."
    )
    merged: list[MergedRecipientSubject] = strawberry.field(
        description="Times in which the person was taken for somebody else: what was given under such an id "
        "in its time may be of the person, and nothing else under it is."
    )
    attributes: list[str] = strawberry.field(description="What it was given and is concerned.")
    purposes: list[str] = strawberry.field(description="What for.")
    state: DeliveryState = strawberry.field(
        description="`BY_HAND`: it has no webhook. `STUCK`: its webhook did not acknowledge for 14 days. "
        "`EXPIRED`: nobody told it in time."
    )
    failure: str | None = strawberry.field(description="Why the last attempt failed, such as `HTTP_503`.")
    since: DateTime
    due_at: DateTime = strawberry.field(
        description="Before when it is to be told. Then the ids of the person are deleted."
    )
    acknowledged_at: DateTime | None
    acknowledged_by: str | None
    informed_at: DateTime | None = strawberry.field(description="When it was told, as the steward says.")
    reason: str | None = strawberry.field(description="How it was told and where the proof is.")


@strawberry.type(description="A page of deliveries, the oldest first.")
class RecipientDeliveryConnection:
    """Relay connection of deliveries, nodes only."""

    nodes: list[RecipientDelivery]
    page_info: PageInfo


def build_deliveries_field(provide: Callable[[], RecipientServices]) -> StrawberryField:
    """Return the field ``Query.recipientDeliveries``."""

    async def list_deliveries(
        root: object, info: ResolverInfo, first: int | None = UNSET, after: str | None = UNSET
    ) -> RecipientDeliveryConnection:
        del root
        reading, _ = info.context.require_steward()
        page_window = parse_page_window(first, after)
        position = open_cursor(reading, _CURSOR_KIND, page_window.after, "these deliveries")
        deliveries = await provide().notifier.list_manual(page_window.size + 1, position)
        page, page_info = cut_page(
            reading, _CURSOR_KIND, page_window, deliveries, lambda delivery: (delivery.created, delivery.id)
        )
        await _load_delivery_subjects(info, provide().requests, page)
        return RecipientDeliveryConnection(
            nodes=[_build_delivery(info, reading, delivery) for delivery in page], page_info=page_info
        )

    description = (
        "Recipients that are to be told of an erasure, a correction or a restriction by a human, because "
        "they have no webhook or it does not answer; the longest waiting first. One that nobody told in time "
        "stays until it is acknowledged. For the steward."
    )
    return build_field(
        list_deliveries, "recipientDeliveries", RecipientDeliveryConnection | None, description
    )


def build_delivery_mutation(provide: Callable[[], RecipientServices]) -> StrawberryField:
    """Return the field ``Mutation.acknowledgeDelivery``."""

    async def acknowledge_delivery(
        root: object,
        info: ResolverInfo,
        delivery: strawberry.ID,
        reason: str,
        informed_at: DateTime | None = UNSET,
    ) -> RecipientDelivery:
        del root
        reading, by = info.context.require_steward()
        # An id of another client decodes to None, which matches no delivery: DELIVERY_NOT_FOUND.
        acknowledged = await provide().acknowledgements.record_by_steward(
            reading.decode_id(_DELIVERY_KIND, delivery) or b"", by, reason, _parse_time(informed_at)
        )
        await _load_delivery_subjects(info, provide().requests, [acknowledged])
        return _build_delivery(info, reading, acknowledged)

    description = (
        "Says that a recipient was told, when, how and where the proof is; the result and the certificate of "
        "the request say so too. Without `informedAt` it was told now. For the steward."
    )
    return build_field(acknowledge_delivery, "acknowledgeDelivery", RecipientDelivery | None, description)


async def _load_delivery_subjects(
    info: ResolverInfo, requests: RequestStore, deliveries: Sequence[Delivery]
) -> None:
    """Load the customers of deliveries, so that the disclosure is recorded. Erased customers are skipped."""
    customers = await requests.find_customers([delivery.request for delivery in deliveries])
    await load_subjects(info, customers.values())


def _build_delivery(info: ResolverInfo, reading: Reading, delivery: Delivery) -> RecipientDelivery:
    reading.record_extra(DISCLOSURE_NOTE)
    recipient = find_catalogue_recipient(info.context.resources.catalogue, delivery.client)
    return RecipientDelivery(
        id=strawberry.ID(reading.encode_id(_DELIVERY_KIND, delivery.id)),
        recipient=delivery.client,
        recipient_key=None if recipient is None else recipient.key,
        request=strawberry.ID(reading.encode_id(REQUEST_ID_KIND, delivery.request)),
        right=delivery.right,
        subjects=list(delivery.subjects),
        merged=[
            MergedRecipientSubject(
                subject=item.subject,
                since=DateTime(format_timestamp(item.since)),
                until=DateTime(format_timestamp(item.until)),
            )
            for item in delivery.merged
        ],
        attributes=list(delivery.attributes),
        purposes=list(delivery.purposes),
        state=delivery.state,
        failure=delivery.failure,
        since=DateTime(format_timestamp(delivery.created)),
        due_at=DateTime(format_timestamp(compute_expiry(delivery))),
        acknowledged_at=_format_optional(delivery.acknowledged),
        acknowledged_by=delivery.acknowledged_by,
        informed_at=_format_optional(delivery.informed),
        reason=delivery.reason,
    )


def _format_optional(at: int | None) -> DateTime | None:
    return None if at is None else DateTime(format_timestamp(at))


def _parse_time(text: str | None) -> int | None:
    if not text:
        return None
    try:
        return parse_timestamp(text)
    except WrongType as error:
        raise BadRequest("DELIVERY_TIME", "'informedAt' is not a time.", f"Use {error.expected}.") from None
