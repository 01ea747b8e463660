"""Which events a scoped erasure deletes, and what others lose: one rule for forecast and erasure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue
from discretion.domain.profiles.erased_scopes import ErasureScope
from discretion.seal.nested_members import MemberName
from discretion.store.events import StoredEvent


@dataclass(frozen=True, slots=True)
class ScopeEvents:
    """The events of a scope.

    Attributes:
        channel: The channel whose events are deleted, None if the scope is no channel.
        types: The event types that are deleted, from whatever channel.
        erased_properties: The properties, and members of objects in them, that events of other types lose.
    """

    channel: str | None
    types: frozenset[str]
    erased_properties: Mapping[str, frozenset[MemberName]]

    def covers(self, event: StoredEvent) -> bool:
        """Return whether an event is deleted as a whole."""
        return event.channel == self.channel or event.type in self.types


def select_scope_events(scope: ErasureScope, catalogue: Catalogue) -> ScopeEvents:
    """Return the events of a scope."""
    types = frozenset(event.key for event in catalogue.events.values() if scope.covers_event(event))
    properties = {
        event.key: scope.find_covered_members(event)
        for event in catalogue.events.values()
        if event.key not in types
    }
    return ScopeEvents(
        scope.key if scope.kind == "channel" else None,
        types,
        {key: names for key, names in properties.items() if names},
    )
