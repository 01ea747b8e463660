"""Parsing of the event in a track, page, screen or group message, as the catalogue declares it."""

from __future__ import annotations

from collections.abc import Mapping

from discretion.catalogue.model import Catalogue, EventType, Source
from discretion.domain.ingest.message import ReceivedEvent
from discretion.domain.ingest.rejection import MessageRejected, read_object
from discretion.domain.ingest.value_parsing import WrongType, parse_value
from discretion.seal.redacted import Redacted

MAX_GROUP_ID = 500
PAGE_MEMBERS = ("name", "category")
"""Members of page and screen messages that count as properties."""


def parse_event(
    catalogue: Catalogue, source: Source, message_type: str, raw: Mapping[str, object]
) -> tuple[ReceivedEvent | None, int]:
    """Parse the event of a message; it is None for identify and alias.

    Returns:
        The event, and the number of properties that the catalogue does not declare.

    Raises:
        MessageRejected: ``EVENT_UNDECLARED``, ``PROPERTY_MISSING``, ``TYPE_WRONG``, ``GROUP_ID_INVALID``.
    """
    if message_type in ("identify", "alias"):
        return None, 0
    name = raw.get("event") if message_type == "track" else message_type
    event_type = catalogue.events.get(name) if isinstance(name, str) else None
    if event_type is None or source.channel not in event_type.channels:
        raise MessageRejected(
            "EVENT_UNDECLARED", "The catalogue declares no such event for this channel.", "event"
        )
    if message_type == "group":
        return _parse_properties(
            event_type, {**read_object(raw, "traits"), "groupId": _parse_group_id(raw)}, "traits"
        )
    raw_properties = dict(read_object(raw, "properties"))
    if message_type != "track":
        for member in PAGE_MEMBERS:
            if raw_properties.get(member) is None:
                raw_properties[member] = raw.get(member)
    return _parse_properties(event_type, raw_properties, "properties")


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
) -> tuple[ReceivedEvent, int]:
    properties: dict[str, object] = {}
    for declared_property in event_type.properties:
        value = raw_properties.pop(declared_property.name, None)
        place = f"{place_prefix}.{declared_property.name}"
        if value is None:
            if declared_property.required:
                raise MessageRejected("PROPERTY_MISSING", f"{event_type.key} needs it.", place)
            continue
        try:
            properties[declared_property.name] = parse_value(
                declared_property.type, value, many=declared_property.many
            )
        except WrongType as type_error:
            raise MessageRejected("TYPE_WRONG", f"It takes {type_error.expected}.", place) from None
    return ReceivedEvent(event_type, Redacted(properties)), sum(
        1 for value in raw_properties.values() if value is not None
    )
