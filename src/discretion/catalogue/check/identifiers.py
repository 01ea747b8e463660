"""Cross checks of identifier types, and of what sources may assert about them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.check.sources import list_trait_places
from discretion.catalogue.duration import parse_duration
from discretion.catalogue.entry import IdentifierEntry
from discretion.catalogue.identifier_type import is_sendable
from discretion.catalogue.model import Channel, ValueType
from discretion.catalogue.nearest_name import suggest_name
from discretion.catalogue.parsed_file import ParsedCatalogue
from discretion.catalogue.problem import ConfigurationProblem

NORMALISATIONS = frozenset({"email", "e164", "token"})
"""Rules of ``seal/normalisation.py``; a test compares the two."""

Fault = tuple[str, str, str]
"""The key at fault, the fault, and the advice."""


def check_identifier_types(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report rules of identifier types that make no sense, and sources with ids of unknown types."""
    declared_types = parsed_catalogue.declared_names("identifiers")
    boolean_traits = {
        trait
        for _, path, entry in parsed_catalogue.iterate_completed("attributes")
        if entry.type is ValueType.BOOLEAN
        for trait in list_trait_places(path, entry)
    }
    for parsed_file, name, entry in parsed_catalogue.iterate_entries("identifiers"):
        if entry.normalise not in NORMALISATIONS:
            fault, advice = (
                f"{entry.normalise!r} is not a rule",
                suggest_name(entry.normalise, NORMALISATIONS),
            )
            yield parsed_file.file.build_problem(("identifiers", name, "normalise"), fault, advice)
        for key, fault, advice in (
            *_find_pattern_faults("blocked", entry.blocked),
            *_find_number_faults(entry),
            *_find_address_faults(entry, boolean_traits),
        ):
            yield parsed_file.file.build_problem(("identifiers", name, key), f"{name} {fault}", advice)
    for parsed_file, name, source in parsed_catalogue.iterate_entries("sources"):
        for key, type_name in (("user_id", source.user_id), ("anonymous_id", source.anonymous_id)):
            if type_name not in declared_types:
                fault = f"{key} of {name!r} is the unknown identifier type {type_name!r}"
                yield parsed_file.file.build_problem(
                    ("sources", name, key), fault, suggest_name(type_name, declared_types)
                )


def check_address_assurance(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report an assurance of an attribute without addresses, or for a purpose that does not use them."""
    addresses = {
        name for _, name, entry in parsed_catalogue.iterate_entries("identifiers") if entry.verified_by
    }
    for parsed_file, path, entry in parsed_catalogue.iterate_completed("attributes"):
        place = ("attributes", path, "assurance")
        if entry.assurance and entry.identifier not in addresses:
            advice = "Only an address needs one: its identifier type has 'verified_by'."
            yield parsed_file.file.build_problem(place, f"{path} is no address and has 'assurance'", advice)
        used = {purpose for purposes in (entry.uses or {}).values() for purpose in purposes}
        for required, purposes in entry.assurance.items():
            for purpose in purposes:
                if purpose not in used:
                    fault = f"{path} needs an assurance for {purpose!r}, which does not use it"
                    yield parsed_file.file.build_problem(
                        (*place, required.value), fault, suggest_name(purpose, used)
                    )


def check_source_assurance(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report assurances of types that are unknown, that the source never sends, or that nobody can prove."""
    declared_types = parsed_catalogue.declared_names("identifiers")
    channels_by_type: dict[str, list[Collection[Channel]]] = {}
    for _, _, attribute in parsed_catalogue.iterate_completed("attributes"):
        if attribute.identifier is not None:
            channels_by_type.setdefault(attribute.identifier, []).append(attribute.channels or tuple(Channel))
    anonymous_types = {source.anonymous_id for _, _, source in parsed_catalogue.iterate_entries("sources")}
    for parsed_file, name, source in parsed_catalogue.iterate_entries("sources"):
        for type_name, assurance in source.assurance.items():
            place = ("sources", name, "assurance", type_name)
            own_types = (source.user_id, source.anonymous_id)
            if type_name not in declared_types:
                fault = f"assurance of {name!r} names the unknown identifier type {type_name!r}"
                yield parsed_file.file.build_problem(place, fault, suggest_name(type_name, declared_types))
            elif not is_sendable(type_name, own_types, source.channel, channels_by_type.get(type_name, ())):
                fault = f"{name!r} never sends {type_name!r}"
                advice = f"Let an attribute of channel {source.channel} supply it, or remove it."
                yield parsed_file.file.build_problem(place, fault, advice)
            elif assurance is Assurance.PROVEN and type_name in anonymous_types:
                fault = f"{name!r} cannot prove {type_name!r}, which identifies a device and no person"
                yield parsed_file.file.build_problem(place, fault, "Make it 'presented'.")


def check_placeholders(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report patterns of placeholders that are no regular expressions."""
    for parsed_file, name, entry in parsed_catalogue.iterate_entries("placeholders"):
        for key, fault, advice in _find_pattern_faults("patterns", entry.patterns):
            yield parsed_file.file.build_problem(("placeholders", name, key), f"{name} {fault}", advice)


def _find_pattern_faults(key: str, patterns: Iterable[str]) -> Iterator[Fault]:
    # Compiled here, because an invalid pattern would otherwise fail at the first message with an id.
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            fault = f"blocks {pattern!r}, which is no regular expression ({error})"
            yield key, fault, "Write a valid one."


def _find_number_faults(entry: IdentifierEntry) -> Iterator[Fault]:
    if entry.most is not None and not entry.number:
        advice = "Only account and loyalty numbers are counted; add 'number: true', or remove it."
        yield "most", "has 'most' and is no number", advice
    if entry.number and "shared_by" in entry.model_fields_set:
        yield "shared_by", "is a number and has 'shared_by'", "A number belongs to one person; remove it."
    if entry.number and entry.verified_by is not None:
        advice = "The source's own login proves a number; remove one of the two."
        yield "verified_by", "is a number and has 'verified_by'", advice


def _find_address_faults(entry: IdentifierEntry, boolean_traits: Collection[str]) -> Iterator[Fault]:
    if entry.verified_by is not None and entry.verified_by not in boolean_traits:
        fault = f"is verified by {entry.verified_by!r}, which is no trait of a Boolean attribute"
        yield "verified_by", fault, suggest_name(entry.verified_by, boolean_traits)
    if entry.young is None:
        return
    if entry.verified_by is None:
        advice = "Codes prove only addresses; add 'verified_by', or remove it."
        yield "young", "has 'young' without 'verified_by'", advice
    yield from _find_duration_faults("young", entry.young)


def _find_duration_faults(key: str, duration: str) -> Iterator[Fault]:
    try:
        parse_duration(duration)
    except ValueError:
        yield key, f"has the invalid {key!r} {duration!r}", "It takes an ISO 8601 duration, such as P7D."
