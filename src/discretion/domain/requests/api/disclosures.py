"""``disclosures`` of a customer: who saw what of them, for what, and when (GDPR Art. 15(1)(c))."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from discretion.domain.kit.graphql.connection import ends, place, window
from discretion.domain.kit.graphql.context import Context
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.page_info import PageInfo
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.errors import Forbidden
from discretion.ledger.entry import Entry
from discretion.reveal.forms import iso
from discretion.reveal.revealer import Reading, Row

_CURSOR = b"disclosure-cursor"


@strawberry.type(description="One reveal on record.")
class Disclosure:
    """What the ledger holds about this customer in one entry."""

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


def disclosures_field() -> StrawberryField:
    """``Customer.disclosures``."""

    async def disclosures(
        root: Any, info: Info[Context, None], first: int | None = UNSET, after: str | None = UNSET
    ) -> DisclosureConnection:
        reading = info.context.meeting()
        if not (reading.grant.is_self or reading.grant.is_steward):
            raise Forbidden(
                "DISCLOSURES_NOT_GRANTED", "Only the customer and the steward see who saw a customer's data."
            )
        wanted = window(first, after)
        before = place(reading, _CURSOR, wanted.after, "these disclosures")
        names = await _names(info.context, reading, root)
        found = await info.context.records.disclosures.of_subject(
            names, None if before is None else (before[0], before[1].hex()), wanted.size + 1
        )
        shown = found[: wanted.size]
        reading.note("disclosures")
        start, end = ends(reading, _CURSOR, [(one.at, bytes.fromhex(one.receipt)) for one in shown])
        return DisclosureConnection(
            nodes=[_disclosure(entry, names) for entry in shown],
            page_info=PageInfo(
                has_next_page=len(found) > wanted.size,
                has_previous_page=wanted.after is not None,
                start_cursor=start,
                end_cursor=end,
            ),
        )

    words = (
        "Who saw what of this customer, for what and when, newest first. For the customer and the steward."
    )
    return field(disclosures, "disclosures", DisclosureConnection | None, words)


async def _names(context: Context, reading: Reading, row: Row) -> list[bytes]:
    """What the ledger has called this customer: those merged into them were called otherwise before."""
    former = await context.records.identities.former(row.id)
    return reading.pseudonyms(row, former)


def _disclosure(entry: Entry, names: Sequence[bytes]) -> Disclosure:
    bits = 0
    for name in names:
        bits |= entry.subjects.get(name, 0)
    seen = [pair for index, pair in enumerate(entry.attributes) if bits >> index & 1]
    return Disclosure(
        receipt=strawberry.ID(entry.receipt),
        at=DateTime(iso(entry.at)),
        client=entry.client,
        actor=entry.actor,
        purposes=list(entry.purposes),
        attributes=[path for path, _ in seen],
        forms=[form for _, form in seen],
        also=list(entry.extra),
    )
