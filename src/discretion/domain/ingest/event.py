"""Parsing of the event in a track, page, screen or group message, as the catalogue declares it."""

from __future__ import annotations

from collections.abc import Mapping

from discretion.catalogue.event_names import find_event
from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.declared_object import DeclaredObject
from discretion.domain.ingest.event_properties import ParsedEvent, parse_properties
from discretion.domain.ingest.rejection import MessageRejected, read_object_or_leave_out

MAX_GROUP_ID = 500
PAGE_MEMBERS = ("name", "category")
"""Members of page and screen messages that count as properties."""


def parse_event(
    catalogue: Catalogue,
    declared_events: Mapping[str, DeclaredObject],
    source: Source,
    message_type: str,
    raw: Mapping[str, object],
) -> ParsedEvent:
    """Parse the event of a message; it is None for identify and alias.

    A property that the event does not need is left out if it is wrong; an empty text is no value.

    Raises:
        MessageRejected: ``EVENT_UNDECLARED``, ``PROPERTY_MISSING``, ``TYPE_WRONG``, ``CURRENCY_UNKNOWN``,
            ``GROUP_ID_INVALID``.
    """
    if message_type in ("identify", "alias"):
        return None, [], 0
    name = raw.get("event") if message_type == "track" else message_type
    event_type = find_event(catalogue, name)
    if event_type is None or source.channel not in event_type.channels:
        raise MessageRejected(
            "EVENT_UNDECLARED", "The catalogue declares no such event for this channel.", "event"
        )
    place = "traits" if message_type == "group" else "properties"
    properties, fault = read_object_or_leave_out(raw, place)
    if message_type == "group":
        properties = {**properties, "groupId": _parse_group_id(raw)}
    elif message_type != "track":
        properties = {**properties, **_read_page_members(properties, raw)}
    declared = declared_events[event_type.key]
    event, left_out, undeclared = parse_properties(catalogue.money, event_type, declared, properties, place)
    return event, left_out if fault is None else [fault, *left_out], undeclared


def _read_page_members(properties: Mapping[str, object], raw: Mapping[str, object]) -> dict[str, object]:
    return {member: raw.get(member) for member in PAGE_MEMBERS if properties.get(member) is None}


def _parse_group_id(raw: Mapping[str, object]) -> str:
    raw_value = raw.get("groupId")
    text = str(raw_value) if isinstance(raw_value, int) and not isinstance(raw_value, bool) else raw_value
    if not isinstance(text, str) or not 1 <= len(text) <= MAX_GROUP_ID:
        raise MessageRejected(
            "GROUP_ID_INVALID", f"It takes text of 1 to {MAX_GROUP_ID} characters.", "groupId"
        )
    return text
