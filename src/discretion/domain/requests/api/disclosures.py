"""``Customer.disclosures``: which client saw which attributes, why and when (GDPR Art. 15(1)(c))."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.kit.graphql.context import ResolverContext, ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.page import PageInfo, cut_page, open_cursor, parse_page_window
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.ledger.entry import LedgerEntry
from discretion.reveal.forms import format_timestamp
from discretion.reveal.revealer import CustomerRow, Reading

_CURSOR_KIND = b"disclosure-cursor"


@strawberry.type(description="One reveal on record.")
class Disclosure:
    """The part of one ledger entry that concerns this customer."""

    receipt: strawberry.ID = strawberry.field(description="The receipt the caller got with the answer.")
    at: DateTime
    client: str = strawberry.field(description="Who asked.")
    actor: str = strawberry.field(description="On whose behalf the client asked; `self` for the customer.")
    purposes: list[str] = strawberry.field(description="What for.")
    attributes: list[str] = strawberry.field(description="Which attributes of this customer were revealed.")
    forms: list[str] = strawberry.field(description="In which form each, at most.")
    also: list[str] = strawberry.field(
        description="What else was revealed or asked by: `event:…`, `filter:…`, `order:…`."
    )


@strawberry.type(description="A page of disclosures, newest first.")
class DisclosureConnection:
    """Relay connection of disclosures, nodes only."""

    nodes: list[Disclosure]
    page_info: PageInfo


def build_disclosures_field() -> StrawberryField:
    """Return the field ``Customer.disclosures``."""

    async def disclosures(
        root: CustomerRow, info: ResolverInfo, first: int | None = UNSET, after: str | None = UNSET
    ) -> DisclosureConnection:
        reading = info.context.require_customer_or_steward()
        page_window = parse_page_window(first, after)
        position = open_cursor(reading, _CURSOR_KIND, page_window.after, "these disclosures")
        pseudonyms = await _pseudonyms_of(info.context, reading, root)
        entries = await info.context.resources.disclosures.list_by_subject(
            pseudonyms, None if position is None else position[1].hex(), page_window.size + 1
        )
        page_entries, page_info = cut_page(
            reading,
            _CURSOR_KIND,
            page_window,
            entries,
            lambda entry: (entry.at, bytes.fromhex(entry.receipt)),
        )
        reading.record_extra("disclosures")
        return DisclosureConnection(
            nodes=[_build_disclosure(entry, pseudonyms) for entry in page_entries],
            page_info=page_info,
        )

    description = (
        "Who saw what of this customer, for what and when, newest first. For the customer and the steward."
    )
    return build_field(disclosures, "disclosures", DisclosureConnection | None, description)


async def _pseudonyms_of(context: ResolverContext, reading: Reading, row: CustomerRow) -> list[bytes]:
    """Return every pseudonym of a customer in the ledger. Customers merged into this one had their own."""
    former_customers = await context.resources.identities.list_former_ids(row.id)
    return reading.list_pseudonyms(row, former_customers)


def _build_disclosure(entry: LedgerEntry, pseudonyms: Sequence[bytes]) -> Disclosure:
    # `subjects` maps each pseudonym to a bit set: bit i is set if attribute i of the entry was revealed.
    attribute_bits = 0
    for pseudonym in pseudonyms:
        attribute_bits |= entry.subjects.get(pseudonym, 0)
    revealed = [attribute for index, attribute in enumerate(entry.attributes) if attribute_bits >> index & 1]
    return Disclosure(
        receipt=strawberry.ID(entry.receipt),
        at=DateTime(format_timestamp(entry.at)),
        client=entry.client,
        actor=entry.actor,
        purposes=list(entry.purposes),
        attributes=[path for path, _ in revealed],
        forms=[form for _, form in revealed],
        also=list(entry.extra),
    )
