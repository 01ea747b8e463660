"""Countries, languages, stores and unassigned phone numbers of generated customers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import yaml

from discretion.seeding.message import draw_fraction, find_seed_file, pick_choice

RESIDENCE_SHARES = (("US", 0.30), ("GB", 0.12), ("DE", 0.12), ("FR", 0.10), ("CA", 0.06))
"""Shares of five large markets. The other customers live in their country of birth in TPC-DS."""

LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "AT": ("de-AT",), "BE": ("nl-BE", "fr-BE"), "BR": ("pt-BR",), "CA": ("en-CA", "en-CA", "fr-CA"),
    "CH": ("de-CH", "de-CH", "fr-CH"), "CL": ("es-CL",), "CN": ("zh-CN",), "DE": ("de-DE",),
    "DK": ("da-DK",), "ES": ("es-ES",), "FI": ("fi-FI",), "FR": ("fr-FR",), "GB": ("en-GB",),
    "GR": ("el-GR",), "IT": ("it-IT",), "JP": ("ja-JP",), "KR": ("ko-KR",), "MX": ("es-MX",),
    "NL": ("nl-NL",), "NO": ("nb-NO",), "PL": ("pl-PL",), "PT": ("pt-PT",), "SE": ("sv-SE",),
    "TR": ("tr-TR",), "UA": ("uk-UA",), "US": ("en-US",) * 6 + ("es-US",),
}  # fmt: skip

STORES: Mapping[str, tuple[str, ...]] = {
    "US": ("sacramento", "denver", "boston", "austin"),
    "GB": ("manchester", "london-soho"),
    "DE": ("berlin-mitte", "hamburg", "koeln"),
    "FR": ("lyon", "paris-marais"),
    "CA": ("toronto", "montreal"),
}
OTHER_STORES = ("amsterdam", "singapore", "recife", "kanazawa")

TOWNS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "GB": (("Manchester", "M1 1AA", "Greater Manchester"), ("London", "W1D 3QF", "Greater London"),
           ("Cardiff", "CF10 1EP", "South Glamorgan"), ("Glasgow", "G1 1DU", "Lanarkshire")),
    "DE": (("Berlin", "10117", "Berlin"), ("Hamburg", "20095", "Hamburg"),
           ("Köln", "50667", "Nordrhein-Westfalen"), ("München", "80331", "Bayern")),
    "FR": (("Lyon", "69002", "Auvergne-Rhône-Alpes"), ("Paris", "75004", "Île-de-France"),
           ("Nantes", "44000", "Pays de la Loire")),
    "CA": (("Toronto", "M5V 2T6", "ON"), ("Montréal", "H2X 1Y4", "QC"), ("Halifax", "B3J 1S9", "NS")),
}  # fmt: skip
"""Town, postal code and region by country, for customers outside the US: TPC-DS has US addresses only."""


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """One number in two notations: E.164, and the national notation."""

    e164: str
    local: str


@cache
def load_country_codes() -> Mapping[str, str]:
    """Return the codes (ISO 3166-1 alpha-2) of countries by their names in TPC-DS."""
    country_codes: dict[str, str] = yaml.safe_load(find_seed_file("countries.yaml").read_text("utf-8"))
    return country_codes


def pick_residence(person: object, birth_country: str | None) -> str:
    """Return the country of residence (ISO 3166-1 alpha-2)."""
    remaining = draw_fraction("residence", person)
    for country, share in RESIDENCE_SHARES:
        if remaining < share:
            return country
        remaining -= share
    return load_country_codes()[birth_country] if birth_country else "US"


def pick_language(person: object, country: str) -> str:
    """Return the preferred language of a customer (BCP 47)."""
    return pick_choice(LANGUAGES.get(country, ("en",)), "language", person)


def pick_store(visit: object, person: object, country: str) -> str:
    """Return the store of a purchase: the customer's usual one, in a fifth of cases any of the country."""
    stores = STORES.get(country, OTHER_STORES)
    return pick_choice(stores, "store", visit if draw_fraction("away", visit) < 0.2 else person)


class PhoneNumberPool:
    """Gives out numbers, each once. All are in ranges that regulators reserve for works of fiction."""

    def __init__(self) -> None:
        self._remaining = {
            "US": _american_numbers(_US_AREA_CODES),
            "CA": _american_numbers(_CA_AREA_CODES),
            "GB": _british_numbers(),
            "DE": _german_numbers(),
            "FR": _french_numbers(),
        }

    def take(self, country: str) -> PhoneNumber | None:
        """Return the next number of a country, None if no range is reserved there or none is left."""
        numbers = self._remaining.get(country)
        return next(numbers, None) if numbers is not None else None


_US_AREA_CODES = (
    201, 203, 206, 212, 213, 214, 215, 216, 217, 224, 303, 305, 310, 312, 313, 314, 315, 316, 317, 318,
    404, 405, 408, 410, 412, 414, 415, 419, 425, 434, 501, 502, 503, 504, 505, 508, 510, 512, 513, 515,
    602, 603, 605, 606, 607, 608, 609, 610, 612, 614, 701, 702, 703, 704, 706, 707, 708, 713, 714, 715,
    801, 802, 803, 804, 805, 808, 812, 813, 814, 816, 901, 903, 904, 907, 909, 910, 912, 913, 914, 916,
)  # fmt: skip
_CA_AREA_CODES = (
    204, 226, 236, 249, 250, 289, 306, 343, 365, 403, 416, 418, 431, 437, 438, 450, 506, 514, 519, 579,
    581, 587, 604, 613, 639, 647, 705, 709, 778, 780, 807, 819, 867, 873, 902, 905,
)  # fmt: skip


def _american_numbers(areas: tuple[int, ...]) -> Iterator[PhoneNumber]:
    """Yield 555-0100 to 555-0199 in each area code (North American Numbering Plan); the cast has 202."""
    for area in areas:
        for suffix in range(100):
            yield PhoneNumber(f"+1{area}55501{suffix:02}", f"({area}) 555-01{suffix:02}")


def _british_numbers() -> Iterator[PhoneNumber]:
    """Yield numbers of Ofcom, "Telephone numbers for use in TV and radio drama programmes".

    Of these the mobile numbers and those of Nottingham are assigned to nobody, so they are no valid numbers.
    The cast has 020 7946 0123.
    """
    for area in (113, 114, 116, 117, 118, 121, 131, 141, 151, 161):
        for suffix in range(1000):
            yield PhoneNumber(f"+44{area}4960{suffix:03}", f"0{area} 496 0{suffix:03}")
    for suffix in range(1000):
        yield PhoneNumber(f"+442079460{suffix:03}", f"020 7946 0{suffix:03}")


def _german_numbers() -> Iterator[PhoneNumber]:
    """Yield numbers of Bundesnetzagentur, Mitteilung 148/2021; the cast has the first ten."""
    blocks = (("30", "23125"), ("69", "90009"), ("40", "66969"), ("221", "4710"), ("89", "99998"))
    for suffix in range(10, 1000):
        for area, block in blocks:
            yield PhoneNumber(f"+49{area}{block}{suffix:03}", f"0{area} {block}{suffix:03}")


def _french_numbers() -> Iterator[PhoneNumber]:
    """Yield numbers of ARCEP, décision 2018-0881, for audiovisual works; the cast has 01 99 00 99 01."""
    for suffix in range(10_000):
        for block in ("19900", "26191", "35301", "46571", "53649"):
            digits = f"0{block}{suffix:04}"
            yield PhoneNumber(f"+33{digits[1:]}", " ".join(digits[i : i + 2] for i in range(0, 10, 2)))
