"""Extraction of attribute values from the traits and the context of a message."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from discretion.catalogue.model import Attribute, Catalogue, Source
from discretion.domain.ingest.json_path import find_first_value
from discretion.domain.ingest.message import ExternalIdentifier
from discretion.domain.ingest.rejection import LeftOut, MessageRejected
from discretion.domain.ingest.value_codes import convert_to_code, find_country, match_declared
from discretion.domain.ingest.value_parsing import WrongType, parse_value
from discretion.seal.normalisation import READING_RULES
from discretion.seal.redacted import Redacted
from discretion.store.document import OpenValue

COUNTRY_TRAITS = ("address.country", "country")
"""The places whose country determines the national notation of phone numbers, declared or not."""


class AttributeValue(NamedTuple):
    """An attribute's value in stored form; ``identifier`` is set if the value is also an identifier.

    The value is None if the source states that it no longer has one.
    """

    attribute: Attribute
    value: Redacted[OpenValue | None]
    identifier: ExternalIdentifier | None = None


@dataclass(slots=True)
class ExtractedAttributes:
    """Attribute values of a message, what was left out, and how many undeclared values were dropped."""

    values: Sequence[AttributeValue]
    left_out: Sequence[LeftOut]
    dropped: int


_NO_ATTRIBUTES = ExtractedAttributes((), (), 0)


def extract_attributes(
    catalogue: Catalogue,
    source: Source,
    flat_traits: Mapping[str, object],
    context: Mapping[str, object],
    own_traits: Collection[str],
    region: str | None,
    received: int,
) -> ExtractedAttributes:
    """Extract the values of attributes that the source's channel supplies; a trait wins over the context.

    An empty text is no value. A null says that the source no longer has one: of the attribute, or of all
    attributes below an object that is null.

    Args:
        catalogue: The attributes.
        source: The sender.
        flat_traits: The traits of the message and those of its context, by dotted place.
        context: The context.
        own_traits: The names of the traits that the message itself has, for error reports.
        region: The country of national phone numbers.
        received: When the message was received (ms since 1970).
    """
    if not flat_traits and not context:  # as of many events
        return _NO_ATTRIBUTES
    unread_traits = dict(flat_traits)
    values: list[AttributeValue] = []
    left_out: list[LeftOut] = []
    supply = catalogue.supply_by_channel[source.channel]
    nulls = {trait for trait, value in unread_traits.items() if value is None}
    supplied_indexes = {supply.by_trait[trait] for trait in unread_traits if trait in supply.by_trait}
    if context:
        supplied_indexes |= supply.in_context
    if nulls:
        supplied_indexes |= {index for trait, index in supply.by_trait.items() if _is_below(trait, nulls)}
    for index in sorted(supplied_indexes):
        attribute = supply.attributes[index]
        value = None
        if (taken := _take_raw_value(attribute, unread_traits, context)) is not None:
            raw_value, name, is_trait = taken
            try:
                value = parse_attribute_value(catalogue, attribute, raw_value, "", region, received)
            except MessageRejected as rejection:
                place = _describe_place(name, own_traits, is_trait=is_trait)
                left_out.append(LeftOut(place, rejection.code, rejection.reason))
                continue
        if value is None and nulls and _is_removed(attribute, nulls):
            value = AttributeValue(attribute, Redacted(None))
        if value is not None:
            values.append(value)
    undeclared = sum(1 for unread_value in unread_traits.values() if unread_value is not None)
    return ExtractedAttributes(values, left_out, undeclared)


def _is_removed(attribute: Attribute, nulls: Collection[str]) -> bool:
    return any(trait in nulls or _is_below(trait, nulls) for trait in attribute.traits)


def _is_below(trait: str, nulls: Collection[str]) -> bool:
    """Return whether an object that contains a place is null."""
    steps = trait.split(".")
    return any(".".join(steps[:depth]) in nulls for depth in range(1, len(steps)))


def _take_raw_value(
    attribute: Attribute, unread_traits: dict[str, object], context: Mapping[str, object]
) -> tuple[object, str, bool] | None:
    """Return the first value that a message has for an attribute, its path, and whether that is a trait.

    Of several traits that name an attribute, those after the first value are not declared.
    """
    for trait in attribute.traits:
        raw_value = unread_traits.pop(trait, None)
        if raw_value is not None and raw_value != "":
            return raw_value, trait, True
    place_and_value = find_first_value(context, attribute.context)
    return None if place_and_value is None else (place_and_value[1], place_and_value[0], False)


def _describe_place(name: str, own_traits: Collection[str], *, is_trait: bool) -> str:
    """Return the path of a value in the message."""
    is_own_trait = is_trait and name.partition(".")[0] in own_traits
    prefix = "traits" if is_own_trait else "context.traits" if is_trait else "context"
    return f"{prefix}.{name}"


def read_phone_region(flat_traits: Mapping[str, object]) -> str | None:
    """Return the country (ISO 3166-1 alpha-2) whose national notation phone numbers are read in, or None."""
    for trait in COUNTRY_TRAITS:
        text = flat_traits.get(trait)
        if isinstance(text, str) and text:
            return find_country(text)
    return None


def parse_attribute_value(
    catalogue: Catalogue, attribute: Attribute, raw_value: object, place: str, region: str | None, now_ms: int
) -> AttributeValue:
    """Parse one attribute's value into stored form.

    Args:
        catalogue: The identifier types.
        attribute: The attribute.
        raw_value: The value as it was sent.
        place: Its path in the message, for error reports.
        region: The country of national phone numbers.
        now_ms: The time of receipt (ms since 1970).

    Raises:
        MessageRejected: ``TYPE_WRONG``, ``VALUE_UNDECLARED``, ``VALUE_INVALID``, ``IDENTIFIER_INVALID``.
    """
    value = _parse_stored_value(attribute, raw_value, place, now_ms)
    if attribute.identifier is None:
        return AttributeValue(attribute, Redacted(value))
    rule = catalogue.identifiers[attribute.identifier].normalise
    # A message goes to the address as its owner spells it, and an extension is dialled, but neither links.
    spelling, normalised = READING_RULES[rule](str(value), region)
    if spelling is None:
        raise MessageRejected("IDENTIFIER_INVALID", f"It is not a valid {attribute.identifier}.", place)
    identifier = (
        None
        if normalised is None
        else ExternalIdentifier(attribute.identifier, Redacted(normalised), is_stated=True)
    )
    return AttributeValue(attribute, Redacted(spelling), identifier)


def _parse_stored_value(attribute: Attribute, raw_value: object, place: str, now_ms: int) -> OpenValue:
    try:
        value = parse_value(attribute.type, raw_value, many=attribute.many, currency=attribute.currency)
    except WrongType as type_error:
        raise MessageRejected("TYPE_WRONG", f"It takes {type_error.expected}.", place) from None
    if attribute.values:
        return _require_declared(attribute.values, value, place)
    try:
        return convert_to_code(attribute.category, value, now_ms)
    except WrongType as type_error:
        raise MessageRejected("VALUE_INVALID", f"It takes {type_error.expected}.", place) from None


def _require_declared(declared: Sequence[str], value: OpenValue, place: str) -> OpenValue:
    """Return a value, or the values of a list, as the catalogue spells them."""
    matches = [
        match_declared(declared, str(item)) for item in (value if isinstance(value, list) else [value])
    ]
    found_values = [match for match in matches if match is not None]
    if len(found_values) < len(matches):
        raise MessageRejected("VALUE_UNDECLARED", f"It is one of {', '.join(declared)}.", place)
    return list(found_values) if isinstance(value, list) else found_values[0]
