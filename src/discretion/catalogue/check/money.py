"""Cross checks of money: currencies, how events state them, exchange rates, and what counts once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from discretion.catalogue.computation import Fold
from discretion.catalogue.entry import AttributeEntry, EventEntry, ExchangeRatesEntry, PropertyEntry
from discretion.catalogue.model import ValueType
from discretion.catalogue.money import MINOR_UNITS
from discretion.catalogue.nearest_name import suggest_name
from discretion.catalogue.parsed_file import ParsedCatalogue, ParsedCatalogueFile
from discretion.catalogue.problem import ConfigurationProblem

KEYED_FOLDS = frozenset({Fold.COUNT, Fold.SUM})
"""Folds that may name a key of their own."""

DISTINCT_FOLDS = KEYED_FOLDS | {Fold.LAST, Fold.MOST_FREQUENT}
"""Folds that use an event once, however often it was sent. The first value and a set are the same anyway."""


def check_money(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report each unknown currency, and each section about money that is missing or declared twice."""
    for section in ("money", "exchange_rates"):
        parts = [part for part in parsed_catalogue.parts if getattr(part.entries, section) is not None]
        for part in parts[1:]:
            advice = f"It is also in {parts[0].file.path.name}; keep one of them."
            yield part.file.build_problem((section,), f"{section!r} is declared twice", advice)
    properties = {name: entry for _, name, entry in parsed_catalogue.iterate_entries("properties")}
    has_rules = False
    for part in parsed_catalogue.parts:
        if (rules := part.entries.money) is not None:
            has_rules = True
            yield from _check_currency(part, ("money", "currency"), rules.currency)
            stated_by = properties.get(rules.stated_by)
            if stated_by is None or stated_by.type is not ValueType.STRING or stated_by.many:
                texts = [name for name, entry in properties.items() if entry.type is ValueType.STRING]
                fault = f"{rules.stated_by!r} is not a property that is a single String"
                yield part.file.build_problem(
                    ("money", "stated_by"), fault, suggest_name(rules.stated_by, texts)
                )
        if (table := part.entries.exchange_rates) is not None:
            yield from _check_currency(part, ("exchange_rates", "base"), table.base)
            for day, rates in table.rates.items():
                for code in rates:
                    yield from _check_currency(part, ("exchange_rates", "rates", str(day)), code)
    for part, name, entry in parsed_catalogue.iterate_entries("properties"):
        if entry.type is ValueType.MONEY and not has_rules:
            advice = "Add 'money:' with 'currency' and 'stated_by' to one file."
            yield part.file.build_problem(("properties", name), f"{name} is Money of no currency", advice)
    yield from _check_attributes(parsed_catalogue)


def _check_currency(
    part: ParsedCatalogueFile, place: tuple[str, ...], code: str
) -> Iterator[ConfigurationProblem]:
    if code not in MINOR_UNITS:
        advice = suggest_name(code, MINOR_UNITS)
        yield part.file.build_problem(place, f"{code!r} is not a currency of ISO 4217", advice)


def _check_attributes(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    tables = [part.entries.exchange_rates for part in parsed_catalogue.parts if part.entries.exchange_rates]
    for part, path, entry in parsed_catalogue.iterate_completed("attributes"):
        if entry.currency is not None:
            yield from _check_currency(part, ("attributes", path, "currency"), entry.currency)
        if advice := _explain_unfit_currency(entry, tables):
            place = ("attributes", path)
            yield part.file.build_problem(place, f"{path} has no sound currency", advice)


def _explain_unfit_currency(entry: AttributeEntry, tables: list[ExchangeRatesEntry]) -> str:
    """Return advice if the currency of an attribute does not fit it, else the empty string."""
    rule = entry.computed
    if entry.type is not ValueType.MONEY:
        return "Only Money has a currency; remove 'currency'." if entry.currency is not None else ""
    if entry.many:
        if rule is None:
            return "Only a computed sum is a list of Money."
        return "" if entry.currency is None else "A list has every currency; remove 'currency'."
    if entry.currency is None:
        return "Add 'currency:', such as EUR. Amounts in others stand apart, or are converted."
    if rule is not None and rule.converts:
        convertible = {code for table in tables for rates in table.rates.values() for code in rates}
        if entry.currency not in convertible | {table.base for table in tables}:
            return "Add rates of its currency to 'exchange_rates:', or remove 'converts'."
    return ""


def check_distinct_events(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report what does not fit in ``distinct_by`` of events and in ``key``, ``less`` and ``without``."""
    properties = {name: entry for _, name, entry in parsed_catalogue.iterate_entries("properties")}
    events = {name: entry for _, name, entry in parsed_catalogue.iterate_entries("events")}
    for part, name, event in parsed_catalogue.iterate_entries("events"):
        carried = [*event.required, *event.properties]
        for index, names in enumerate(event.distinct_by):
            for property_name in names:
                if property_name not in carried:
                    place = ("events", name, "distinct_by", index)
                    fault = f"{name!r} has no property {property_name!r}"
                    yield part.file.build_problem(place, fault, suggest_name(property_name, carried))
    for part, path, entry in parsed_catalogue.iterate_completed("attributes"):
        if entry.computed is None:
            continue
        for key, advice in _find_key_faults(entry, events, properties):
            rule_place = ("attributes", path, "computed", key)
            yield part.file.build_problem(rule_place, f"{path} cannot be computed by this", advice)


def _find_key_faults(
    entry: AttributeEntry, events: Mapping[str, EventEntry], properties: Mapping[str, PropertyEntry]
) -> Iterator[tuple[str, str]]:
    """Yield the member of ``computed`` that is at fault, and advice."""
    rule = entry.computed
    assert rule is not None
    subtracted = (("less", rule.less), ("without", rule.without))
    for key, names in subtracted:
        if names and not rule.key:
            yield key, f"{key!r} needs a 'key' that says what belongs together."
        for name in names:
            if name not in events:
                yield key, suggest_name(name, events)
    if rule.less and rule.fold is not Fold.SUM:
        yield "less", "Only a sum can become less."
    if rule.converts and (entry.type is not ValueType.MONEY or entry.many):
        yield "converts", "Only a single sum of Money is converted."
    if rule.key is None:
        if entry.type is ValueType.MONEY and not is_distinct(rule.events, events):
            yield "fold", "Money adds up by a 'key', or over events with 'distinct_by': each order once."
        return
    if rule.fold not in KEYED_FOLDS:
        yield "key", "Only a count or a sum has a key."
    if not rule.events:
        yield "key", "Name the 'events' that carry the key."
    for name in (*rule.events, *rule.less, *rule.without):
        if name in events and rule.key not in events[name].required:
            yield "key", f"Make {rule.key!r} a required property of {name!r}."
    for name in rule.less:
        if name in events and rule.property not in [*events[name].required, *events[name].properties]:
            yield "less", f"{name!r} has no property {rule.property!r} to subtract."
    key_property = properties.get(rule.key)
    if key_property is not None and (key_property.many or key_property.type is not ValueType.STRING):
        yield "key", f"{rule.key!r} is not a single String."


def is_distinct(names: list[str], events: Mapping[str, EventEntry]) -> bool:
    """Return whether all of these events say what makes two of them the same one."""
    return bool(names) and all(name in events and events[name].distinct_by for name in names)
