"""Load ``schema/catalogue/*.yaml`` into a ``Catalogue``, or report all problems of the files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

from discretion.catalogue.attribute_register import RegisteredAttribute, extend_register
from discretion.catalogue.check.cross import check_catalogue
from discretion.catalogue.check.money import DISTINCT_FOLDS, is_distinct
from discretion.catalogue.check.numbers import read_register
from discretion.catalogue.check.sources import list_trait_places
from discretion.catalogue.computation import Computation
from discretion.catalogue.correction_authority import Correctable
from discretion.catalogue.entry import (
    AttributeEntry,
    ComputedEntry,
    EventEntry,
    ExchangeRatesEntry,
    IdentifierEntry,
    MemberEntry,
    PlaceholderEntry,
    PropertyEntry,
    PurposeEntry,
    RecipientEntry,
    SourceEntry,
    Uses,
)
from discretion.catalogue.event_names import list_event_names
from discretion.catalogue.exchange_rates import NO_RATES, ExchangeRates, MoneyRules
from discretion.catalogue.identifier_type import IdentifierType
from discretion.catalogue.import_mapping import ImportMapping, build_import_mapping
from discretion.catalogue.model import (
    Attribute,
    AttributeGroup,
    Catalogue,
    Channel,
    EventProperty,
    EventType,
    Form,
    Purpose,
    Sensitivity,
    Source,
    Use,
)
from discretion.catalogue.parsed_file import ParsedCatalogue, ParsedCatalogueFile, parse_catalogue_file
from discretion.catalogue.problem import ConfigurationProblem
from discretion.catalogue.recipient import Recipient
from discretion.catalogue.source_consent import SetAside, SourceConsent
from discretion.catalogue.yaml_file import read_yaml_folder
from discretion.errors import Misconfigured

VERSION_LENGTH = 16
"""Hexadecimal digits of SHA-256 in a version; 64 bits are enough to tell catalogues apart."""


def load_catalogue(folder: Path | None = None) -> Catalogue:
    """Load the catalogue in ``folder``, or the shipped one.

    Raises:
        Misconfigured: ``CATALOGUE_INVALID``; the message has one line for each problem, in the form
            ``file:line: fault. Advice``.
    """
    files, problems = read_yaml_folder(find_shipped_catalogue() if folder is None else folder)
    all_readable = not problems
    parsed_files: list[ParsedCatalogueFile] = []
    for file in files:
        parsed_file, shape_problems = parse_catalogue_file(file)
        parsed_files.append(parsed_file)
        problems += shape_problems
    if all_readable:  # Else every name that an unreadable file declares would be reported as undeclared.
        problems += check_catalogue(parsed_files)
    if problems:
        raise _build_catalogue_error(problems)
    return _build_catalogue(ParsedCatalogue(parsed_files))


def find_shipped_catalogue() -> Path:
    """Return the folder of the shipped catalogue: in the installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_schema" / "catalogue"
    return installed if installed.is_dir() else package.parents[1] / "schema" / "catalogue"


def _build_catalogue_error(problems: Sequence[ConfigurationProblem]) -> Misconfigured:
    lines = [str(problem) for problem in sorted(set(problems))]
    return Misconfigured("CATALOGUE_INVALID", "\n".join(["The catalogue is not valid:", *lines]))


def _build_catalogue(parsed_catalogue: ParsedCatalogue) -> Catalogue:
    purposes = {
        key: _build_purpose(key, entry) for _, key, entry in parsed_catalogue.iterate_entries("purposes")
    }
    attributes = _build_attributes(parsed_catalogue, purposes)
    placeholders = [entry for _, _, entry in parsed_catalogue.iterate_entries("placeholders")]
    groups = {
        key: AttributeGroup(key, description)
        for _, key, description in parsed_catalogue.iterate_entries("groups")
    }
    sections: dict[str, Mapping[str, Any]] = {
        "purposes": purposes,
        "groups": groups,
        "attributes": {
            path: attribute
            for group in groups
            for path, attribute in attributes.items()
            if attribute.group == group
        },
        "identifiers": {
            key: _build_identifier_type(key, entry, placeholders)
            for _, key, entry in parsed_catalogue.iterate_entries("identifiers")
        },
        "sources": {
            key: _build_source(key, entry) for _, key, entry in parsed_catalogue.iterate_entries("sources")
        },
        "events": _build_events(parsed_catalogue, purposes, attributes.values()),
        "objects": {
            path: description for _, path, description in parsed_catalogue.iterate_entries("objects")
        },
        "recipients": {
            key: _build_recipient(key, entry)
            for _, key, entry in parsed_catalogue.iterate_entries("recipients")
        },
        "sensitive": {
            kind: tuple(categories) for _, kind, categories in parsed_catalogue.iterate_entries("sensitive")
        },
    }
    controllers = (parsed_file.entries.controller for parsed_file in parsed_catalogue.parts)
    controller = next(controller for controller in controllers if controller)
    frozen = {name: MappingProxyType(section) for name, section in sections.items()}
    money = _build_money_rules(parsed_catalogue)
    return Catalogue(
        version=_compute_version([controller, asdict(money)], sections),
        controller=controller,
        register=_build_register(parsed_catalogue, attributes),
        money=money,
        event_names=MappingProxyType(list_event_names(sections["events"].values())),
        imports=_build_imports(parsed_catalogue),
        **frozen,
    )


def _build_imports(parsed_catalogue: ParsedCatalogue) -> Mapping[str, ImportMapping]:
    # They have no effect on the version: a mapping says how files are read, and not what is permitted.
    entries = parsed_catalogue.iterate_entries("imports")
    return MappingProxyType({key: build_import_mapping(key, entry) for _, key, entry in entries})


def _build_attributes(
    parsed_catalogue: ParsedCatalogue, purposes: Mapping[str, Purpose]
) -> dict[str, Attribute]:
    shared_uses = [parsed_file.entries.always for parsed_file in parsed_catalogue.parts]
    events = {name: entry for _, name, entry in parsed_catalogue.iterate_entries("events")}
    return {
        path: _build_attribute(
            path,
            entry,
            _build_uses([entry.uses or {}, *shared_uses], purposes),
            parsed_catalogue.find_sensitive_kinds(entry.category),
            events,
            purposes,
        )
        for _, path, entry in parsed_catalogue.iterate_completed("attributes")
    }


def _build_events(
    parsed_catalogue: ParsedCatalogue, purposes: Mapping[str, Purpose], attributes: Iterable[Attribute]
) -> dict[str, EventType]:
    shared_uses = [parsed_file.entries.always for parsed_file in parsed_catalogue.parts]
    always = [key for file in shared_uses for key in file.get(Form.CLEAR, ())]
    properties = {
        name: _build_property(name, entry, purposes, always)
        for _, name, entry in parsed_catalogue.iterate_entries("properties")
    }
    return {
        key: replace(
            _build_event_type(
                key, entry, _build_uses([entry.uses or {}, *shared_uses], purposes), properties
            ),
            kinds=parsed_catalogue.find_sensitive_kinds(entry.category),
            keys=_list_keys(attributes, key),
        )
        for _, key, entry in parsed_catalogue.iterate_completed("events")
    }


def _build_money_rules(parsed_catalogue: ParsedCatalogue) -> MoneyRules:
    files = [parsed_file.entries for parsed_file in parsed_catalogue.parts]
    rules = next((file.money for file in files if file.money is not None), None)
    table = next((file.exchange_rates for file in files if file.exchange_rates is not None), None)
    rates = NO_RATES if table is None else _build_exchange_rates(table)
    return MoneyRules(rates=rates) if rules is None else MoneyRules(rules.currency, rules.stated_by, rates)


def _build_exchange_rates(entry: ExchangeRatesEntry) -> ExchangeRates:
    days = sorted(entry.rates)
    return ExchangeRates(
        entry.base,
        entry.source,
        tuple(int(datetime.combine(day, time(), UTC).timestamp() * 1000) for day in days),
        tuple({code: Fraction(rate) for code, rate in entry.rates[day].items()} for day in days),
    )


def _build_register(
    parsed_catalogue: ParsedCatalogue, attributes: Mapping[str, Attribute]
) -> Mapping[int, RegisteredAttribute]:
    declared = [attribute.registered for attribute in attributes.values()]
    return MappingProxyType(extend_register(read_register(parsed_catalogue), declared))


def _build_purpose(key: str, entry: PurposeEntry) -> Purpose:
    durations = {"lasts": entry.lasts or "", "retention": entry.retention or ""}
    return Purpose(key=key, **{**entry.model_dump(), **durations})


def _build_uses(all_uses: Sequence[Uses], purposes: Mapping[str, Purpose]) -> tuple[Use, ...]:
    """Return uses in the order of their bits; an entry's own form for a purpose overrides the shared one."""
    # Later entries of a dict win: shared uses first, the entry's own uses last.
    form_by_purpose = {
        key: form for uses in reversed(all_uses) for form, keys in uses.items() for key in keys
    }
    resolved_uses = (Use(purposes[key], form) for key, form in form_by_purpose.items())
    return tuple(sorted(resolved_uses, key=lambda use: use.purpose.bit))


def _build_attribute(
    path: str,
    entry: AttributeEntry,
    uses: tuple[Use, ...],
    kinds: tuple[str, ...],
    events: Mapping[str, EventEntry],
    purposes: Mapping[str, Purpose],
) -> Attribute:
    computed = _build_computation(entry.computed, events) if entry.computed else None
    allowed_channels = [Channel(computed.channel)] if computed and computed.channel else entry.channels
    return Attribute(
        path=path,
        number=entry.number or 0,  # never 0: the checks refuse an attribute without a number
        type=entry.type,
        category=entry.category,
        description=entry.description,
        uses=uses,
        retention=entry.retention or "",
        # Sealed unless the file says otherwise: a forgotten key must not leave a value readable.
        sealed=entry.sealed is not False,
        many=entry.many,
        sensitivity=entry.sensitivity or Sensitivity.MEDIUM,
        identifier=entry.identifier,
        assurance=tuple(
            (required.weakest_rank, sum(1 << purposes[key].bit for key in set(keys)))
            for required, keys in sorted(entry.assurance.items())
        ),
        channels=frozenset(allowed_channels or Channel),
        controller=entry.controller or "",
        traits=list_trait_places(path, entry),
        context=tuple(entry.context),
        values=tuple(entry.values),
        ordered=entry.ordered,
        filtered=entry.filtered,
        precedence=tuple(entry.precedence),
        computed=computed,
        currency=entry.currency or "",
        kinds=kinds,
        correctable=Correctable.NEVER if computed else entry.correctable or Correctable.EVIDENCE,
    )


def _build_source(key: str, entry: SourceEntry) -> Source:
    ids = {consent_id: tuple(nodes) for consent_id, nodes in entry.consent.ids.items()}
    set_aside = tuple(SetAside(**item.model_dump()) for item in entry.consent.set_aside)
    consent = SourceConsent(entry.consent.repeated_under_login, ids, set_aside)
    return Source(key=key, **entry.model_dump(exclude={"consent"}), consent=consent)


def _build_identifier_type(
    key: str, entry: IdentifierEntry, placeholders: Sequence[PlaceholderEntry]
) -> IdentifierType:
    blocked = (*entry.blocked, *_list_placeholder_patterns(entry.normalise, placeholders))
    tuple_fields = {"blocked": blocked, "context": tuple(entry.context)}
    return IdentifierType(key=key, **{**entry.model_dump(), **tuple_fields})


def _list_placeholder_patterns(normalise: str, placeholders: Sequence[PlaceholderEntry]) -> Iterator[str]:
    """Yield what is blocked for every type of id; a phone number in E.164 is no such text."""
    is_token = normalise == "token"
    counted = [entry for entry in placeholders if is_token or (normalise == "email" and entry.addresses)]
    # One expression for all of them: every id of every message is compared with it.
    patterns = "|".join(pattern for entry in counted for pattern in entry.patterns)
    if patterns:
        yield f"""["'`]?(?:{patterns})["'`]?""" if is_token else f"(?:{patterns})@.*"


def _build_recipient(key: str, entry: RecipientEntry) -> Recipient:
    tuple_fields = {"purposes": tuple(entry.purposes), "clients": tuple(entry.clients)}
    return Recipient(key=key, **{**entry.model_dump(), **tuple_fields})


def _build_computation(entry: ComputedEntry, events: Mapping[str, EventEntry]) -> Computation:
    return Computation(
        fold=entry.fold,
        events=tuple(entry.events),
        property=entry.property or "",
        channel=entry.channel,
        is_distinct=entry.fold in DISTINCT_FOLDS
        and (entry.key is not None or is_distinct(entry.events, events)),
        key=entry.key or "",
        less=tuple(entry.less),
        without=tuple(entry.without),
        converts=entry.converts,
    )


def _build_event_type(
    key: str, entry: EventEntry, uses: tuple[Use, ...], properties: Mapping[str, EventProperty]
) -> EventType:
    required_properties = [replace(properties[name], required=True) for name in entry.required]
    return EventType(
        key=key,
        description=entry.description,
        category=entry.category,
        uses=uses,
        retention=entry.retention or "",
        channels=frozenset(entry.channels or Channel),
        properties=(*required_properties, *(properties[name] for name in entry.properties)),
        enrols=entry.enrols,
        distinct_by=tuple(tuple(names) for names in entry.distinct_by),
        unsigned=entry.unsigned,
        aliases=tuple(entry.aliases),
    )


def _list_keys(attributes: Iterable[Attribute], event: str) -> tuple[str, ...]:
    rules = [attribute.computed for attribute in attributes if attribute.computed is not None]
    keys = {rule.key for rule in rules if event in (*rule.events, *rule.less, *rule.without)}
    return tuple(sorted(keys - {""}))


def _build_property(
    name: str, entry: MemberEntry, purposes: Mapping[str, Purpose], always: Sequence[str]
) -> EventProperty:
    # A property with purposes of its own is also seen by those that see everything.
    keys = {*entry.purposes, *always} if entry.purposes else ()
    uses = [Use(purposes[key], Form.CLEAR) for key in keys]
    members = entry.members if isinstance(entry, PropertyEntry) else {}
    return EventProperty(
        name=name,
        type=entry.type,
        description=entry.description,
        category=entry.category,
        many=isinstance(entry, PropertyEntry) and entry.many,
        uses=tuple(sorted(uses, key=lambda use: use.purpose.bit)),
        aliases=tuple(entry.aliases),
        members=tuple(
            _build_property(member_name, member, purposes, always) for member_name, member in members.items()
        ),
    )


def _compute_version(shared: object, sections: Mapping[str, Mapping[str, Any]]) -> str:
    # `asdict` puts field names into the digest: renaming a field of these classes changes every catalogue's
    # version.
    meaning = {
        name: {
            key: entry if isinstance(entry, str | tuple) else asdict(entry) for key, entry in section.items()
        }
        for name, section in sections.items()
    }
    canonical = json.dumps([shared, meaning], sort_keys=True, separators=(",", ":"), default=_encode_value)
    return hashlib.sha256(canonical.encode()).hexdigest()[:VERSION_LENGTH]


def _encode_value(value: Any) -> object:
    return str(value) if isinstance(value, Fraction | date) else sorted(value)
