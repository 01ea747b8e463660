"""What an object in a message may have, compiled once for each event type of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue, EventProperty, ValueType


@dataclass(frozen=True, slots=True)
class DeclaredMember:
    """A declared member of an object.

    Attributes:
        declared: The declaration.
        names: The names that it is sent under; the first that has a value counts.
        is_denominated: Whether its meaning depends on the currency that the object states.
        inner: What the member's own object may have, or each in its list; None if it is no object.
    """

    declared: EventProperty
    names: tuple[str, ...]
    is_denominated: bool
    inner: DeclaredObject | None


@dataclass(frozen=True, slots=True)
class DeclaredObject:
    """The declared members of an object, in the catalogue's order.

    Attributes:
        members: All members.
        required: Those that an event needs.
        positions: The places of members in ``members``, by sent name.
    """

    members: tuple[DeclaredMember, ...]
    required: tuple[DeclaredMember, ...]
    positions: Mapping[str, tuple[int, ...]]

    def select_members(self, raw: Mapping[str, object]) -> list[DeclaredMember]:
        """Return the members that an object may have a value for, in the catalogue's order."""
        sent = {position for name in raw if name in self.positions for position in self.positions[name]}
        return [self.members[position] for position in sorted(sent)]


def compile_events(catalogue: Catalogue) -> dict[str, DeclaredObject]:
    """Return what the properties of each event type may be, by the key of the type."""
    stated_by = catalogue.money.stated_by
    return {
        key: _compile_object(event_type.properties, stated_by) for key, event_type in catalogue.events.items()
    }


def _compile_object(declared: Iterable[EventProperty], stated_by: str) -> DeclaredObject:
    members = tuple(
        DeclaredMember(
            each,
            (each.name, *each.aliases),
            each.type is ValueType.MONEY or each.name == stated_by,
            _compile_object(each.members, stated_by) if each.type is ValueType.OBJECT else None,
        )
        for each in declared
    )
    positions: dict[str, tuple[int, ...]] = {}
    for position, member in enumerate(members):
        for name in member.names:
            positions[name] = (*positions.get(name, ()), position)
    required = tuple(member for member in members if member.declared.required)
    return DeclaredObject(members, required, positions)
