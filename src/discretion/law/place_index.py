"""The index from a place, as an address or an IP lookup gives it, to the jurisdiction that applies there.

The lookup fails closed: a place that is not listed, a country with several laws and no known region, and a
country and region that contradict each other are ``unknown``, which has the strictest rules.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from discretion.law.model import UNKNOWN

PLACE_CODE = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,3}))?")
"""A code of ISO 3166-1 alpha-2 or of ISO 3166-2."""

_UNKNOWN_PLACE = "?"
"""Stands for a code where a text names no known place."""


class Territory(NamedTuple):
    """The places where one law applies, the places it excludes, and the names of both by code."""

    jurisdiction_key: str
    places: tuple[str, ...]
    excluded_places: tuple[str, ...]
    names_by_code: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PlaceIndex:
    """Which jurisdiction applies where.

    Attributes:
        jurisdiction_by_code: The jurisdiction's key by place code; ``unknown`` for parts of a country that
            its law excludes. A country with several laws is not a key: its code alone decides nothing.
        code_by_country_name: Country codes by folded name.
        code_by_region_name: Region codes by country code and folded name.
    """

    jurisdiction_by_code: Mapping[str, str]
    code_by_country_name: Mapping[str, str]
    code_by_region_name: Mapping[tuple[str, str], str]


def build_place_index(territories: Iterable[Territory]) -> PlaceIndex:
    """Build the index from the territories of all jurisdictions, in any order."""
    territories = tuple(territories)
    jurisdiction_by_code = {
        place: UNKNOWN for territory in territories for place in territory.excluded_places
    }
    # After all of the excluded places: what one law excludes may be a place of another.
    jurisdiction_by_code |= {
        place: territory.jurisdiction_key for territory in territories for place in territory.places
    }
    code_by_country_name: dict[str, str] = {}
    code_by_region_name: dict[tuple[str, str], str] = {}
    for territory in territories:
        for code, names in territory.names_by_code.items():
            country = code.partition("-")[0]
            for name in map(fold_name, names):
                if code == country:
                    code_by_country_name[name] = code
                else:
                    code_by_region_name[country, name] = code
    return PlaceIndex(
        MappingProxyType(jurisdiction_by_code),
        MappingProxyType(code_by_country_name),
        MappingProxyType(code_by_region_name),
    )


def find_jurisdiction_key(place_index: PlaceIndex, country: str | None, region: str | None = None) -> str:
    """Return the key of the jurisdiction of a country and a region, each a code or a name in any case.

    ``US`` with ``California``, ``US`` with ``CA``, ``US-CA`` alone and ``us-ca`` alone all give ``us-ca``.
    """
    country_code = _find_country_code(place_index, country)
    region_code = _find_region_code(place_index, country_code.partition("-")[0], region)
    place_codes = {place_code for place_code in (country_code, region_code) if place_code}
    country_codes = {place_code.partition("-")[0] for place_code in place_codes}
    region_codes = place_codes - country_codes
    # Two countries, or two regions, contradict each other; neither is preferred, because either may be wrong.
    if len(country_codes) != 1 or len(region_codes) > 1:
        return UNKNOWN
    (only_country,) = country_codes
    code = region_codes.pop() if region_codes else only_country
    if code in place_index.jurisdiction_by_code:
        return place_index.jurisdiction_by_code[code]
    # A region without an entry has the law of its country, if the whole country has one law.
    return place_index.jurisdiction_by_code.get(only_country, UNKNOWN)


def _find_country_code(place_index: PlaceIndex, text: str | None) -> str:
    """Return the place code that a text is or names; the empty string for no text."""
    folded_text = fold_name(text or "")
    if not folded_text:
        return ""
    return place_index.code_by_country_name.get(folded_text) or (
        folded_text.upper() if PLACE_CODE.fullmatch(folded_text.upper()) else _UNKNOWN_PLACE
    )


def _find_region_code(place_index: PlaceIndex, country: str, text: str | None) -> str:
    """Return the code of a region in a country; the country's code for a region that is not listed."""
    folded_text = fold_name(text or "")
    if not folded_text:
        return ""
    if listed_code := place_index.code_by_region_name.get((country, folded_text)):
        return listed_code
    code = folded_text.upper()
    if "-" in code and PLACE_CODE.fullmatch(code):
        return code
    return f"{country}-{code}" if PLACE_CODE.fullmatch(f"{country}-{code}") else country or _UNKNOWN_PLACE


def fold_name(text: str) -> str:
    """Return a name without case, accents and repeated spaces, for comparison."""
    # Accents are separate characters in NFKD, so that they can be left out.
    decomposed = unicodedata.normalize("NFKD", text)
    return " ".join(
        "".join(character for character in decomposed if not unicodedata.combining(character))
        .casefold()
        .split()
    )
