"""Extraction of attribute values from the traits and the context of a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from discretion.catalogue.model import Attribute, Catalogue, Source
from discretion.domain.ingest.json_path import find_first_value, flatten_traits
from discretion.domain.ingest.message import ExternalIdentifier
from discretion.domain.ingest.rejection import MessageRejected
from discretion.domain.ingest.value_parsing import WrongType, parse_value
from discretion.seal.normalisation import NORMALISATION_RULES, SPELLING_RULES
from discretion.seal.redacted import Redacted
from discretion.store.document import OpenValue


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """An attribute's value in stored form; ``identifier`` is set if the attribute is also an identifier."""

    attribute: Attribute
    value: Redacted[OpenValue]
    identifier: ExternalIdentifier | None = None


def extract_attributes(
    catalogue: Catalogue, source: Source, traits: Mapping[str, object], context: Mapping[str, object]
) -> tuple[list[AttributeValue], int]:
    """Extract the values of attributes that the source's channel supplies; a trait wins over the context.

    A trait of the wrong type refuses the message, because the sender wrote it. A context value that does not
    fit is dropped and counted, because an SDK filled it in.

    Returns:
        The values, and the number of traits and context values that were dropped.

    Raises:
        MessageRejected: ``TYPE_WRONG``, ``VALUE_UNDECLARED``, ``IDENTIFIER_INVALID``.
    """
    unread_traits = dict(flatten_traits(traits))
    region = read_phone_region(traits)
    values: list[AttributeValue] = []
    misfits = 0
    supply = catalogue.supply_by_channel[source.channel]
    supplied_indexes = supply.in_context.union(
        supply.by_trait[trait] for trait in unread_traits.keys() & supply.by_trait.keys()
    )
    for index in sorted(supplied_indexes):
        attribute = supply.attributes[index]
        place = next((trait for trait in attribute.traits if trait in unread_traits), None)
        raw_value = None if place is None else unread_traits.pop(place)
        if raw_value is not None:
            values.append(parse_attribute_value(catalogue, attribute, raw_value, region, f"traits.{place}"))
            continue
        place_and_value = find_first_value(context, attribute.context)
        if place_and_value is None:
            continue
        place, raw_value = place_and_value
        try:
            values.append(parse_attribute_value(catalogue, attribute, raw_value, region, f"context.{place}"))
        except MessageRejected:
            misfits += 1
    return values, misfits + sum(1 for unread_value in unread_traits.values() if unread_value is not None)


def read_phone_region(traits: Mapping[str, object]) -> str | None:
    """Return the country (ISO 3166-1 alpha-2) whose national notation phone numbers are read in, or None."""
    address = traits.get("address")
    country = address.get("country") if isinstance(address, dict) else None
    return country if isinstance(country, str) and len(country) == 2 else None


def parse_attribute_value(
    catalogue: Catalogue, attribute: Attribute, raw_value: object, region: str | None, place: str
) -> AttributeValue:
    """Parse one attribute's value into stored form; ``place`` is its path in the message, for error reports.

    Raises:
        MessageRejected: ``TYPE_WRONG``, ``VALUE_UNDECLARED``, ``IDENTIFIER_INVALID``.
    """
    value = _parse_stored_value(attribute, raw_value, place)
    if attribute.identifier is None:
        return AttributeValue(attribute, Redacted(value))
    rule = catalogue.identifiers[attribute.identifier].normalise
    # A message goes to the address as its owner spells it, and an extension is dialled, but neither links.
    spelling = SPELLING_RULES[rule](str(value), region)
    if spelling is None:
        raise MessageRejected("IDENTIFIER_INVALID", f"It is not a valid {attribute.identifier}.", place)
    normalised = NORMALISATION_RULES[rule](str(value), region)
    identifier = (
        None
        if normalised is None
        else ExternalIdentifier(attribute.identifier, Redacted(normalised), is_stated=True)
    )
    return AttributeValue(attribute, Redacted(spelling), identifier)


def _parse_stored_value(attribute: Attribute, raw_value: object, place: str) -> OpenValue:
    try:
        value = parse_value(attribute.type, raw_value, many=attribute.many)
    except WrongType as type_error:
        raise MessageRejected("TYPE_WRONG", f"It takes {type_error.expected}.", place) from None
    if attribute.values:
        for item in value if isinstance(value, list) else [value]:
            if item not in attribute.values:
                raise MessageRejected(
                    "VALUE_UNDECLARED", f"It is one of {', '.join(attribute.values)}.", place
                )
    return value
