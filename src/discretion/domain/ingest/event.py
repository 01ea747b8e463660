"""Parsing of the event in a track, page, screen or group message, as the catalogue declares it."""

from __future__ import annotations

from collections.abc import Mapping

from discretion.catalogue.model import Catalogue, EventType, Source
from discretion.domain.ingest.message import ReceivedEvent
from discretion.domain.ingest.rejection import LeftOut, MessageRejected, read_object_or_leave_out
from discretion.domain.ingest.value_parsing import WrongType, parse_value
from discretion.seal.redacted import Redacted

MAX_GROUP_ID = 500
PAGE_MEMBERS = ("name", "category")
"""Members of page and screen messages that count as properties."""


ParsedEvent = tuple[ReceivedEvent | None, list[LeftOut], int]
"""An event, what was left out of it, and the number of properties that the catalogue does not declare."""


def parse_event(
    catalogue: Catalogue, source: Source, message_type: str, raw: Mapping[str, object]
) -> ParsedEvent:
    """Parse the event of a message; it is None for identify and alias.

    A property that the event does not need is left out if it is wrong; an empty text is no value.

    Raises:
        MessageRejected: ``EVENT_UNDECLARED``, ``PROPERTY_MISSING``, ``TYPE_WRONG``, ``GROUP_ID_INVALID``.
    """
    if message_type in ("identify", "alias"):
        return None, [], 0
    name = raw.get("event") if message_type == "track" else message_type
    event_type = catalogue.events.get(name) if isinstance(name, str) else None
    if event_type is None or source.channel not in event_type.channels:
        raise MessageRejected(
            "EVENT_UNDECLARED", "The catalogue declares no such event for this channel.", "event"
        )
    place = "traits" if message_type == "group" else "properties"
    properties, fault = read_object_or_leave_out(raw, place)
    raw_properties = dict(properties)
    if message_type == "group":
        raw_properties["groupId"] = _parse_group_id(raw)
    elif message_type != "track":
        for member in PAGE_MEMBERS:
            if raw_properties.get(member) is None:
                raw_properties[member] = raw.get(member)
    event, left_out, undeclared = _parse_properties(event_type, raw_properties, place)
    return event, left_out if fault is None else [fault, *left_out], undeclared


def _parse_group_id(raw: Mapping[str, object]) -> str:
    raw_value = raw.get("groupId")
    text = str(raw_value) if isinstance(raw_value, int) and not isinstance(raw_value, bool) else raw_value
    if not isinstance(text, str) or not 1 <= len(text) <= MAX_GROUP_ID:
        raise MessageRejected(
            "GROUP_ID_INVALID", f"It takes text of 1 to {MAX_GROUP_ID} characters.", "groupId"
        )
    return text


def _parse_properties(
    event_type: EventType, raw_properties: dict[str, object], place_prefix: str
) -> ParsedEvent:
    properties: dict[str, object] = {}
    left_out: list[LeftOut] = []
    for declared_property in event_type.properties:
        value = raw_properties.pop(declared_property.name, None)
        place = f"{place_prefix}.{declared_property.name}"
        if value is None or value == "":
            if declared_property.required:
                raise MessageRejected("PROPERTY_MISSING", f"{event_type.key} needs it.", place)
            continue
        try:
            properties[declared_property.name] = parse_value(
                declared_property.type, value, many=declared_property.many
            )
        except WrongType as type_error:
            reason = f"It takes {type_error.expected}."
            if declared_property.required:
                raise MessageRejected("TYPE_WRONG", reason, place) from None
            left_out.append(LeftOut(place, "TYPE_WRONG", reason))
    undeclared = sum(1 for value in raw_properties.values() if value is not None)
    return ReceivedEvent(event_type, Redacted(properties)), left_out, undeclared
