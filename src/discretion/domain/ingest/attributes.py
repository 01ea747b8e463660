"""What a message tells about a person: attributes out of its traits and its context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Attribute, Catalogue, Source
from discretion.domain.ingest.identifiers import identifier
from discretion.domain.ingest.json_path import flat, pluck
from discretion.domain.ingest.message import Identifier
from discretion.domain.ingest.rejection import No
from discretion.domain.ingest.value_parsing import WrongType, store
from discretion.seal.redacted import Shut


@dataclass(frozen=True, slots=True)
class Told:
    """An attribute's value in stored form, and the identifier it is, if it is one."""

    attribute: Attribute
    value: Shut[Any]
    identifier: Identifier | None = None


def told(
    catalogue: Catalogue, source: Source, traits: Mapping[str, Any], context: Mapping[str, Any]
) -> tuple[list[Told], int]:
    """Every value that this source's channel supplies, and how many it does not; traits go first.

    A trait of the wrong type is what the sender said, and refuses the message. What an SDK fills
    into the context by itself and does not fit is dropped and counted.

    Raises:
        No: ``TYPE_WRONG``, ``VALUE_UNDECLARED``, ``IDENTIFIER_INVALID``.
    """
    left = dict(flat(traits))
    region = region_of(traits)
    found: list[Told] = []
    misfits = 0
    supply = catalogue.supplied[source.channel]
    spoken_of = supply.in_context.union(
        supply.by_trait[trait] for trait in left.keys() & supply.by_trait.keys()
    )
    for index in sorted(spoken_of):
        attribute = supply.attributes[index]
        place = next((trait for trait in attribute.traits if trait in left), None)
        given = None if place is None else left.pop(place)
        if given is not None:
            found.append(value_of(catalogue, attribute, given, region, f"traits.{place}"))
            continue
        seen = pluck(context, attribute.context)
        if seen is None:
            continue
        try:
            found.append(value_of(catalogue, attribute, seen[1], region, f"context.{seen[0]}"))
        except No:
            misfits += 1
    return found, misfits + sum(1 for value in left.values() if value is not None)


def region_of(traits: Mapping[str, Any]) -> str | None:
    """The country (ISO 3166-1 alpha-2) in whose notation phone numbers are written."""
    address = traits.get("address")
    country = address.get("country") if isinstance(address, dict) else None
    return country if isinstance(country, str) and len(country) == 2 else None


def value_of(catalogue: Catalogue, attribute: Attribute, given: Any, region: str | None, place: str) -> Told:
    """What is given of one attribute, in stored form; ``place`` is where it stood.

    Raises:
        No: as ``told``.
    """
    value = _stored(attribute, given, place)
    if attribute.identifier is None:
        return Told(attribute, Shut(value))
    known = identifier(catalogue, attribute.identifier, value, region, attribute.path)
    # A phone number is kept in E.164, an address as its owner spells it.
    rule = catalogue.identifiers[attribute.identifier].normalise
    return Told(attribute, known.value if rule == "e164" else Shut(value), known)


def _stored(attribute: Attribute, given: Any, place: str) -> Any:
    try:
        value = store(attribute.type, given, many=attribute.many)
    except WrongType as wrong:
        raise No("TYPE_WRONG", f"It takes {wrong.wanted}.", place) from None
    if attribute.values:
        for one in value if attribute.many else [value]:
            if one not in attribute.values:
                raise No("VALUE_UNDECLARED", f"It is one of {', '.join(attribute.values)}.", place)
    return value
