"""``events`` of a customer: what happened, newest first, of the kinds the grant may see."""

from __future__ import annotations

from typing import Any

import orjson
import strawberry
from strawberry import UNSET
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from discretion.catalogue.model import EventType
from discretion.catalogue.retention_cut_off import since
from discretion.domain.kit.graphql.connection import place, window
from discretion.domain.kit.graphql.context import Context
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.page_info import PageInfo
from discretion.domain.kit.graphql.scalars import DateTime, Json
from discretion.purpose.decide import decide
from discretion.purpose.decision import Allow
from discretion.reveal.forms import CLEAR, iso
from discretion.reveal.revealer import Reading, Row
from discretion.seal.cell import event_key

_CURSOR = b"event-cursor"
_EVENT = b"event"


@strawberry.type(description="Something that happened to a customer in a channel.")
class Event:
    """One event of the timeline."""

    id: strawberry.ID
    name: str = strawberry.field(description="As the catalogue names it, such as `Order Completed`.")
    channel: str = strawberry.field(description="`web`, `store` or `app`.")
    occurred_at: DateTime
    received_at: DateTime
    properties: Json | None = strawberry.field(
        description="Declared properties; null where the token may know of the event and no more."
    )


@strawberry.type
class EventEdge:
    """An event and its place in the timeline."""

    node: Event
    cursor: str


@strawberry.type(description="A page of a customer's events, newest first.")
class EventConnection:
    """Relay connection of events."""

    edges: list[EventEdge]
    nodes: list[Event]
    page_info: PageInfo


def events_field() -> StrawberryField:
    """``Customer.events``."""

    async def events(
        root: Any, info: Info[Context, None], first: int | None = UNSET, after: str | None = UNSET
    ) -> EventConnection:
        reading = info.context.meeting()
        wanted = window(first, after)
        earliest, clear = _visible(info.context, reading, root)
        if not earliest or not wanted.size:
            return _connection([], more=False, after=wanted.after)
        before = place(reading, _CURSOR, wanted.after, "this timeline")
        docs = await info.context.records.events.of_customer(root.id, earliest, before, wanted.size + 1)
        shown = [
            _event(
                reading,
                root,
                doc,
                info.context.records.catalogue.events[doc["type"]],
                in_clear=doc["at"] >= clear[doc["type"]],
            )
            for doc in docs[: wanted.size]
        ]
        places = [(doc["at"], doc["_id"]) for doc in docs]
        edges = [
            EventEdge(node=event, cursor=_cursor(reading, place))
            for event, place in zip(shown, places, strict=False)
        ]
        return _connection(edges, more=len(docs) > wanted.size, after=wanted.after)

    return field(
        events, "events", EventConnection, "What happened, newest first, of the kinds this token may see."
    )


def _visible(context: Context, reading: Reading, row: Row) -> tuple[dict[str, int], dict[str, int]]:
    """Event types the grant may see of this person, each with its cut-off, and that of seeing it in clear."""
    catalogue = context.records.catalogue
    earliest: dict[str, int] = {}
    clear: dict[str, int] = {}
    for kind in catalogue.events.values():
        allowed = decide(catalogue, reading.grant, reading.plan.held, kind.category, kind.uses)
        bits = row.permitting(kind.kinds)
        if not isinstance(allowed, Allow) or not bits & allowed.mask:
            continue
        earliest[kind.key] = since(kind, bits & allowed.mask, reading.now_ms)
        clear[kind.key] = since(kind, bits & allowed.clear_mask, reading.now_ms)
    return earliest, clear


def _event(reading: Reading, row: Row, doc: dict[str, Any], kind: EventType, *, in_clear: bool) -> Event:
    properties: Any = None
    what = f"event:{doc['type']}"
    if in_clear:
        cell = doc.get("props")
        stored = {} if cell is None else reading.reveal_cell(row, cell, event_key(doc["_id"]), what)
        properties = as_told(kind, stored)
    else:
        reading.note(what)
    return Event(
        id=strawberry.ID(reading.shut(_EVENT, doc["_id"])),
        name=doc["type"],
        channel=doc["channel"],
        occurred_at=DateTime(iso(doc["at"])),
        received_at=DateTime(iso(doc["received"])),
        properties=properties,
    )


def as_told(kind: EventType, stored: dict[str, Any]) -> dict[str, Any]:
    """Declared properties as the answer carries them; one that left the catalogue is not shown."""
    shown: dict[str, Any] = {}
    for declared in kind.properties:
        if declared.name in stored:
            value, show = stored[declared.name], CLEAR.get(declared.type)
            if show is not None:
                value = [show(one, 0) for one in value] if declared.many else show(value, 0)
            shown[declared.name] = value
    return shown


def _cursor(reading: Reading, place: tuple[int, bytes]) -> str:
    at, event = place
    return reading.shut(_CURSOR, orjson.dumps([at, event.hex()]))


def _connection(edges: list[EventEdge], *, more: bool, after: str | None) -> EventConnection:
    return EventConnection(
        edges=edges,
        nodes=[edge.node for edge in edges],
        page_info=PageInfo(
            has_next_page=more,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )
