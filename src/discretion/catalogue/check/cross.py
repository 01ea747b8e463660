"""Cross checks between the entries of a catalogue: declared names, purposes, forms, retention and paths.

Each check yields problems and does not stop at the first one, so that one run reports them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from discretion.catalogue.check.computed import (
    check_computed_attributes,
    check_event_aliases,
    check_event_properties,
    check_property_members,
)
from discretion.catalogue.check.identifiers import (
    check_address_assurance,
    check_identifier_types,
    check_placeholders,
    check_source_assurance,
)
from discretion.catalogue.check.imports import check_imports
from discretion.catalogue.check.money import check_distinct_events, check_money
from discretion.catalogue.check.numbers import check_numbers
from discretion.catalogue.check.recipients import check_recipients
from discretion.catalogue.check.sources import check_source_consent, check_sources, check_supply_places
from discretion.catalogue.duration import parse_duration
from discretion.catalogue.entry import AttributeEntry, EventEntry, Uses
from discretion.catalogue.model import Channel, Form, Sensitivity, ValueType
from discretion.catalogue.nearest_name import suggest_name
from discretion.catalogue.parsed_file import ParsedCatalogue, ParsedCatalogueFile
from discretion.catalogue.problem import ConfigurationProblem
from discretion.catalogue.taxonomy import load_taxonomy
from discretion.catalogue.yaml_file import Place

COARSE_TYPES = frozenset(
    {ValueType.DATE, ValueType.DATETIME, ValueType.MONEY, ValueType.INT, ValueType.FLOAT}
)
"""Types with a coarse form: age band, month or magnitude."""

COARSE_CATEGORIES = frozenset({"user.contact.address.postal_code"})
"""Text categories whose prefix is less precise than the whole value: the first digits of a postal code name a
region. For other texts a prefix is only a shorter text."""

_NAMED_SECTIONS = (
    "purposes",
    "groups",
    "objects",
    "attributes",
    "identifiers",
    "placeholders",
    "sources",
    "properties",
    "events",
    "sensitive",
    "recipients",
    "imports",
)
_GRAPHQL_NAME = re.compile(r"(?!__)[_A-Za-z][_0-9A-Za-z]*")  # GraphQL, October 2021, section 2.1.9
_DURATION_ADVICE = "It takes an ISO 8601 duration, such as P3Y, P13M or P90D"


def check_catalogue(parsed_files: Sequence[ParsedCatalogueFile]) -> Iterator[ConfigurationProblem]:
    """Yield all problems between the entries of a catalogue."""
    parsed_catalogue = ParsedCatalogue(parsed_files)
    for check_section in _CHECKS:
        yield from check_section(parsed_catalogue)


def _check_names_unique(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    for section in _NAMED_SECTIONS:
        first_files: dict[str, ParsedCatalogueFile] = {}
        for parsed_file, name, _ in parsed_catalogue.iterate_entries(section):
            if (first_file := first_files.setdefault(name, parsed_file)) is not parsed_file:
                other_place = f"{first_file.file.path.name}:{first_file.file.find_line((section, name))}"
                yield parsed_file.file.build_problem(
                    (section, name),
                    f"{name!r} is declared twice",
                    f"It is also in {other_place}; keep one of them.",
                )
    controller_files = [
        parsed_file for parsed_file in parsed_catalogue.parts if parsed_file.entries.controller is not None
    ]
    for parsed_file in controller_files[1:]:
        advice = f"It is also in {controller_files[0].file.path.name}; keep one of them."
        yield parsed_file.file.build_problem(("controller",), "'controller' is declared twice", advice)
    if not controller_files and parsed_catalogue.parts:
        file = parsed_catalogue.parts[0].file
        advice = "Add 'controller:' with the name of the controller (GDPR Art. 4(7)) to one file."
        yield ConfigurationProblem(file.path.parent, 1, "no file names a controller", advice)


def _check_purposes(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    retired_bits = {bit for parsed_file in parsed_catalogue.parts for bit in parsed_file.entries.retired}
    purpose_by_bit: dict[int, str] = {}
    for parsed_file, key, purpose in parsed_catalogue.iterate_entries("purposes"):
        if key not in load_taxonomy().uses:
            yield parsed_file.file.build_problem(
                ("purposes", key),
                f"{key!r} is not a Fideslang data use",
                suggest_name(key, load_taxonomy().uses),
            )
        place = ("purposes", key, "bit")
        # Customers still store permissions under a retired bit; a new purpose on it would inherit them.
        if purpose.bit in retired_bits:
            yield parsed_file.file.build_problem(
                place, f"bit {purpose.bit} is retired", "Take one that was never used."
            )
        if (other_purpose := purpose_by_bit.setdefault(purpose.bit, key)) != key:
            fault = f"bit {purpose.bit} of {key!r} is the bit of {other_purpose!r}"
            free_bit = next(
                (bit for bit in range(63) if bit > max(purpose_by_bit) and bit not in retired_bits), None
            )
            advice = "All 63 are taken." if free_bit is None else f"The next free one is {free_bit}."
            yield parsed_file.file.build_problem(place, fault, advice)
        for name in ("lasts", "retention"):
            yield from _check_duration(parsed_file, ("purposes", key, name), getattr(purpose, name))


def _check_uses(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    declared_purposes = parsed_catalogue.declared_names("purposes")
    for parsed_file in parsed_catalogue.parts:
        yield from _check_use_purposes(
            parsed_file, ("always",), parsed_file.entries.always, declared_purposes
        )
        yield from _check_use_purposes(
            parsed_file, ("defaults", "uses"), parsed_file.entries.defaults.uses, declared_purposes
        )
    shared_forms = {
        form
        for parsed_file in parsed_catalogue.parts
        for form, purposes in parsed_file.entries.always.items()
        if purposes
    }
    for section in ("attributes", "events"):
        for parsed_file, name, entry in parsed_catalogue.iterate_entries(section):
            yield from _check_use_purposes(
                parsed_file, (section, name, "uses"), entry.uses, declared_purposes
            )
            complete_entry = parsed_file.complete_entry(entry)
            forms = shared_forms | {
                form for form, purposes in (complete_entry.uses or {}).items() if purposes
            }
            # Data that no purpose needs must not be collected.
            if not forms:
                advice = "Add 'uses:' here or in the file's defaults (GDPR Art. 5(1)(b))."
                yield parsed_file.file.build_problem((section, name), f"{name} has no use", advice)
            for form in sorted(forms):
                if advice := _explain_unfit_form(form, complete_entry):
                    place = (section, name, "uses", form.value)
                    yield parsed_file.file.build_problem(place, f"{name} cannot be shown {form}", advice)


def _check_use_purposes(
    parsed_file: ParsedCatalogueFile, place: Place, uses: Uses | None, declared_purposes: set[str]
) -> Iterator[ConfigurationProblem]:
    form_by_purpose: dict[str, Form] = {}
    for form, purposes in (uses or {}).items():
        for index, purpose in enumerate(purposes):
            purpose_place = (*place, form.value, index)
            if purpose not in declared_purposes:
                fault = f"{purpose!r} is not a purpose of this catalogue"
                yield parsed_file.file.build_problem(
                    purpose_place, fault, suggest_name(purpose, declared_purposes)
                )
            if purpose in form_by_purpose:
                fault = f"{purpose!r} is listed under {form_by_purpose[purpose]} and {form}"
                yield parsed_file.file.build_problem(purpose_place, fault, "List it under one form, once.")
            form_by_purpose[purpose] = form


def _explain_unfit_form(form: Form, entry: AttributeEntry | EventEntry) -> str:
    """Return advice if an entry cannot be shown in a form, else the empty string."""
    if form is Form.CLEAR:
        return ""
    if isinstance(entry, EventEntry):
        return (
            ""
            if form is Form.COARSE
            else "An event takes clear, or coarse for the bare fact that it happened."
        )
    if form is Form.COARSE:
        if entry.type in COARSE_TYPES or entry.category in COARSE_CATEGORIES:
            return ""
        types = ", ".join(sorted(COARSE_TYPES))
        return f"Coarse is for {types} and for {', '.join(COARSE_CATEGORIES)}."
    return "" if entry.type is ValueType.STRING else f"Only a String is {form}; this is {entry.type}."


def _check_categories(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    for section in ("attributes", "identifiers", "properties", "events"):
        for parsed_file, name, entry in parsed_catalogue.iterate_entries(section):
            if entry.category not in load_taxonomy().categories:
                fault = f"{entry.category!r} is not a Fideslang data category"
                advice = suggest_name(entry.category, load_taxonomy().categories)
                yield parsed_file.file.build_problem((section, name, "category"), fault, advice)
    for parsed_file, kind, categories in parsed_catalogue.iterate_entries("sensitive"):
        for index, category in enumerate(categories):
            if category not in load_taxonomy().categories:
                fault = f"{category!r} is not a Fideslang data category"
                yield parsed_file.file.build_problem(
                    ("sensitive", kind, index), fault, suggest_name(category, load_taxonomy().categories)
                )


def _check_retention(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    for parsed_file in parsed_catalogue.parts:
        yield from _check_duration(
            parsed_file, ("defaults", "retention"), parsed_file.entries.defaults.retention
        )
        for section in ("attributes", "events"):
            for name, entry in getattr(parsed_file.entries, section).items():
                yield from _check_duration(parsed_file, (section, name, "retention"), entry.retention)
                if parsed_file.complete_entry(entry).retention is None:
                    advice = f"Add 'retention:' here or in the file's defaults. {_DURATION_ADVICE}."
                    yield parsed_file.file.build_problem((section, name), f"{name} has no retention", advice)
                if entry.channels == []:
                    advice = f"It takes some of {', '.join(Channel)}; leave the key out for all."
                    yield parsed_file.file.build_problem(
                        (section, name, "channels"), f"{name} has no channel", advice
                    )


def _check_duration(
    parsed_file: ParsedCatalogueFile, place: Place, text: str | None
) -> Iterator[ConfigurationProblem]:
    if text is None:
        return
    try:
        parse_duration(text)
    except ValueError as error:
        yield parsed_file.file.build_problem(
            place, f"{place[-1]} {text!r} is {error}", f"{_DURATION_ADVICE}."
        )


def _check_paths(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    groups, paths, objects = (
        parsed_catalogue.declared_names("groups"),
        parsed_catalogue.declared_names("attributes"),
        parsed_catalogue.declared_names("objects"),
    )
    for section in ("attributes", "objects"):
        for parsed_file, path, _ in parsed_catalogue.iterate_entries(section):
            group, *inner_steps = path.split(".")
            place = (section, path)
            max_inner_steps = 2 if section == "attributes" else 1
            if not 1 <= len(inner_steps) <= max_inner_steps or not all(
                map(_GRAPHQL_NAME.fullmatch, inner_steps)
            ):
                form = "group.name or group.object.name" if max_inner_steps == 2 else "group.name"
                advice = f"It takes {form}, in letters, digits and '_'."
                yield parsed_file.file.build_problem(place, f"{path!r} is not a path", advice)
            elif group not in groups:
                yield parsed_file.file.build_problem(
                    place, f"{group!r} is not a group", suggest_name(group, groups)
                )
            if section == "attributes" and (
                path in objects or any(attribute_path.startswith(path + ".") for attribute_path in paths)
            ):
                yield parsed_file.file.build_problem(
                    place, f"{path!r} is also an object", "Give one of them another name."
                )
    for section, section_noun in (("groups", "group"), ("objects", "object")):
        for parsed_file, name, _ in parsed_catalogue.iterate_entries(section):
            if section == "groups" and not _GRAPHQL_NAME.fullmatch(name):
                fault = f"{name!r} is not a name GraphQL can have"
                yield parsed_file.file.build_problem(
                    (section, name), fault, "It takes letters, digits and '_'."
                )
            elif not any(path.startswith(name + ".") for path in paths):
                fault = f"{section_noun} {name!r} has no attribute"
                advice = f"Add one, such as {name + '.name'!r}, or remove the {section_noun}."
                yield parsed_file.file.build_problem((section, name), fault, advice)


def _check_attributes(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    identifiers = parsed_catalogue.declared_names("identifiers")
    for parsed_file, path, entry in parsed_catalogue.iterate_completed("attributes"):
        for key, fault, advice in _find_attribute_faults(
            entry, identifiers, parsed_catalogue.find_sensitive_kinds(entry.category)
        ):
            yield parsed_file.file.build_problem(("attributes", path, key), f"{path} {fault}", advice)


def _find_attribute_faults(
    entry: AttributeEntry, identifiers: set[str], kinds: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    """Yield what contradicts itself in one attribute.

    Yields: the key at fault, the fault, and the advice.
    """
    is_open = entry.sealed is False
    # An index over ciphertext has no useful order.
    if entry.ordered and (entry.many or not is_open):
        yield (
            "ordered",
            "is ordered, but cannot be sorted by",
            "Only a single open value can be sorted by; remove 'ordered'.",
        )
    if entry.filtered and (entry.many or not is_open):
        yield (
            "filtered",
            "has an index for filters, but cannot be filtered by",
            "Only a single open value can be filtered by; remove 'filtered'.",
        )
    if entry.identifier is not None:
        if entry.identifier not in identifiers:
            fault = f"is the unknown identifier type {entry.identifier!r}"
            yield "identifier", fault, suggest_name(entry.identifier, identifiers)
        if entry.type is not ValueType.STRING or entry.many:
            yield "type", "is an identifier, but not a single String", "Make it a String, without 'many'."
        # In clear, an identifier would link the pseudonymous documents of the database to the person.
        if is_open:
            yield "sealed", "is an identifier, but not sealed", "Make it 'sealed: true'."
    if kinds and is_open:
        fault = f"is {' and '.join(kinds)} data, which laws protect, but is not sealed"
        yield "sealed", fault, "Make it 'sealed: true'."
    elif entry.sensitivity is Sensitivity.SPECIAL and is_open:
        yield "sealed", "is special (GDPR Art. 9), but not sealed", "Make it 'sealed: true'."
    if entry.values and entry.type is not ValueType.STRING:
        yield "values", f"has values and is {entry.type}", "Only a String can have values; remove them."
    if len(set(entry.values)) < len(entry.values):
        yield "values", "lists a value twice", "List each once."


_CHECKS: Iterable[Callable[[ParsedCatalogue], Iterator[ConfigurationProblem]]] = (
    _check_names_unique,
    _check_purposes,
    _check_uses,
    _check_categories,
    _check_retention,
    _check_paths,
    _check_attributes,
    check_numbers,
    check_supply_places,
    check_sources,
    check_recipients,
    check_computed_attributes,
    check_event_properties,
    check_property_members,
    check_event_aliases,
    check_identifier_types,
    check_placeholders,
    check_address_assurance,
    check_source_assurance,
    check_source_consent,
    check_imports,
    check_money,
    check_distinct_events,
)
