"""The field ``Customer.events``: the events of a customer, newest first, of the types the grant may see."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.catalogue.model import EventType
from discretion.catalogue.retention_cut_off import compute_purposes_cut_off
from discretion.domain.kit.graphql.context import ResolverContext, ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.page import PageInfo, build_cursor, open_cursor, parse_page_window
from discretion.domain.kit.graphql.scalars import DateTime, Json
from discretion.purpose.decide import decide_reveal
from discretion.purpose.decision import EVERY_BIT, Allow
from discretion.reveal.forms import format_timestamp, is_seen, render_property
from discretion.reveal.revealer import CustomerRow, Reading
from discretion.seal.cell import event_cell_key
from discretion.store.events import StoredEvent

_CURSOR_KIND = b"event-cursor"
_EVENT_KIND = b"event"


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
    """A Relay connection of events."""

    edges: list[EventEdge]
    nodes: list[Event]
    page_info: PageInfo


def build_events_field() -> StrawberryField:
    """Build the field ``Customer.events``."""

    async def resolve_events(
        root: CustomerRow, info: ResolverInfo, first: int | None = UNSET, after: str | None = UNSET
    ) -> EventConnection:
        reading = info.context.require_reading()
        page_window = parse_page_window(first, after)
        earliest, clear, clear_bits = _find_visible_types(info.context, reading, root)
        if not earliest or not page_window.size:
            return _build_connection([], has_more=False, after=page_window.after)
        position = open_cursor(reading, _CURSOR_KIND, page_window.after, "this timeline")
        events = await info.context.resources.events.list_by_customer(
            root.id, earliest, position, page_window.size + 1
        )
        timeline_events = [
            _build_event(
                reading,
                root,
                event,
                info.context.resources.catalogue.events[event.type],
                clear_bits[event.type] if event.type in clear and event.at >= clear[event.type] else 0,
            )
            for event in events[: page_window.size]
        ]
        places = [(event.at, event.id) for event in events]
        edges = [
            EventEdge(node=event, cursor=build_cursor(reading, _CURSOR_KIND, place))
            for event, place in zip(timeline_events, places, strict=False)
        ]
        return _build_connection(edges, has_more=len(events) > page_window.size, after=page_window.after)

    return build_field(
        resolve_events,
        "events",
        EventConnection,
        "What happened, newest first, of the kinds this token may see.",
    )


def _find_visible_types(
    context: ResolverContext, reading: Reading, row: CustomerRow
) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Return the cut-offs (ms) by event type that the grant may see of this customer, and those in clear.

    Third, the bits of the purposes that see the type in clear.

    Older events have exceeded the retention of the permitted purposes and are withheld.
    """
    catalogue = context.resources.catalogue
    earliest: dict[str, int] = {}
    clear: dict[str, int] = {}
    bits_by_type: dict[str, int] = {}
    for event_type in catalogue.events.values():
        decision = decide_reveal(
            catalogue, reading.grant, reading.plan.granted_purposes, event_type.category, event_type.uses
        )
        bits = row.permitted_for(event_type.kinds)
        if not isinstance(decision, Allow) or not bits & decision.mask:
            continue
        earliest[event_type.key] = compute_purposes_cut_off(event_type, bits & decision.mask, reading.now_ms)
        # Without a permitted purpose the type has no cut-off here, because none suffices: another server's
        # clock may be ahead, and an event may arrive while this operation runs.
        if clear_bits := bits & decision.clear_mask:
            clear[event_type.key] = compute_purposes_cut_off(event_type, clear_bits, reading.now_ms)
            bits_by_type[event_type.key] = clear_bits
    return earliest, clear, bits_by_type


def _build_event(
    reading: Reading, row: CustomerRow, event: StoredEvent, event_type: EventType, clear_bits: int
) -> Event:
    """Build an event; ``clear_bits`` are the purposes that see its properties, 0 if none does."""
    properties: Any = None
    note = f"event:{event.type}"
    if clear_bits:
        # A purpose whose retention of the event is over sees none of its properties.
        bits = (
            clear_bits if clear_bits < 0 else _select_current(event_type, clear_bits, event, reading.now_ms)
        )
        cell = event.properties
        stored = {} if cell is None else reading.reveal_cell(row, cell, event_cell_key(event.id), note)
        properties = render_properties(event_type, stored, bits)
    else:
        # That the event happened is a disclosure too, even without its properties.
        reading.record_extra(note)
    return Event(
        id=strawberry.ID(reading.encode_id(_EVENT_KIND, event.id)),
        name=event.type,
        channel=event.channel,
        occurred_at=DateTime(format_timestamp(event.at)),
        received_at=DateTime(format_timestamp(event.received)),
        properties=properties,
    )


def _select_current(event_type: EventType, bits: int, event: StoredEvent, now_ms: int) -> int:
    """Return those of the purposes whose retention of an event is not over."""
    return sum(
        bit
        for use in event_type.uses
        if (bit := 1 << use.purpose.bit) & bits
        and event.at >= compute_purposes_cut_off(event_type, bit, now_ms)
    )


def render_properties(event_type: EventType, stored: dict[str, Any], bits: int = EVERY_BIT) -> dict[str, Any]:
    """Render the declared properties as JSON; a property that was removed from the catalogue is left out.

    Args:
        event_type: Declares the properties.
        stored: Their stored values.
        bits: The purposes that see them; a property or member with purposes of its own is seen by those.
    """
    return {
        declared.name: render_property(declared, stored[declared.name], bits)
        for declared in event_type.properties
        if declared.name in stored and is_seen(declared, bits)
    }


def _build_connection(edges: list[EventEdge], *, has_more: bool, after: str | None) -> EventConnection:
    return EventConnection(
        edges=edges,
        nodes=[edge.node for edge in edges],
        page_info=PageInfo(
            has_next_page=has_more,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )
