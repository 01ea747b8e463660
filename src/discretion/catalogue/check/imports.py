"""Cross checks of imports: whatever a row fills must be declared, and open to the import's source."""

from __future__ import annotations

import codecs
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.check.import_cells import (
    FLAG_TARGET,
    TEXT_TARGET,
    TIME_TARGET,
    CellTarget,
    Fault,
    find_cell_faults,
)
from discretion.catalogue.check.sources import list_trait_places
from discretion.catalogue.entry import EventEntry, SourceEntry
from discretion.catalogue.identifier_type import is_sendable
from discretion.catalogue.import_entry import (
    ImportedEventEntry,
    ImportedIdentifierEntry,
    ImportedStatementEntry,
    ImportEntry,
)
from discretion.catalogue.model import Channel
from discretion.catalogue.nearest_name import suggest_name
from discretion.catalogue.parsed_file import ParsedCatalogue
from discretion.catalogue.problem import ConfigurationProblem
from discretion.catalogue.yaml_file import Place

STATEMENT_METHODS = ("explicit_click", "gpc", "gpp", "tcf", "import", "agent", "guardian", "source")
"""The values of ``store.consent_event.StatementMethod``; a test compares the two."""

DECIMAL_MARKS = (".", ",")


def check_imports(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report imports that name something undeclared, that identify nobody, or that fill nothing."""
    targets = _Targets.collect(parsed_catalogue)
    for parsed_file, key, entry in parsed_catalogue.iterate_entries("imports"):
        for place, fault, advice in _find_mapping_faults(key, entry, targets):
            yield parsed_file.file.build_problem(("imports", key, *place), fault, advice)


@dataclass(frozen=True, slots=True)
class _Targets:
    """What rows may fill: sources, traits by channel, identifier types, events, properties and purposes."""

    sources: Mapping[str, SourceEntry]
    source_names: set[str]
    traits: Mapping[Channel, Mapping[str, CellTarget]]
    identifier_channels: Mapping[str, Sequence[Collection[Channel]]]
    events: Mapping[str, EventEntry]
    event_names: set[str]
    properties: Mapping[str, Any]
    purposes: set[str]

    @classmethod
    def collect(cls, parsed_catalogue: ParsedCatalogue) -> _Targets:
        traits: dict[Channel, dict[str, CellTarget]] = {channel: {} for channel in Channel}
        channels: dict[str, list[Collection[Channel]]] = {
            name: [] for name in parsed_catalogue.declared_names("identifiers")
        }
        for _, path, entry in parsed_catalogue.iterate_completed("attributes"):
            for channel in entry.channels or Channel:
                target = CellTarget(entry.type, entry.many)
                traits[channel] |= dict.fromkeys(list_trait_places(path, entry), target)
            if entry.identifier in channels:
                channels[entry.identifier].append(entry.channels or tuple(Channel))
        return cls(
            sources={name: entry for _, name, entry in parsed_catalogue.iterate_entries("sources")},
            source_names=parsed_catalogue.declared_names("sources"),
            traits=traits,
            identifier_channels=channels,
            events={name: entry for _, name, entry in parsed_catalogue.iterate_completed("events")},
            event_names=parsed_catalogue.declared_names("events"),
            properties={name: entry for _, name, entry in parsed_catalogue.iterate_entries("properties")},
            purposes=parsed_catalogue.declared_names("purposes"),
        )


def _find_mapping_faults(key: str, entry: ImportEntry, targets: _Targets) -> Iterator[Fault]:
    source = targets.sources.get(entry.source)
    if entry.source not in targets.source_names:
        fault = f"{entry.source!r} is not a source of this catalogue"
        yield ("source",), fault, suggest_name(entry.source, targets.source_names)
    if entry.user_id is None and entry.anonymous_id is None:
        yield (), f"{key} names nobody", "Add 'user_id' or 'anonymous_id', which name the row's person."
    if not (entry.traits or entry.identifiers or entry.events or entry.statements):
        yield (), f"{key} fills nothing", "Add 'traits', 'identifiers', 'events' or 'statements'."
    yield from find_cell_faults(("time",), entry.time, TIME_TARGET)
    yield from find_cell_faults(("user_id",), entry.user_id, TEXT_TARGET)
    yield from find_cell_faults(("anonymous_id",), entry.anonymous_id, TEXT_TARGET)
    yield from _find_file_faults(entry)
    yield from _find_identifier_faults(entry, source, targets)
    if source is not None:
        yield from _find_trait_faults(entry, source, targets)
    if entry.events and not entry.key:
        advice = "Add it: the columns that make a row the same row, so that an event counts once."
        yield ("events",), f"{key} has events and no 'key'", advice
    for name, event in entry.events.items():
        yield from _find_event_faults(name, event, source, targets)
    for index, statement in enumerate(entry.statements):
        yield from _find_statement_faults(("statements", index), statement, source, targets)


def _find_file_faults(entry: ImportEntry) -> Iterator[Fault]:
    try:
        ZoneInfo(entry.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield ("zone",), f"{entry.zone!r} is not a time zone", "It takes a name such as Europe/Berlin."
    try:
        codecs.lookup(entry.encoding)
    except LookupError:
        yield (
            ("encoding",),
            f"{entry.encoding!r} is not an encoding",
            "It takes a name such as utf-8 or cp1252.",
        )
    if entry.decimal not in DECIMAL_MARKS:
        yield ("decimal",), f"decimal is {entry.decimal!r}", "It takes . or ,"
    if len(entry.delimiter) != 1:
        yield ("delimiter",), f"delimiter is {entry.delimiter!r}", "It takes one character, such as ;"


def _find_identifier_faults(
    entry: ImportEntry, source: SourceEntry | None, targets: _Targets
) -> Iterator[Fault]:
    for name, identifier in entry.identifiers.items():
        place: Place = ("identifiers", name)
        yield from find_cell_faults(place, identifier, TEXT_TARGET)
        if name not in targets.identifier_channels:
            fault = f"{name!r} is not an identifier type of this catalogue"
            yield place, fault, suggest_name(name, targets.identifier_channels)
        elif source is not None:
            yield from _find_assertion_faults(name, identifier, entry.source, source, targets)


def _find_assertion_faults(
    name: str, identifier: ImportedIdentifierEntry, source_name: str, source: SourceEntry, targets: _Targets
) -> Iterator[Fault]:
    own_types = (source.user_id, source.anonymous_id)
    if not is_sendable(name, own_types, source.channel, targets.identifier_channels[name]):
        advice = f"Let an attribute of channel {source.channel} supply it, or remove it."
        yield ("identifiers", name), f"{source_name!r} never sends {name!r}", advice
        return
    limit = source.assurance.get(name, Assurance.CLAIMED)
    if identifier.assurance < limit:  # the smallest is the strongest
        fault = f"{source_name!r} may not assert that {name!r} is {identifier.assurance.label}"
        advice = f"Make it {limit.label}, or let 'assurance' of the source permit it."
        yield ("identifiers", name, "assurance"), fault, advice


def _find_trait_faults(entry: ImportEntry, source: SourceEntry, targets: _Targets) -> Iterator[Fault]:
    supplied = targets.traits[source.channel]
    for trait, cell in entry.traits.items():
        target = supplied.get(trait)
        if target is None:
            fault = f"{trait!r} is not a trait that {source.channel} supplies"
            yield ("traits", trait), fault, suggest_name(trait, supplied)
        else:
            yield from find_cell_faults(("traits", trait), cell, target)


def _find_event_faults(
    name: str, event: ImportedEventEntry, source: SourceEntry | None, targets: _Targets
) -> Iterator[Fault]:
    place: Place = ("events", name)
    yield from find_cell_faults((*place, "time"), event.time, TIME_TARGET)
    if name not in targets.event_names:
        fault = f"{name!r} is not an event of this catalogue"
        yield place, fault, suggest_name(name, targets.event_names)
    declared = targets.events.get(name)
    if declared is None:
        return
    if source is not None and source.channel not in (declared.channels or Channel):
        advice = f"It comes from {', '.join(sorted(declared.channels or ()))}."
        yield place, f"{name!r} never comes from {source.channel}", advice
    names = [*declared.required, *declared.properties]
    for required in declared.required:
        if required not in event.properties:
            advice = "Add it: the column that it comes from."
            yield (*place, "properties"), f"{name} has no {required!r}, which it always has", advice
    for property_name, cell in event.properties.items():
        property_place = (*place, "properties", property_name)
        if property_name not in names:
            fault = f"{property_name!r} is not a property of {name}"
            yield property_place, fault, suggest_name(property_name, names)
        elif (declared_property := targets.properties.get(property_name)) is not None:
            target = CellTarget(declared_property.type, declared_property.many)
            yield from find_cell_faults(property_place, cell, target)


def _find_statement_faults(
    place: Place, statement: ImportedStatementEntry, source: SourceEntry | None, targets: _Targets
) -> Iterator[Fault]:
    if not statement.purposes:
        yield (*place, "purposes"), "the statement is about no purpose", "Name at least one."
    for purpose, cell in statement.purposes.items():
        if not any(key == purpose or key.startswith(purpose + ".") for key in targets.purposes):
            fault = f"{purpose!r} is not a purpose of this catalogue"
            yield (*place, "purposes", purpose), fault, suggest_name(purpose, targets.purposes)
        yield from find_cell_faults((*place, "purposes", purpose), cell, FLAG_TARGET)
    yield from find_cell_faults((*place, "time"), statement.time, TIME_TARGET)
    yield from find_cell_faults((*place, "valid_until"), statement.valid_until, TIME_TARGET)
    yield from find_cell_faults((*place, "method"), statement.method, TEXT_TARGET)
    yield from find_cell_faults((*place, "guardian"), statement.guardian, TEXT_TARGET)
    stated_methods = [statement.method.value] if statement.method.value else statement.method.codes.values()
    for method in stated_methods:
        if method not in STATEMENT_METHODS:
            fault = f"{method!r} is not how a statement is made"
            yield (*place, "method"), fault, suggest_name(method, STATEMENT_METHODS)
    if statement.notice is not None:
        for name in ("version", "language", "sha256"):
            cell = getattr(statement.notice, name)
            yield from find_cell_faults((*place, "notice", name), cell, TEXT_TARGET)
    if statement.guardian is not None and source is not None and not source.guardians:
        advice = "Add 'guardians: true' to the source if it may, or remove it."
        yield (*place, "guardian"), "the source may not report choices of guardians", advice
