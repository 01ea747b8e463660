"""``identifiers`` and ``identityHistory`` of a customer: their names at sources, and how they became one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from discretion.catalogue.retention_cut_off import since
from discretion.domain.kit.graphql.connection import ends, place, window
from discretion.domain.kit.graphql.context import Context
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.page_info import PageInfo
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.profiles.api.customers import decision
from discretion.domain.profiles.api.provenance import when
from discretion.errors import Forbidden
from discretion.purpose.decision import Allow
from discretion.reveal.forms import iso
from discretion.reveal.revealer import CUSTOMER_KIND, Reading, Row
from discretion.seal.cell import identifier_key

EVENT_KIND = b"identity-event"
_CURSOR = b"identity-cursor"
Where = Info[Context, None]
Document = dict[str, Any]


@strawberry.type(description="An external identifier under which sources know a customer.")
class Identifier:
    """One identifier, whoever named it."""

    type: str = strawberry.field(description="Such as `email` or `loyalty_id`.")
    value: str = strawberry.field(description="In the one spelling of its type.")
    sources: list[str] = strawberry.field(description="Who named it.")
    first_named_at: DateTime = strawberry.field(
        description="To the customer and the steward the time, to others its month, as in `provenance`."
    )


@strawberry.type(description="What spoke for a merge.")
class Evidence:
    """An identifier that several records named."""

    type: str
    value: str | None = strawberry.field(description="Null if none of this customer's records names it.")


@strawberry.type(description="Customers were merged into one, or one was parted.")
class IdentityEvent:
    """One event of the identity history."""

    id: strawberry.ID = strawberry.field(description="What `unmerge` takes.")
    kind: str = strawberry.field(description="`merged` or `parted`.")
    at: DateTime
    by: str = strawberry.field(description="Who brought it about: `source:tills`, `steward:privacy-office`.")
    customers: list[strawberry.ID] = strawberry.field(description="Everybody it was about.")
    evidence: list[Evidence]


@strawberry.type(description="A page of a customer's identity history, newest first.")
class IdentityEventConnection:
    """Relay connection of identity events, nodes only."""

    nodes: list[IdentityEvent]
    page_info: PageInfo


def identity_fields() -> list[StrawberryField]:
    """``Customer.identifiers`` and ``Customer.identityHistory``."""

    async def identifiers(root: Any, info: Where) -> list[Identifier]:
        reading = info.context.meeting()
        kinds = _visible(info.context, reading, root)
        if not kinds:
            return []
        return _identifiers(reading, root, kinds, await info.context.records.identities.named(root.id, kinds))

    async def history(
        root: Any, info: Where, first: int | None = UNSET, after: str | None = UNSET
    ) -> IdentityEventConnection:
        reading = info.context.meeting()
        if not (reading.grant.is_self or reading.grant.is_steward):
            raise Forbidden(
                "IDENTITY_HISTORY_NOT_GRANTED", "Only the customer and the steward see an identity's history."
            )
        return await _history(info.context, reading, root, window(first, after))

    known = (
        "Under which identifiers sources know this customer, the earliest first. The customer and the "
        "steward see all, others those types whose attribute they may see in clear."
    )
    happened = "Merges and partings, newest first. For the customer and the steward."
    return [
        field(identifiers, "identifiers", list[Identifier] | None, known),
        field(history, "identityHistory", IdentityEventConnection | None, happened),
    ]


def _visible(context: Context, reading: Reading, row: Row) -> dict[str, int]:
    """Identifier types the grant may see of this person, each with its cut-off in ms."""
    catalogue = context.records.catalogue
    if reading.grant.is_self or reading.grant.is_steward:
        return dict.fromkeys(catalogue.identifiers, 0)
    kinds: dict[str, int] = {}
    for attribute in catalogue.attributes.values():
        if attribute.identifier is None:
            continue
        allowed = decision(catalogue, reading, attribute)
        if isinstance(allowed, Allow) and allowed.clear_mask:
            permitted = row.permitting(attribute.kinds) & allowed.clear_mask
            kinds[attribute.identifier] = since(attribute, permitted, reading.now_ms)
    if not kinds:
        raise Forbidden(
            "IDENTIFIERS_NOT_GRANTED",
            "No purpose of this token sees an identifier in clear.",
            "Ask for the attributes instead; they are revealed in the form it may see.",
        )
    return {kind: since for kind, since in kinds.items() if since <= reading.now_ms}


def _identifiers(
    reading: Reading, row: Row, kinds: Mapping[str, int], records: Sequence[Document]
) -> list[Identifier]:
    found: dict[bytes, list[tuple[Document, str]]] = {}
    for record in records:
        for one in record["ids"]:
            if one["t"] >= kinds[one["k"]]:
                found.setdefault(one["e"], []).append((one, record["source"]))
    ordered = sorted(found.items(), key=lambda item: (min(one["t"] for one, _ in item[1]), item[0]))
    return [
        Identifier(
            type=told[0][0]["k"],
            value=_value(reading, row, told[0][0]),
            sources=sorted({source for _, source in told}),
            first_named_at=when(reading, min(one["t"] for one, _ in told)),
        )
        for _, told in ordered
    ]


def _value(reading: Reading, row: Row, named: Document) -> str:
    opened: str = reading.reveal_cell(row, named["c"], identifier_key(named["e"]), f"identifier:{named['k']}")
    return opened


async def _history(context: Context, reading: Reading, row: Row, wanted: Any) -> IdentityEventConnection:
    records = context.records
    before = place(reading, _CURSOR, wanted.after, "this history")
    customers = [row.id, *(customer for customer, _ in await records.identities.former(row.id))]
    found = await records.identities.history(customers, before, wanted.size + 1)
    shown = found[: wanted.size]
    reading.note("identityHistory")
    kinds = {one["type"] for event in shown for one in event["evidence"]}
    held = await records.identities.named(row.id, kinds) if kinds else []
    named = {one["e"]: one for record in held for one in record["ids"]}
    start, end = ends(reading, _CURSOR, [(one["at"], one["_id"]) for one in shown])
    return IdentityEventConnection(
        nodes=[_event(reading, row, one, named) for one in shown],
        page_info=PageInfo(
            has_next_page=len(found) > wanted.size,
            has_previous_page=wanted.after is not None,
            start_cursor=start,
            end_cursor=end,
        ),
    )


def _event(reading: Reading, row: Row, event: Document, named: Mapping[bytes, Document]) -> IdentityEvent:
    return IdentityEvent(
        id=strawberry.ID(reading.shut(EVENT_KIND, event["_id"])),
        kind=event["kind"],
        at=DateTime(iso(event["at"])),
        by=event["by"],
        customers=[strawberry.ID(reading.shut(CUSTOMER_KIND, one)) for one in event["customers"]],
        evidence=[
            Evidence(
                type=one["type"],
                value=_value(reading, row, named[one["entry"]]) if one["entry"] in named else None,
            )
            for one in event["evidence"]
        ],
    )
