"""``Customer.disclosures``: which client saw which attributes, why and when (GDPR Art. 15(1)(c))."""

from __future__ import annotations

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.kit.graphql.context import ResolverContext, ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.page import PageInfo, cut_page, open_cursor, parse_page_window
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.ledger.entry import LedgerEntry
from discretion.ledger.subject_names import list_windows, open_subject_names, select_visible_part
from discretion.reveal.forms import format_timestamp
from discretion.reveal.revealer import CustomerRow, Reading
from discretion.store.ledger_names import SubjectNames

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
        names = await _read_names(info.context, reading, root)
        entries = await info.context.resources.disclosures.list_by_subject(
            list_windows(names), None if position is None else position[1].hex(), page_window.size + 1
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
            nodes=[node for entry in page_entries if (node := _build_disclosure(entry, names)) is not None],
            page_info=page_info,
        )

    description = (
        "Who saw what of this customer, for what and when, newest first. For the customer and the steward."
    )
    return build_field(disclosures, "disclosures", DisclosureConnection | None, description)


async def _read_names(context: ResolverContext, reading: Reading, row: CustomerRow) -> SubjectNames:
    """Return the names of a customer in the ledger. Customers merged into this one had their own."""
    identities = context.resources.identities
    former_customers = await identities.list_former_ids(row.id)
    return open_subject_names(
        reading.list_ledger_keys(row, former_customers),
        await identities.list_ledger_periods(row.id),
        context.resources.catalogue.find_path,
    )


def _build_disclosure(entry: LedgerEntry, names: SubjectNames) -> Disclosure | None:
    part = select_visible_part(names, entry)
    if not part.is_visible:
        return None
    return Disclosure(
        receipt=strawberry.ID(entry.receipt),
        at=DateTime(format_timestamp(entry.at)),
        client=entry.client,
        actor=entry.actor,
        purposes=list(entry.purposes),
        attributes=[path for path, _ in part.attributes],
        forms=[form for _, form in part.attributes],
        also=list(part.extra),
    )
