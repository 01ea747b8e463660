"""Where generated people live, what they speak, and phone numbers that ring nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import yaml

from discretion.seeding.message import draw, pick, shipped

RESIDENCE = (("US", 0.30), ("GB", 0.12), ("DE", 0.12), ("FR", 0.10), ("CA", 0.06))
"""Shares of a retailer's five large markets; everybody else lives where TPC-DS says they were born."""

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
ELSEWHERE = ("amsterdam", "singapore", "recife", "kanazawa")

TOWNS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "GB": (("Manchester", "M1 1AA", "Greater Manchester"), ("London", "W1D 3QF", "Greater London"),
           ("Cardiff", "CF10 1EP", "South Glamorgan"), ("Glasgow", "G1 1DU", "Lanarkshire")),
    "DE": (("Berlin", "10117", "Berlin"), ("Hamburg", "20095", "Hamburg"),
           ("Köln", "50667", "Nordrhein-Westfalen"), ("München", "80331", "Bayern")),
    "FR": (("Lyon", "69002", "Auvergne-Rhône-Alpes"), ("Paris", "75004", "Île-de-France"),
           ("Nantes", "44000", "Pays de la Loire")),
    "CA": (("Toronto", "M5V 2T6", "ON"), ("Montréal", "H2X 1Y4", "QC"), ("Halifax", "B3J 1S9", "NS")),
}  # fmt: skip
"""Town, postal code and region, where the address of TPC-DS, which is always American, does not fit."""


@dataclass(frozen=True, slots=True)
class Phone:
    """One number in two notations: E.164, and as people of its country write it."""

    e164: str
    local: str


@cache
def countries() -> Mapping[str, str]:
    """Countries as TPC-DS names them -> ISO 3166-1 alpha-2."""
    found: dict[str, str] = yaml.safe_load(shipped("countries.yaml").read_text("utf-8"))
    return found


def residence(person: object, born_in: str | None) -> str:
    """Country somebody lives in, by ISO 3166-1 alpha-2."""
    left = draw("residence", person)
    for country, share in RESIDENCE:
        if left < share:
            return country
        left -= share
    return countries()[born_in] if born_in else "US"


def language(person: object, country: str) -> str:
    """BCP 47 tag."""
    return pick(LANGUAGES.get(country, ("en",)), "language", person)


def store(visit: object, person: object, country: str) -> str:
    """Where somebody buys: at their own store, and now and then at another of the country."""
    stores = STORES.get(country, ELSEWHERE)
    return pick(stores, "store", visit if draw("away", visit) < 0.2 else person)


class PhoneBook:
    """Hands out numbers, each once. All lie in ranges that regulators keep for films and books."""

    def __init__(self) -> None:
        self._left = {
            "US": _american(_US), "CA": _american(_CA), "GB": _british(), "DE": _german(), "FR": _french()
        }  # fmt: skip

    def next(self, country: str) -> Phone | None:
        """The next number of a country, or None where no range is reserved or none is left."""
        left = self._left.get(country)
        return next(left, None) if left is not None else None


_US = (
    201, 203, 206, 212, 213, 214, 215, 216, 217, 224, 303, 305, 310, 312, 313, 314, 315, 316, 317, 318,
    404, 405, 408, 410, 412, 414, 415, 419, 425, 434, 501, 502, 503, 504, 505, 508, 510, 512, 513, 515,
    602, 603, 605, 606, 607, 608, 609, 610, 612, 614, 701, 702, 703, 704, 706, 707, 708, 713, 714, 715,
    801, 802, 803, 804, 805, 808, 812, 813, 814, 816, 901, 903, 904, 907, 909, 910, 912, 913, 914, 916,
)  # fmt: skip
_CA = (
    204, 226, 236, 249, 250, 289, 306, 343, 365, 403, 416, 418, 431, 437, 438, 450, 506, 514, 519, 579,
    581, 587, 604, 613, 639, 647, 705, 709, 778, 780, 807, 819, 867, 873, 902, 905,
)  # fmt: skip


def _american(areas: tuple[int, ...]) -> Iterator[Phone]:
    """555-0100 to 555-0199 in every area code (North American Numbering Plan). 202 is the cast's."""
    for area in areas:
        for n in range(100):
            yield Phone(f"+1{area}55501{n:02}", f"({area}) 555-01{n:02}")


def _british() -> Iterator[Phone]:
    """Ofcom, "Telephone numbers for use in TV and radio drama programmes". 07700 900xxx is the cast's."""
    for area in (113, 114, 115, 116, 117, 118, 121, 131, 141, 151, 161):
        for n in range(1000):
            yield Phone(f"+44{area}4960{n:03}", f"0{area} 496 0{n:03}")
    for n in range(1000):
        yield Phone(f"+442079460{n:03}", f"020 7946 0{n:03}")


def _german() -> Iterator[Phone]:
    """Bundesnetzagentur, Mitteilung 148/2021: numbers for media. The first ten are the cast's."""
    blocks = (("30", "23125"), ("69", "90009"), ("40", "66969"), ("221", "4710"), ("89", "99998"))
    for n in range(10, 1000):
        for area, block in blocks:
            yield Phone(f"+49{area}{block}{n:03}", f"0{area} {block}{n:03}")


def _french() -> Iterator[Phone]:
    """ARCEP, décision 2018-0881: numbers for audiovisual works. 06 39 98 is the cast's."""
    for n in range(10_000):
        for block in ("19900", "26191", "35301", "46571", "53649"):
            digits = f"0{block}{n:04}"
            yield Phone(f"+33{digits[1:]}", " ".join(digits[i : i + 2] for i in range(0, 10, 2)))
