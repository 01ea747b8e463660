"""Cross checks of what follows from events: the tracking plan, and attributes computed from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from discretion.catalogue.correction_authority import Correctable
from discretion.catalogue.entry import AttributeEntry, EventEntry, PropertyEntry
from discretion.catalogue.model import Channel, Fold, ValueType
from discretion.catalogue.nearest_name import nearest
from discretion.catalogue.parsed_file import Shaped, Whole
from discretion.catalogue.problem import Problem
from discretion.catalogue.yaml_file import Place

SUMMABLE = frozenset({ValueType.INT, ValueType.MONEY})
"""Not Float: the sum of binary fractions depends on their order, and events come in any."""


def computed(whole: Whole) -> Iterator[Problem]:
    """Every fold is over what its events carry, and gives what the attribute is."""
    events = {name: part.complete(entry) for part, name, entry in whole.each("events")}
    carried = {name: entry for _, name, entry in whole.each("properties")}
    names = whole.names("events")
    for part, path, entry in whole.completed("attributes"):
        if (rule := entry.computed) is None:
            continue
        at = ("attributes", path, "computed")
        if part.entries.attributes[path].correctable not in (None, Correctable.NEVER):
            right = "It follows from events, which nobody's word changes; take 'correctable' out."
            yield part.file.problem(("attributes", path, "correctable"), f"{path} is computed", right)
        if entry.sealed is not False:
            right = "Add 'sealed: false', or supply it by a trait instead."
            yield part.file.problem(at, f"{path} is computed and sealed", right)
        for index, name in enumerate(rule.events):
            here = (*at, "events", index)
            if name not in names:
                yield part.file.problem(here, f"{name!r} is not an event", nearest(name, names))
            elif name in events:
                yield from _event_gives(part, here, name, events[name], rule.property, rule.channel)
        if right := _unlike(entry, carried):
            yield part.file.problem(at, f"{path} cannot be the {rule.fold}", right)


def _event_gives(
    part: Shaped, place: Place, name: str, event: EventEntry, wanted: str | None, channel: Channel | None
) -> Iterator[Problem]:
    carried = [*event.required, *event.properties]
    if wanted is not None and wanted not in carried:
        yield part.file.problem(place, f"{name!r} has no property {wanted!r}", nearest(wanted, carried))
    if channel is not None and channel not in (event.channels or Channel):
        right = f"It happens in {', '.join(sorted(event.channels or ()))}."
        yield part.file.problem(place, f"{name!r} never happens in {channel}", right)


def _unlike(entry: AttributeEntry, carried: Mapping[str, PropertyEntry]) -> str:
    """Why a fold does not give the attribute's type, as advice; the empty string if it does."""
    rule = entry.computed
    assert rule is not None
    if entry.many is not (rule.fold is Fold.SET):
        return (
            "A fold gives one value; take 'many' out." if entry.many else "A set is a list; add 'many: true'."
        )
    if rule.fold is Fold.COUNT:
        return "" if entry.type is ValueType.INT else "A count is an Int."
    if rule.property is None:
        if rule.fold in {Fold.SUM, Fold.MOST_FREQUENT, Fold.SET}:
            return "Name the 'property' it is taken over."
        is_time = entry.type is ValueType.DATETIME
        return "" if is_time else "Without a 'property' it is the event's time, a DateTime."
    if not rule.events:
        return "Name the 'events' that carry the property."
    if (found := carried.get(rule.property)) is None:
        return ""
    if found.many and rule.fold is not Fold.SET:
        return f"Property {rule.property!r} is a list."
    if rule.fold is Fold.SUM and found.type not in SUMMABLE:
        return f"Property {rule.property!r} is {found.type}; only Int and Money add up in any order."
    return "" if found.type is entry.type else f"Property {rule.property!r} is {found.type}."


def properties(whole: Whole) -> Iterator[Problem]:
    """Every event lists properties that are declared, each once."""
    known = whole.names("properties")
    for part, name, event in whole.each("events"):
        seen: set[str] = set()
        for key, listed in (("required", event.required), ("properties", event.properties)):
            for index, one in enumerate(listed):
                at = ("events", name, key, index)
                if one not in known:
                    yield part.file.problem(at, f"{one!r} is not a property", nearest(one, known))
                if one in seen:
                    yield part.file.problem(at, f"{name!r} lists {one!r} twice", "List it once.")
                seen.add(one)
