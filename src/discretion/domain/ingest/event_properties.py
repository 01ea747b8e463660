"""Parsing of the properties of an event into stored form, as the catalogue declares them."""

from __future__ import annotations

from collections.abc import Mapping

from discretion.catalogue.exchange_rates import MoneyRules
from discretion.catalogue.model import EventProperty, EventType, ValueType
from discretion.catalogue.money import find_currency
from discretion.domain.ingest.message import ReceivedEvent
from discretion.domain.ingest.rejection import LeftOut, MessageRejected
from discretion.domain.ingest.value_parsing import WrongType, parse_value
from discretion.seal.redacted import Redacted

ParsedEvent = tuple[ReceivedEvent | None, list[LeftOut], int]
"""An event, what was left out of it, and the number of properties that the catalogue does not declare."""


def parse_properties(
    rules: MoneyRules, event_type: EventType, raw_properties: dict[str, object], place_prefix: str
) -> ParsedEvent:
    """Parse the declared properties of an event; the others are removed from it and counted.

    Amounts are in the currency that the event states, else in the declared one. If it states one that does
    not exist, its amounts are of no known value, so they are left out with it.

    Raises:
        MessageRejected: ``PROPERTY_MISSING``, ``TYPE_WRONG``, ``CURRENCY_UNKNOWN``; a property that the event
            needs is missing or wrong.
    """
    properties: dict[str, object] = {}
    left_out: list[LeftOut] = []
    currency, fault = _read_currency(rules, raw_properties, place_prefix)
    for declared in event_type.properties:
        value = raw_properties.pop(declared.name, None)
        place = f"{place_prefix}.{declared.name}"
        if value is None or value == "":
            if declared.required:
                raise MessageRejected("PROPERTY_MISSING", f"{event_type.key} needs it.", place)
            continue
        is_denominated = declared.type is ValueType.MONEY or declared.name == rules.stated_by
        problem = fault if is_denominated else None
        if problem is None:
            try:
                properties[declared.name] = _parse_property(rules, event_type, declared, value, currency)
            except WrongType as type_error:
                problem = LeftOut(place, "TYPE_WRONG", f"It takes {type_error.expected}.")
        if problem is not None:
            if declared.required:
                raise MessageRejected(problem.code, problem.reason, problem.place) from None
            left_out.append(LeftOut(place, problem.code, problem.reason))
    undeclared = sum(1 for value in raw_properties.values() if value is not None)
    return ReceivedEvent(event_type, Redacted(properties)), left_out, undeclared


def _read_currency(
    rules: MoneyRules, raw_properties: Mapping[str, object], place_prefix: str
) -> tuple[str, LeftOut | None]:
    """Return the code of the currency of an event's amounts, and what is wrong with it."""
    stated = raw_properties.get(rules.stated_by)
    if stated is None or stated == "":
        return rules.currency, None
    currency = find_currency(stated)
    if currency is not None:
        return currency, None
    place = f"{place_prefix}.{rules.stated_by}"
    return "", LeftOut(place, "CURRENCY_UNKNOWN", "It takes a currency of ISO 4217, such as EUR.")


def _parse_property(
    rules: MoneyRules, event_type: EventType, declared: EventProperty, value: object, currency: str
) -> object:
    if declared.name == rules.stated_by:
        return currency
    stored = parse_value(declared.type, value, many=declared.many, currency=currency)
    if declared.type is not ValueType.MONEY:
        return stored
    # With its currency, which an erasure of a category may take away from the event.
    if isinstance(stored, list):
        return [_denominate(event_type, amount, currency) for amount in stored]
    return _denominate(event_type, stored, currency)


def _denominate(event_type: EventType, amount: object, currency: str) -> list[object]:
    """Return the stored form of a property's amount: minor units and currency."""
    assert isinstance(amount, int)
    return [abs(amount) if event_type.unsigned else amount, currency]
