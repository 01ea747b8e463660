"""Cross checks of sources, and of the places in a tracking call that supply attributes and identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.entry import AttributeEntry, SourceEntry
from discretion.catalogue.model import Channel
from discretion.catalogue.nearest_name import suggest_name
from discretion.catalogue.parsed_file import ParsedCatalogue, ParsedCatalogueFile
from discretion.catalogue.problem import ConfigurationProblem
from discretion.catalogue.reserved_source import CORRECTION_SOURCE, RESERVED_SOURCES
from discretion.catalogue.yaml_file import Place

_DOTTED_PLACE = re.compile(r"[^.\s]+(\.[^.\s]+){0,4}")
_READ_ELSEWHERE = {
    "consent": "It holds consent choices, not attributes; remove it.",
    "context": "Remove the prefix 'context.'.",
    "externalIds": "They are read for every identifier type; remove it.",
    "traits": "Name it under 'traits', without the prefix 'traits.'.",
}
"""Top-level names that cannot hold an attribute's context place, each with the advice."""


def check_supply_places(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report context places that are malformed, and places that supply two attributes or identifier types."""
    yield from _check_attribute_places(parsed_catalogue)
    identifier_type_by_place: dict[str, str] = {}
    for parsed_file, kind, entry in parsed_catalogue.iterate_entries("identifiers"):
        yield from _check_context_places(parsed_file, ("identifiers", kind, "context"), kind, entry.context)
        for index, place in enumerate(entry.context):
            if (other_type := identifier_type_by_place.setdefault(place, kind)) != kind:
                fault = f"context {place!r} of {kind} is already {other_type}"
                advice = "Name another place in 'context'."
                yield parsed_file.file.build_problem(("identifiers", kind, "context", index), fault, advice)


def check_sources(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report sources with a reserved name, and attributes whose ``precedence`` names an unfit source."""
    for parsed_file, name, _ in parsed_catalogue.iterate_entries("sources"):
        if reservation := RESERVED_SOURCES.get(name):
            advice = f"It {reservation}; give the source another name."
            yield parsed_file.file.build_problem(
                ("sources", name), f"no source can be called {name!r}", advice
            )
    source_names = parsed_catalogue.declared_names("sources")
    # Only of valid entries: a source that is misshapen is reported once, and not for each `precedence` again.
    channel_by_source = {
        name: entry.channel for _, name, entry in parsed_catalogue.iterate_entries("sources")
    }
    for parsed_file, path, entry in parsed_catalogue.iterate_completed("attributes"):
        if entry.computed is not None and entry.precedence:
            fault = f"{path} is computed and has a precedence"
            yield parsed_file.file.build_problem(
                ("attributes", path, "precedence"), fault, "Remove one of the two."
            )
            continue
        for index, source in enumerate(entry.precedence):
            source_place = ("attributes", path, "precedence", index)
            if source == CORRECTION_SOURCE.key:
                yield parsed_file.file.build_problem(
                    source_place, f"{source!r} always has precedence", "Remove it."
                )
            elif source not in source_names:
                fault = f"{source!r} is not a source of this catalogue"
                yield parsed_file.file.build_problem(source_place, fault, suggest_name(source, source_names))
            elif source in entry.precedence[:index]:
                yield parsed_file.file.build_problem(
                    source_place, f"{path} names {source!r} twice", "Name each source once."
                )
            elif (source_channel := channel_by_source.get(source)) and source_channel not in (
                entry.channels or Channel
            ):
                advice = f"It comes from {', '.join(sorted(entry.channels or ()))}; remove {source!r}."
                yield parsed_file.file.build_problem(
                    source_place, f"{path} never comes from {source_channel}", advice
                )


def check_source_consent(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report consent ids of unknown purposes, and settings for logins of sources that have none."""
    purposes = parsed_catalogue.declared_names("purposes")
    nodes = {purpose[:end] for purpose in purposes for end in _list_node_ends(purpose)}
    for parsed_file, name, source in parsed_catalogue.iterate_entries("sources"):
        place: Place = ("sources", name, "consent")
        if not source.consent.repeated_under_login and not _has_logins(source):
            fault = f"{name!r} proves no {source.user_id}, so nobody is logged in there"
            advice = "Remove 'repeated_under_login'; its acceptances cover single records in any case."
            yield parsed_file.file.build_problem((*place, "repeated_under_login"), fault, advice)
        for index, item in enumerate(source.consent.set_aside):
            if item.first_day is not None and item.end_day is not None and item.end_day <= item.first_day:
                fault = f"the period that {name!r} sets aside ends before it begins"
                advice = "Write the first day after it under 'until'."
                yield parsed_file.file.build_problem((*place, "set_aside", index, "until"), fault, advice)
        for consent_id, targets in source.consent.ids.items():
            if not targets:
                fault = f"consent id {consent_id!r} of {name!r} has no purpose"
                advice = "Name the purposes that a yes to it accepts, or remove it."
                yield parsed_file.file.build_problem((*place, "ids", consent_id), fault, advice)
            for index, target in enumerate(targets):
                if target not in nodes:
                    fault = f"consent id {consent_id!r} of {name!r} names the unknown purpose {target!r}"
                    yield parsed_file.file.build_problem(
                        (*place, "ids", consent_id, index), fault, suggest_name(target, nodes)
                    )


def _list_node_ends(purpose: str) -> list[int]:
    return [match.start() for match in re.finditer(r"\.|$", purpose)]


def _has_logins(source: SourceEntry) -> bool:
    return source.assurance.get(source.user_id) is Assurance.PROVEN


def list_trait_places(path: str, entry: AttributeEntry) -> tuple[str, ...]:
    """Return the places in ``traits`` that supply an attribute: the declared ones, else its own name."""
    if entry.computed is not None:
        return ()
    return tuple(entry.traits) if entry.traits else (path.rpartition(".")[2],)


def _check_attribute_places(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    path_by_place: dict[tuple[str, Channel, str], str] = {}
    for parsed_file, path, entry in parsed_catalogue.iterate_completed("attributes"):
        attribute_place = ("attributes", path)
        if entry.computed is not None:
            for member in ("traits", "context"):
                if getattr(entry, member):
                    fault = f"{path} is computed and has {member}"
                    yield parsed_file.file.build_problem(
                        (*attribute_place, member), fault, "Remove one of the two."
                    )
            continue
        yield from _check_context_places(parsed_file, (*attribute_place, "context"), path, entry.context)
        # Per channel: two attributes may share a place if no channel supplies both.
        channels = entry.channels or Channel
        for member_noun, member, places in (
            ("trait", "traits", list_trait_places(path, entry)),
            ("context", "context", tuple(entry.context)),
        ):
            for place in places:
                occupying_paths = {
                    path_by_place.setdefault((member, channel, place), path) for channel in channels
                }
                for other_path in sorted(occupying_paths - {path}):
                    fault = f"{member_noun} {place!r} of {path} is already {other_path}"
                    advice = f"Name another place in {member!r}, or other channels."
                    yield parsed_file.file.build_problem((*attribute_place, member), fault, advice)


def _check_context_places(
    parsed_file: ParsedCatalogueFile, parent_place: Place, name: str, places: list[str]
) -> Iterator[ConfigurationProblem]:
    for index, place in enumerate(places):
        item_place = (*parent_place, index)
        if not _DOTTED_PLACE.fullmatch(place):
            fault = f"context {place!r} of {name} is not a place"
            yield parsed_file.file.build_problem(
                item_place, fault, "It takes up to five names with dots between, such as app.version."
            )
        elif advice := _READ_ELSEWHERE.get(place.partition(".")[0]):
            yield parsed_file.file.build_problem(
                item_place, f"context {place!r} of {name} cannot hold an attribute", advice
            )
