"""The names under which senders send events: as declared, as an alias, and in any usual spelling."""

from __future__ import annotations

from collections.abc import Iterable

from discretion.catalogue.model import Catalogue, EventType


def fold_event_name(name: str) -> str:
    """Return what all spellings of an event's name have in common: its letters and digits, in lower case."""
    return "".join(character for character in name.casefold() if character.isalnum())


def list_event_names(event_types: Iterable[EventType]) -> dict[str, str]:
    """Return the folded names and aliases of event types, each with the key of its type."""
    return {
        fold_event_name(name): event_type.key
        for event_type in event_types
        for name in (event_type.key, *event_type.aliases)
    }


def find_event(catalogue: Catalogue, name: object) -> EventType | None:
    """Return the event type with a name in any usual spelling, such as ``completed_order``."""
    if not isinstance(name, str):
        return None
    return catalogue.events.get(name) or catalogue.events.get(
        catalogue.event_names.get(fold_event_name(name), "")
    )
