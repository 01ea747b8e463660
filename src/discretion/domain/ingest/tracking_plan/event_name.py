"""The name of a message's event: the catalogue's, or one that the sender chose, which may be personal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from discretion.catalogue.event_names import find_event
from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.tracking_plan.showable_name import is_showable_name

NAMED_ONCE = "(name not shown: fewer than two messages had it)"
MAY_BE_PERSONAL = "(name not shown: it may be personal data)"


class EventName(NamedTuple):
    """A name, empty if there is none or it must never be shown, and whether the catalogue declares it."""

    text: str
    is_declared: bool


def read_event_name(catalogue: Catalogue, source: Source, raw: Mapping[str, object]) -> EventName:
    """Return the name of a message's event; of another message its type, if that is an event."""
    if raw.get("type") != "track":
        name = raw.get("type")
        return EventName(name if isinstance(name, str) and name in catalogue.events else "", True)
    name = raw.get("event")
    declared = find_event(catalogue, name)
    if declared is not None and source.channel in declared.channels:
        return EventName(declared.key, True)
    return EventName(name if isinstance(name, str) and is_showable_name(name) else "", False)
