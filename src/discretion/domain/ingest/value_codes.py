"""Countries, languages and birth dates: whatever spelling a sender uses, one value is stored.

The rule follows from the data category of an attribute. Countries are stored as ISO 3166-1 alpha-2, their
parts as ISO 3166-2, languages as BCP 47 tags. The names and the aliases of codes are those of Unicode CLDR,
through the library Babel.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import MappingProxyType

from babel import localedata
from babel.core import get_global, parse_locale

from discretion.catalogue.model import Attribute
from discretion.domain.ingest.value_parsing import WrongType
from discretion.law.place_index import fold_name
from discretion.store.document import OpenValue

COUNTRY_CATEGORY = "user.contact.address.country"
LANGUAGE_CATEGORY = "user.demographic.language"
BIRTH_DATE_CATEGORY = "user.demographic.date_of_birth"

MAX_AGE_YEARS = 125
"""The longest human life that was verified is of 122 years (Jeanne Calment, 1875 to 1997)."""

NAME_LANGUAGES = (
    *("en", "bg", "cs", "da", "de", "el", "es", "et", "fi", "fr", "ga", "hr", "hu", "it", "lt", "lv"),
    *("mt", "nl", "pl", "pt", "ro", "sk", "sl", "sv", "af", "hi", "ja", "nb", "ru", "tr", "uk", "zh"),
)
"""Languages whose names of countries and languages are understood: those of the EU, of places with a law in
the lawbook, and of some neighbours. Those of all locales would take 134 MB."""

_COUNTRY_CODE = re.compile(r"[A-Z]{2}|[A-Z]{3}|[0-9]{3}")
_COUNTRY_PART = re.compile(r"([A-Z]{2})[-_ ]([A-Z0-9]{1,3})")
_NO_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
"""Groups of countries, test regions and the unknown region, which CLDR has among its regions."""

_NO_LANGUAGES = frozenset({"mis", "mul", "root", "und", "zxx"})
_COMMON_NAMES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("america", "u.s.", "u.s.a.", "united states of america", "vereinigte staaten von amerika"), "US"
        ),
        **dict.fromkeys(("england", "great britain", "scotland", "wales", "northern ireland", "u.k."), "GB"),
        **dict.fromkeys(("grossbritannien",), "GB"),
        **dict.fromkeys(("el", "hellas"), "GR"),
        **dict.fromkeys(("holland", "the netherlands"), "NL"),
        **dict.fromkeys(("czech republic", "tschechische republik"), "CZ"),
        **dict.fromkeys(("republic of ireland", "eire"), "IE"),
        **dict.fromkeys(("russian federation",), "RU"),
        **dict.fromkeys(("bundesrepublik deutschland", "brd", "federal republic of germany"), "DE"),
    }
)
"""Names in use that CLDR does not have, by their folded form."""


def find_country(text: str) -> str | None:
    """Return the country that a code or a name stands for, as ISO 3166-1 alpha-2; None if there is none."""
    if text in _list_countries():
        return text
    code = text.strip().upper()
    if _COUNTRY_CODE.fullmatch(code):
        replacements = get_global("territory_aliases").get(code, (code,))
        if len(replacements) == 1 and replacements[0] in _list_countries():
            return str(replacements[0])
    folded_name = fold_name(text)
    return _COMMON_NAMES.get(folded_name) or _read_names("territories", _list_countries()).get(folded_name)


def find_place(text: str) -> str | None:
    """Return the country, or the part of one such as ``US-TX``, that a text stands for."""
    if text in _list_countries():
        return text
    part = _COUNTRY_PART.fullmatch(text.strip().upper())
    country = find_country(text if part is None else part[1])
    return country if part is None or country is None else f"{country}-{part[2]}"


def find_language(text: str) -> str | None:
    """Return the BCP 47 tag of a language: of a tag, of a POSIX locale, of a header, or of a name."""
    if _is_plain_tag(text):
        return text
    tag = re.split(r"[,;]", text, maxsplit=1)[0].strip().replace("-", "_")
    try:
        language, country, script, *_ = parse_locale(tag)
    except ValueError:
        return _read_names("languages", _list_languages()).get(fold_name(text))
    alias = get_global("language_aliases").get(language, language)
    language, _, alias_script = alias.partition("_")
    if language not in _list_languages():
        return _read_names("languages", _list_languages()).get(fold_name(text))
    script = script or alias_script
    place = country if country is None or country.isdigit() else find_country(country)
    if country is not None and place is None:
        return None
    return "-".join(part for part in (language, script, place) if part)


def _is_plain_tag(text: str) -> bool:
    language, separator, country = text.partition("-")
    return (
        language in _list_languages()
        and language not in get_global("language_aliases")
        and (not separator or country in _list_countries())
    )


def check_birth_date(day: str, now_ms: int) -> bool:
    """Return whether somebody who lives now may have been born on a day; today is read in all time zones."""
    latest = (datetime.fromtimestamp(now_ms / 1000, UTC) + timedelta(hours=14)).date()
    born = date.fromisoformat(day)
    return born <= latest and latest.year - born.year <= MAX_AGE_YEARS


def convert_to_code(category: str, value: OpenValue, now_ms: int) -> OpenValue:
    """Return the value of an attribute of a data category as it is stored.

    Args:
        category: The data category.
        value: The value, of its declared type.
        now_ms: When the message was received (ms since 1970).

    Raises:
        WrongType: It is no country, no language, or nobody's birth date.
    """
    if category == BIRTH_DATE_CATEGORY and isinstance(value, str) and not check_birth_date(value, now_ms):
        raise WrongType(f"the birth date of somebody alive, of at most {MAX_AGE_YEARS} years")
    if category not in _FINDERS:
        return value
    return (
        [_find_code(category, item) for item in value]
        if isinstance(value, list)
        else _find_code(category, value)
    )


def read_operand(attribute: Attribute, value: str) -> str:
    """Return what a filter on an attribute compares: the stored spelling of a value, if it has one."""
    if attribute.values:
        return match_declared(attribute.values, value) or value
    finder = _FINDERS.get(attribute.category)
    return value if finder is None else finder[0](value) or value


def match_declared(declared: Sequence[str], text: str) -> str | None:
    """Return the declared value that a text is, whatever its case."""
    folded_text = text.strip().casefold()
    return next((value for value in declared if value.casefold() == folded_text), None)


def _find_code(category: str, value: object) -> str:
    find, expected = _FINDERS[category]
    code = find(value) if isinstance(value, str) else None
    if code is None:
        raise WrongType(expected)
    return code


_FINDERS: Mapping[str, tuple[Callable[[str], str | None], str]] = MappingProxyType(
    {
        COUNTRY_CATEGORY: (find_place, "a country, such as DE, or a part of one, such as US-TX"),
        LANGUAGE_CATEGORY: (find_language, "a language, such as de or pt-BR"),
    }
)


@cache
def _list_countries() -> frozenset[str]:
    names = localedata.load("en")["territories"]
    return frozenset(code for code in names if len(code) == 2) - _NO_COUNTRIES


@cache
def _list_languages() -> frozenset[str]:
    return frozenset(code for code in localedata.load("en")["languages"] if "_" not in code) - _NO_LANGUAGES


@cache
def _read_names(section: str, codes: frozenset[str]) -> Mapping[str, str]:
    """Return codes by folded name in all languages; a name of two things is none of them."""
    codes_by_name: dict[str, set[str]] = {}
    for language in NAME_LANGUAGES:
        for code, name in _iterate_names(language, section):
            if code in codes:
                codes_by_name.setdefault(fold_name(name), set()).add(code)
    return MappingProxyType(
        {name: next(iter(named)) for name, named in codes_by_name.items() if len(named) == 1}
    )


def _iterate_names(language: str, section: str) -> Iterable[tuple[str, str]]:
    names: Mapping[str, str] = localedata.load(language, merge_inherited=False).get(section, {})
    return names.items()
