"""Cross checks of event properties and of attributes that are computed from events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from discretion.catalogue.computation import Fold
from discretion.catalogue.correction_authority import Correctable
from discretion.catalogue.entry import AttributeEntry, EventEntry, PropertyEntry
from discretion.catalogue.event_names import fold_event_name
from discretion.catalogue.model import Channel, ValueType
from discretion.catalogue.nearest_name import suggest_name
from discretion.catalogue.parsed_file import ParsedCatalogue, ParsedCatalogueFile
from discretion.catalogue.problem import ConfigurationProblem
from discretion.catalogue.yaml_file import Place

SUMMABLE_TYPES = frozenset({ValueType.INT, ValueType.MONEY})
"""Types that a sum may be taken over. Float is excluded: the sum of binary fractions depends on their order,
and events arrive in any order."""


def check_computed_attributes(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report each computed attribute whose rule does not fit its events, properties, type or sealing."""
    events = {
        name: parsed_file.complete_entry(entry)
        for parsed_file, name, entry in parsed_catalogue.iterate_entries("events")
    }
    declared_properties = {name: entry for _, name, entry in parsed_catalogue.iterate_entries("properties")}
    declared_events = parsed_catalogue.declared_names("events")
    for parsed_file, path, entry in parsed_catalogue.iterate_completed("attributes"):
        if (rule := entry.computed) is None:
            continue
        place = ("attributes", path, "computed")
        if parsed_file.entries.attributes[path].correctable not in (None, Correctable.NEVER):
            advice = "It is computed from events and cannot be corrected; remove 'correctable'."
            yield parsed_file.file.build_problem(
                ("attributes", path, "correctable"), f"{path} is computed", advice
            )
        # Folding combines stored states without decrypting anything, so states and results are stored open.
        if entry.sealed is not False:
            advice = "Add 'sealed: false', or supply it by a trait instead."
            yield parsed_file.file.build_problem(place, f"{path} is computed and sealed", advice)
        for index, name in enumerate(rule.events):
            event_place = (*place, "events", index)
            if name not in declared_events:
                yield parsed_file.file.build_problem(
                    event_place, f"{name!r} is not an event", suggest_name(name, declared_events)
                )
            elif name in events:
                yield from _check_event_supplies(
                    parsed_file, event_place, name, events[name], rule.property, rule.channel
                )
        if advice := _explain_type_mismatch(entry, declared_properties):
            yield parsed_file.file.build_problem(place, f"{path} cannot be the {rule.fold}", advice)


def _check_event_supplies(
    parsed_file: ParsedCatalogueFile,
    place: Place,
    name: str,
    event: EventEntry,
    property_name: str | None,
    channel: Channel | None,
) -> Iterator[ConfigurationProblem]:
    carried = [*event.required, *event.properties]
    if property_name is not None and property_name not in carried:
        yield parsed_file.file.build_problem(
            place, f"{name!r} has no property {property_name!r}", suggest_name(property_name, carried)
        )
    if channel is not None and channel not in (event.channels or Channel):
        advice = f"It happens in {', '.join(sorted(event.channels or ()))}."
        yield parsed_file.file.build_problem(place, f"{name!r} never happens in {channel}", advice)


def _explain_type_mismatch(entry: AttributeEntry, declared_properties: Mapping[str, PropertyEntry]) -> str:
    """Return advice if the fold does not give the attribute's type, else the empty string."""
    rule = entry.computed
    assert rule is not None
    if entry.type is ValueType.MONEY and rule.fold is not Fold.SUM:
        return "Money is only summed: other folds would mix currencies."
    may_be_list = rule.fold is Fold.SET or entry.type is ValueType.MONEY
    if (entry.many and not may_be_list) or (rule.fold is Fold.SET and not entry.many):
        return (
            "A fold gives one value; remove 'many'." if entry.many else "A set is a list; add 'many: true'."
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
    if (declared_property := declared_properties.get(rule.property)) is None:
        return ""
    if declared_property.many and rule.fold is not Fold.SET:
        return f"Property {rule.property!r} is a list."
    if rule.fold is Fold.SUM and declared_property.type not in SUMMABLE_TYPES:
        return (
            f"Property {rule.property!r} is {declared_property.type}; only Int and Money add up in any order."
        )
    return (
        ""
        if declared_property.type is entry.type
        else f"Property {rule.property!r} is {declared_property.type}."
    )


def check_event_properties(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report each property that an event lists and that is undeclared or listed twice."""
    declared_properties = parsed_catalogue.declared_names("properties")
    for parsed_file, name, event in parsed_catalogue.iterate_entries("events"):
        listed_names: set[str] = set()
        for key, listed in (("required", event.required), ("properties", event.properties)):
            for index, property_name in enumerate(listed):
                place = ("events", name, key, index)
                if property_name not in declared_properties:
                    yield parsed_file.file.build_problem(
                        place,
                        f"{property_name!r} is not a property",
                        suggest_name(property_name, declared_properties),
                    )
                if property_name in listed_names:
                    yield parsed_file.file.build_problem(
                        place, f"{name!r} lists {property_name!r} twice", "List it once."
                    )
                listed_names.add(property_name)


def check_property_members(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report objects without members, members without objects, and aliases and purposes that do not exist."""
    purposes = parsed_catalogue.declared_names("purposes")
    for parsed_file, name, entry in parsed_catalogue.iterate_entries("properties"):
        is_object = entry.type is ValueType.OBJECT
        if is_object is not bool(entry.members):
            advice = "An object has 'type: Object' and 'members'; nothing else has members."
            yield parsed_file.file.build_problem(("properties", name), f"{name} has no sound members", advice)
        declared = {name: entry, **{f"{name}.{key}": member for key, member in entry.members.items()}}
        for path, member in declared.items():
            if member is not entry and member.type is ValueType.OBJECT:
                fault = f"{path} is an object in an object"
                yield parsed_file.file.build_problem(
                    ("properties", name), fault, "Declare its members singly."
                )
            for purpose in member.purposes:
                if purpose not in purposes:
                    fault = f"{purpose!r} is not a purpose of this catalogue"
                    place = ("properties", name, "purposes")
                    yield parsed_file.file.build_problem(place, fault, suggest_name(purpose, purposes))
        names = [each for key, member in entry.members.items() for each in (key, *member.aliases)]
        yield from _find_repeated(parsed_file, ("properties", name), names)
    for parsed_file, path, attribute in parsed_catalogue.iterate_entries("attributes"):
        if attribute.type is ValueType.OBJECT:
            advice = "Only a property of events is a list of objects."
            yield parsed_file.file.build_problem(("attributes", path, "type"), f"{path} is an Object", advice)


def check_event_aliases(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report names under which two events, or two properties of one event, would be the same."""
    properties = {name: entry for _, name, entry in parsed_catalogue.iterate_entries("properties")}
    owners: dict[str, str] = {}
    for parsed_file, name, event in parsed_catalogue.iterate_entries("events"):
        for spelling in (name, *event.aliases):
            if (owner := owners.setdefault(fold_event_name(spelling), name)) != name:
                fault = f"{spelling!r} is also a name of {owner!r}"
                advice = "Case, blanks and punctuation do not tell two events apart."
                yield parsed_file.file.build_problem(("events", name), fault, advice)
        listed = [properties[each] for each in (*event.required, *event.properties) if each in properties]
        names = [alias for entry in listed for alias in entry.aliases]
        yield from _find_repeated(parsed_file, ("events", name), names)


def _find_repeated(
    parsed_file: ParsedCatalogueFile, place: Place, names: Sequence[str]
) -> Iterator[ConfigurationProblem]:
    for repeated in sorted({name for name in names if names.count(name) > 1}):
        fault = f"{place[-1]!r} takes {repeated!r} for two properties"
        yield parsed_file.file.build_problem(place, fault, "Give each alias to one property.")
