"""A person's state, read off their source records: what was heard, where they are, how young.

Where somebody is, they say themselves (residence); else it is where parcels go; else the country their
device was seen in. At the best level that any record knows, the latest word of every record counts, so
that two records which disagree protect by both laws; a correction of their own silences the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from discretion.catalogue.model import CORRECTIONS, Catalogue
from discretion.law.model import UNKNOWN
from discretion.purpose.permissions import PersonState
from discretion.purpose.statements import Choice, Heard, Words

Document = Mapping[str, Any]
Jurisdiction = Callable[[str | None, str | None], str]
"""``(country, region or state) -> key of the jurisdiction``; the strictest for what it does not know."""

BIRTH = "user.demographic.date_of_birth"
RESIDENCE = "contact/residence"
COUNTRY = "contact/address/country"
REGION = "contact/address/region"
LIMIT = "limit"
"""The signal by which a person limits the use of sensitive data (Cal. Civ. Code 1798.121)."""


def bearing(catalogue: Catalogue) -> frozenset[str]:
    """Attributes, by their key, that a person's state follows from."""
    return frozenset((*catalogue.by_category.get(BIRTH, ()), RESIDENCE, COUNTRY, REGION))


def state_of(catalogue: Catalogue, jurisdiction: Jurisdiction, records: Sequence[Document]) -> PersonState:
    """The state of the person these records are about, whatever their order."""
    ordered = sorted(records, key=lambda record: record["_id"])
    return PersonState(
        heard=tuple(heard_of(one) for one in ordered),
        laws=laws_of(jurisdiction, ordered),
        restricted=any(one.get("restricted", False) for one in ordered),
        born=_born(catalogue, ordered),
    )


def heard_of(record: Document) -> Heard:
    """What one record heard."""
    signals = {name: one["t"] for name, one in record.get("signals", {}).items() if name != LIMIT}
    return Heard(
        stamps=_words(record["choices"]),
        words=_words(record.get("words", {})),
        guards=_words(record.get("guards", {})),
        opted_out=max(signals.values(), default=None),
        limited=LIMIT in record.get("signals", {}),
    )


def laws_of(jurisdiction: Jurisdiction, records: Sequence[Document]) -> tuple[str, ...]:
    """Keys of the jurisdictions that protect the person, sorted."""
    places = _residences(records) or _addresses(records) or _seen(records)
    return tuple(sorted({jurisdiction(country, region) for country, region in places})) or (UNKNOWN,)


def _residences(records: Sequence[Document]) -> list[tuple[str, None]]:
    return [(cell["v"], None) for cell in _cells(records, RESIDENCE) if "v" in cell]


def _addresses(records: Sequence[Document]) -> list[tuple[str, str | None]]:
    there = _own([one for one in records if "v" in one["cells"].get(COUNTRY, ())], COUNTRY)
    told = [(one["cells"][COUNTRY]["v"], one["cells"].get(REGION, {}).get("v")) for one in there]
    precise = {country.casefold() for country, region in told if region is not None}
    return [one for one in told if one[1] is not None or one[0].casefold() not in precise]


def _seen(records: Sequence[Document]) -> list[tuple[str, None]]:
    return [(one["place"]["c"], None) for one in records if "place" in one]


def _cells(records: Sequence[Document], key: str) -> list[Document]:
    return [one["cells"][key] for one in _own([one for one in records if key in one["cells"]], key)]


def _own(records: Sequence[Document], key: str) -> Sequence[Document]:
    """What the person corrected themselves, the latest alone; else everybody's word."""
    corrected = [one for one in records if one["source"] == CORRECTIONS.key]
    if not corrected:
        return records
    return [max(corrected, key=lambda one: (one["cells"][key]["t"], one["cells"][key]["m"]))]


def _born(catalogue: Catalogue, records: Sequence[Document]) -> int | None:
    """The latest day that any record says they were born on, or None: a merge never makes anybody older.

    Only what the person corrected themselves silences what others say.
    """
    told: list[Document] = []
    for key in catalogue.by_category.get(BIRTH, ()):
        told += _cells(records, key)
    return max((cell["b"] for cell in told if "b" in cell), default=None)


def _words(told: Mapping[str, Document]) -> Words:
    return tuple(sorted(_choices(told)))


def _choices(told: Mapping[str, Document]) -> Iterable[tuple[str, Choice]]:
    for key, one in told.items():
        yield key.replace("/", "."), Choice(one["t"], one["m"], one["g"], one.get("u"))
