"""A place as an address or a network says it -> the jurisdiction that holds there.

Fails closed: a place that is not listed, a country that has several laws and no known region, and
words that contradict each other are ``unknown``, which is judged as the strictest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from discretion.law.model import UNKNOWN

CODE = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,3}))?")
"""ISO 3166-1 alpha-2, or ISO 3166-2."""

_NOWHERE = "?"
"""In place of a code, where a word is no place that is known."""


class Territory(NamedTuple):
    """Where one law holds, and what places there are called, by their codes."""

    key: str
    places: tuple[str, ...]
    without: tuple[str, ...]
    called: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Atlas:
    """Which jurisdiction holds where.

    ``keys`` has the codes of places with the key of the jurisdiction that holds there; ``unknown`` for
    parts of a country that its law leaves out. ``countries`` and ``regions`` (by the country they are
    in) have folded names with their codes. A country with several laws is no key: it alone says nothing.
    """

    keys: Mapping[str, str]
    countries: Mapping[str, str]
    regions: Mapping[tuple[str, str], str]


def atlas(territories: Iterable[Territory]) -> Atlas:
    """All territories on one map."""
    keys: dict[str, str] = {}
    countries: dict[str, str] = {}
    regions: dict[tuple[str, str], str] = {}
    for one in territories:
        keys |= dict.fromkeys(one.without, UNKNOWN) | dict.fromkeys(one.places, one.key)
        for code, names in one.called.items():
            country = code.partition("-")[0]
            for name in map(folded, names):
                if code == country:
                    countries[name] = code
                else:
                    regions[country, name] = code
    return Atlas(MappingProxyType(keys), MappingProxyType(countries), MappingProxyType(regions))


def find(at: Atlas, country: str | None, region: str | None = None) -> str:
    """The key of the jurisdiction of a country and a region, each a code or a name, in any case.

    ``US`` with ``California``, ``CA``, ``US-CA`` and ``us-ca`` alone are all ``us-ca``.
    """
    said = _country(at, country)
    land = said.partition("-")[0]
    told = _region(at, land, region)
    codes = {one for one in (said, told) if one}
    lands = {one.partition("-")[0] for one in codes}
    regions = codes - lands
    if len(lands) != 1 or len(regions) > 1:
        return UNKNOWN
    (land,) = lands
    code = regions.pop() if regions else land
    if code in at.keys:
        return at.keys[code]
    return at.keys.get(land, UNKNOWN)


def _country(at: Atlas, text: str | None) -> str:
    """The code that a text is or names; the empty string if it says nothing."""
    given = folded(text or "")
    if not given:
        return ""
    return at.countries.get(given) or (given.upper() if CODE.fullmatch(given.upper()) else _NOWHERE)


def _region(at: Atlas, country: str, text: str | None) -> str:
    """The code of a region of a country; the country's own where nobody lists the region."""
    given = folded(text or "")
    if not given:
        return ""
    if found := at.regions.get((country, given)):
        return found
    code = given.upper()
    if "-" in code and CODE.fullmatch(code):
        return code
    return f"{country}-{code}" if CODE.fullmatch(f"{country}-{code}") else country or _NOWHERE


def folded(text: str) -> str:
    """A name without its case, accents and spacing."""
    plain = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).casefold().split())
