"""GraphQL fields ``Customer.identifiers`` and ``Customer.identityHistory``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.catalogue.assurance import ANONYMOUS_CLAIM, Assurance, compute_withheld_bits
from discretion.catalogue.retention_cut_off import compute_purposes_cut_off
from discretion.domain.kit.graphql.context import ResolverContext, ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.page import PageInfo, PageWindow, cut_page, open_cursor, parse_page_window
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.profiles.api.customers import decide_attribute
from discretion.domain.profiles.api.provenance import render_time
from discretion.domain.profiles.verified_addresses import rank_mention
from discretion.errors import Forbidden
from discretion.plan.compile import reads_contested
from discretion.purpose.decision import Allow
from discretion.reveal.forms import format_timestamp
from discretion.reveal.revealer import CUSTOMER_ID_KIND, CustomerRow, Reading
from discretion.seal.cell import identifier_cell_key
from discretion.store.identity_events import IdentityChange
from discretion.store.source_record import RecordIdentifier, SourceRecord

EVENT_ID_KIND = b"identity-event"
_CURSOR = b"identity-cursor"


strawberry.enum(
    Assurance,
    name="Assurance",
    description="How certain it is that an identifier belongs to the person of a record: proven, presented "
    "(a card or device in their hands) or only claimed.",
)


@strawberry.type(name="Identifier", description="An external identifier under which sources know a customer.")
class CustomerIdentifier:
    """GraphQL ``Identifier``: one identifier with all sources that named it."""

    type: str = strawberry.field(description="Such as `email` or `loyalty_id`.")
    value: str = strawberry.field(description="In the one spelling of its type.")
    sources: list[str] = strawberry.field(description="Who named it.")
    assurance: Assurance = strawberry.field(description="The strongest with which it was named.")
    proven_by: list[str] = strawberry.field(description="Sources that have proven it.")
    since: DateTime = strawberry.field(
        description="When it was first named so: to the customer and the steward the time, to others its "
        "month, as in `provenance`."
    )


@strawberry.type(name="Evidence", description="What spoke for a merge.")
class MergeEvidence:
    """GraphQL ``Evidence``: an identifier by which the merged records were linked."""

    type: str
    value: str | None = strawberry.field(description="Null if none of this customer's records names it.")
    source: str = strawberry.field(description="Who named it.")
    assurance: Assurance = strawberry.field(description="How certain the source was.")


@strawberry.type(description="Customers were merged into one, or one was parted.")
class IdentityEvent:
    """One event of the identity history."""

    id: strawberry.ID = strawberry.field(description="What `unmerge` takes.")
    kind: str = strawberry.field(description="`merged` or `parted`.")
    at: DateTime
    by: str = strawberry.field(
        description="Who brought it about: `source:tills`, `steward:privacy-office`, `customer`."
    )
    customers: list[strawberry.ID] = strawberry.field(description="Everybody it was about.")
    evidence: list[MergeEvidence]
    reason: str | None = strawberry.field(description="Why a steward or the customer merged them.")


@strawberry.type(description="A page of a customer's identity history, newest first.")
class IdentityEventConnection:
    """Relay connection of identity events, nodes only."""

    nodes: list[IdentityEvent]
    page_info: PageInfo


def identity_fields() -> list[StrawberryField]:
    """Build the fields ``Customer.identifiers`` and ``Customer.identityHistory``."""

    async def identifiers(root: CustomerRow, info: ResolverInfo) -> list[CustomerIdentifier]:
        reading = info.context.require_reading()
        visible_by_rank = [
            _visible_types(info.context, reading, root, rank) for rank in range(ANONYMOUS_CLAIM + 1)
        ]
        # What is visible of a weaker mention is visible of a stronger one.
        if not visible_by_rank[0]:
            return []
        records = await info.context.resources.identities.list_identifiers(root.id, visible_by_rank[0])
        contested_types = _list_contested_types(info.context, reading, records)
        uncontested = [
            {key: at for key, at in visible_types.items() if key not in contested_types}
            for visible_types in visible_by_rank
        ]
        return _build_identifiers(reading, root, uncontested, records)

    async def history(
        root: CustomerRow, info: ResolverInfo, first: int | None = UNSET, after: str | None = UNSET
    ) -> IdentityEventConnection:
        reading = info.context.require_customer_or_steward()
        return await _build_history(info.context, reading, root, parse_page_window(first, after))

    identifiers_description = (
        "Under which identifiers sources know this customer, the earliest first. The customer and the "
        "steward see all, others those types whose attribute they may see in clear."
    )
    history_description = "Merges and partings, newest first. For the customer and the steward."
    return [
        build_field(identifiers, "identifiers", list[CustomerIdentifier] | None, identifiers_description),
        build_field(history, "identityHistory", IdentityEventConnection | None, history_description),
    ]


def _visible_types(context: ResolverContext, reading: Reading, row: CustomerRow, rank: int) -> dict[str, int]:
    """Return the identifier types that the grant may see of this customer, each with its cut-off in ms.

    Of identifiers of this rank (``catalogue.assurance``): some purposes need a more certain address.

    An identifier first named before the cut-off is past the retention period of every permitted purpose.

    Raises:
        Forbidden: ``IDENTIFIERS_NOT_GRANTED``.
    """
    catalogue = context.resources.catalogue
    if reading.grant.is_self_or_steward:
        return dict.fromkeys(catalogue.identifiers, 0)
    visible_types: dict[str, int] = {}
    for attribute in catalogue.attributes.values():
        if attribute.identifier is None:
            continue
        # An identifier is visible in clear or not at all: its masked or pseudonymous forms are those of
        # attributes.
        field_decision = decide_attribute(catalogue, reading, attribute)
        if isinstance(field_decision, Allow) and field_decision.clear_mask:
            certain_enough = ~compute_withheld_bits(attribute.assurance, rank)
            permitted_kinds = row.permitted_for(attribute.kinds) & field_decision.clear_mask & certain_enough
            visible_types[attribute.identifier] = compute_purposes_cut_off(
                attribute, permitted_kinds, reading.now_ms
            )
    if not visible_types:
        raise Forbidden(
            "IDENTIFIERS_NOT_GRANTED",
            "No purpose of this token sees an identifier in clear.",
            "Query the attributes instead; they are revealed in the form that the token may see.",
        )
    return {
        identifier_type: visible_since
        for identifier_type, visible_since in visible_types.items()
        if visible_since <= reading.now_ms
    }


def _list_contested_types(
    context: ResolverContext, reading: Reading, records: Sequence[SourceRecord]
) -> set[str]:
    """Return the identifier types that the grant may not see because the customer contests the attribute.

    All identifiers of the type: which of them has the contested value is not known without opening them.
    """
    contested_keys = {key for record in records for key in record.contested}
    if not contested_keys or reading.grant.is_self_or_steward:
        return set()
    contested_types = set()
    for attribute in context.resources.catalogue.attributes.values():
        if attribute.identifier is None or attribute.key not in contested_keys:
            continue
        decision = decide_attribute(context.resources.catalogue, reading, attribute)
        if not isinstance(decision, Allow) or not reads_contested(attribute, decision):
            contested_types.add(attribute.identifier)
    return contested_types


def _build_identifiers(
    reading: Reading,
    row: CustomerRow,
    visible_by_rank: Sequence[Mapping[str, int]],
    records: Sequence[SourceRecord],
) -> list[CustomerIdentifier]:
    ranks: dict[bytes, int] = {}
    for record in records:
        for mention in record.identifiers:
            rank = rank_mention(record, mention)
            ranks[mention.entry] = min(rank, ranks.get(mention.entry, rank))
    mentions_by_entry: dict[bytes, list[tuple[RecordIdentifier, str]]] = {}
    for record in records:
        for mention in record.identifiers:
            visible_since = visible_by_rank[ranks[mention.entry]].get(mention.type)
            if visible_since is not None and mention.at >= visible_since:
                mentions_by_entry.setdefault(mention.entry, []).append((mention, record.source))
    ordered = sorted(
        mentions_by_entry.items(), key=lambda item: (min(mention.at for mention, _ in item[1]), item[0])
    )
    return [_build_identifier(reading, row, mentions) for _, mentions in ordered]


def _build_identifier(
    reading: Reading, row: CustomerRow, mentions: Sequence[tuple[RecordIdentifier, str]]
) -> CustomerIdentifier:
    assurance = min(mention.assurance for mention, _ in mentions)
    return CustomerIdentifier(
        type=mentions[0][0].type,
        value=_reveal_value(reading, row, mentions[0][0]),
        sources=sorted({source for _, source in mentions}),
        assurance=assurance,
        proven_by=sorted({source for mention, source in mentions if Assurance.PROVEN in mention.times}),
        since=render_time(
            reading, min(mention.times[assurance] for mention, _ in mentions if assurance in mention.times)
        ),
    )


def _reveal_value(reading: Reading, row: CustomerRow, mention: RecordIdentifier) -> str:
    value: str = reading.reveal_cell(
        row, mention.cell, identifier_cell_key(mention.entry), f"identifier:{mention.type}"
    )
    return value


async def _build_history(
    context: ResolverContext, reading: Reading, row: CustomerRow, page_request: PageWindow
) -> IdentityEventConnection:
    identities = context.resources.identities
    position = open_cursor(reading, _CURSOR, page_request.after, "this history")
    # Events before a merge name the ids that the customer had then.
    customers = [row.id, *(customer for customer, _ in await identities.list_former_ids(row.id))]
    events = await identities.list_history(customers, position, page_request.size + 1)
    page, page_info = cut_page(reading, _CURSOR, page_request, events, lambda event: (event.at, event.id))
    reading.record_extra("identityHistory")
    evidence_types = {item.type for event in page for item in event.evidence}
    naming_records = await identities.list_identifiers(row.id, evidence_types) if evidence_types else []
    mention_by_entry = {mention.entry: mention for record in naming_records for mention in record.identifiers}
    return IdentityEventConnection(
        nodes=[_build_event(reading, row, event, mention_by_entry) for event in page],
        page_info=page_info,
    )


def _build_event(
    reading: Reading,
    row: CustomerRow,
    event: IdentityChange,
    mention_by_entry: Mapping[bytes, RecordIdentifier],
) -> IdentityEvent:
    return IdentityEvent(
        id=strawberry.ID(reading.encode_id(EVENT_ID_KIND, event.id)),
        kind=event.kind.value,
        at=DateTime(format_timestamp(event.at)),
        by=event.by,
        customers=[
            strawberry.ID(reading.encode_id(CUSTOMER_ID_KIND, customer)) for customer in event.customers
        ],
        evidence=[
            # After an unmerge, the identifier may belong to another customer only: its value stays hidden.
            MergeEvidence(
                type=item.type,
                value=_reveal_value(reading, row, mention_by_entry[item.entry])
                if item.entry in mention_by_entry
                else None,
                source=item.source,
                assurance=item.assurance,
            )
            for item in event.evidence
        ],
        reason=event.reason,
    )
