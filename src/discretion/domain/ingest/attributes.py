"""Extraction of attribute values from the traits and the context of a message."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from discretion.catalogue.model import Attribute, Catalogue, Source
from discretion.domain.ingest.json_path import find_first_value, flatten_traits
from discretion.domain.ingest.message import ExternalIdentifier
from discretion.domain.ingest.rejection import LeftOut, MessageRejected
from discretion.domain.ingest.value_parsing import WrongType, parse_value
from discretion.seal.normalisation import NORMALISATION_RULES, SPELLING_RULES
from discretion.seal.redacted import Redacted
from discretion.store.document import OpenValue


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """An attribute's value in stored form; ``identifier`` is set if the value is also an identifier.

    The value is None if the source states that it no longer has one.
    """

    attribute: Attribute
    value: Redacted[OpenValue | None]
    identifier: ExternalIdentifier | None = None


@dataclass(frozen=True, slots=True)
class ExtractedAttributes:
    """Attribute values of a message, what was left out, and how many undeclared values were dropped."""

    values: list[AttributeValue]
    left_out: list[LeftOut]
    dropped: int


def extract_attributes(
    catalogue: Catalogue,
    source: Source,
    traits: Mapping[str, object],
    context: Mapping[str, object],
    own_traits: Collection[str],
) -> ExtractedAttributes:
    """Extract the values of attributes that the source's channel supplies; a trait wins over the context.

    An empty text is no value. A null says that the source no longer has one: of the attribute, or of all
    attributes below an object that is null.

    Args:
        catalogue: The attributes.
        source: The sender.
        traits: The traits of the message, and those of its context.
        context: The context.
        own_traits: The names of the traits that the message itself has, for error reports.
    """
    unread_traits = dict(flatten_traits(traits))
    region = read_phone_region(traits)
    extracted = ExtractedAttributes([], [], 0)
    supply = catalogue.supply_by_channel[source.channel]
    nulls = {trait for trait, value in unread_traits.items() if value is None}
    supplied_indexes = supply.in_context.union(
        supply.by_trait[trait] for trait in unread_traits.keys() & supply.by_trait.keys()
    )
    if nulls:
        supplied_indexes |= {index for trait, index in supply.by_trait.items() if _is_below(trait, nulls)}
    for index in sorted(supplied_indexes):
        attribute = supply.attributes[index]
        value = _extract_value(catalogue, attribute, unread_traits, context, own_traits, region, extracted)
        if value is None and any(trait in nulls or _is_below(trait, nulls) for trait in attribute.traits):
            value = AttributeValue(attribute, Redacted(None))
        if value is not None:
            extracted.values.append(value)
    undeclared = sum(1 for place, value in unread_traits.items() if value is not None)
    return replace(extracted, dropped=undeclared)


def _is_below(trait: str, nulls: Collection[str]) -> bool:
    """Return whether an object that contains a place is null."""
    steps = trait.split(".")
    return any(".".join(steps[:depth]) in nulls for depth in range(1, len(steps)))


def _extract_value(
    catalogue: Catalogue,
    attribute: Attribute,
    unread_traits: dict[str, object],
    context: Mapping[str, object],
    own_traits: Collection[str],
    region: str | None,
    extracted: ExtractedAttributes,
) -> AttributeValue | None:
    """Return the first value of an attribute that can be used; the others are left out.

    Of several traits that name an attribute, those after the first value are not declared.
    """
    for trait in attribute.traits:
        raw_value = unread_traits.pop(trait, None)
        if raw_value is None or raw_value == "":
            continue
        prefix = "traits" if trait.partition(".")[0] in own_traits else "context.traits"
        try:
            return parse_attribute_value(catalogue, attribute, raw_value, region, f"{prefix}.{trait}")
        except MessageRejected as rejection:
            extracted.left_out.append(rejection.leave_out())
            return None
    place_and_value = find_first_value(context, attribute.context)
    if place_and_value is None:
        return None
    place, raw_value = place_and_value
    try:
        return parse_attribute_value(catalogue, attribute, raw_value, region, f"context.{place}")
    except MessageRejected as rejection:
        extracted.left_out.append(rejection.leave_out())
        return None


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
