"""The editions of the privacy notice: since when each holds, and what it changed.

The last one is what the notice says now; one whose day has not come yet announces itself. Which
consent has to be given anew after a material change is decided by ``law``, not here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType

from pydantic import Field

from discretion.catalogue.entry import Entry, Text
from discretion.catalogue.nearest_name import nearest
from discretion.catalogue.problem import Problem
from discretion.catalogue.yaml_file import File, Place
from discretion.domain.notices.yaml_file import shape
from discretion.law.model import Edition as MaterialChange

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,19}")


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition; ``purposes`` are those it changed materially, ``summary`` says what, by language."""

    version: str
    since: date
    purposes: frozenset[str]
    summary: Mapping[str, str]

    @property
    def material(self) -> bool:
        """Whether somebody who agreed before would want to know."""
        return bool(self.purposes)

    @property
    def start(self) -> int:
        """Midnight (UTC) of its first day, in ms since 1970."""
        day = datetime(self.since.year, self.since.month, self.since.day, tzinfo=UTC)
        return int(day.timestamp()) * 1000


class EditionEntry(Entry):
    """An edition as it is written."""

    since: date = Field(alias="from", description="its first day, such as 2026-01-31")
    material: bool = Field(description="whether somebody who agreed before would want to know")
    purposes: list[Text] = Field(default=[], description="purposes that it changes materially")
    summary: dict[str, Text] = Field(description="by language, one sentence on what is new")


class EditionsFile(Entry):
    """``editions.yaml``, from the first edition to the last."""

    editions: dict[Text, EditionEntry] = Field(min_length=1, description="by version, in the order of time")


def editions(
    file: File, purposes: Collection[str], languages: Collection[str]
) -> tuple[tuple[Edition, ...], list[Problem]]:
    """The editions in the order of time, and what is wrong with them."""
    found, problems = shape(file, EditionsFile)
    if found is None:
        return (), problems
    problems += _faults(file, found.editions, purposes, languages)
    return tuple(
        Edition(version, one.since, frozenset(one.purposes), MappingProxyType(one.summary))
        for version, one in found.editions.items()
    ), problems


def material(known: Iterable[Edition]) -> tuple[MaterialChange, ...]:
    """The editions after which a law may ask for a new yes (GDPR Art. 7; EDPB 05/2020, 110)."""
    return tuple(MaterialChange(one.start, one.purposes) for one in known if one.material)


def _faults(
    file: File, known: Mapping[str, EditionEntry], purposes: Collection[str], languages: Collection[str]
) -> Iterator[Problem]:
    entries = list(known.items())
    for index, (version, one) in enumerate(entries):
        at = ("editions", version)
        if not _VERSION.fullmatch(version):
            right = "It takes up to 20 letters, digits, '.' and '-'."
            yield file.problem(at, f"{version!r} is no version", right)
        if index and one.since <= entries[index - 1][1].since:
            wrong = f"edition {version} does not begin after {entries[index - 1][0]}"
            yield file.problem((*at, "from"), wrong, "Write the editions in the order of their days.")
        if one.material != bool(one.purposes):
            wrong = f"edition {version} is {'' if one.material else 'not '}material"
            right = "Name the 'purposes' it changes materially; one that is not material has none."
            yield file.problem((*at, "material"), wrong, right)
        last = index == len(entries) - 1
        yield from _unknown(file, (*at, "purposes"), one.purposes if last else (), purposes, "purpose")
        yield from _unknown(file, (*at, "summary"), list(one.summary), languages, "language")
        if "en" not in one.summary:
            yield file.problem((*at, "summary"), f"edition {version} has no English summary", "Add 'en:'.")


def _unknown(
    file: File, at: Place, words: Sequence[str], known: Collection[str], kind: str
) -> Iterator[Problem]:
    """Words that name nothing. A purpose of an older edition may be gone by now."""
    for index, word in enumerate(words):
        if word not in known:
            place: Place = (*at, word if kind == "language" else index)
            yield file.problem(place, f"{word!r} is no {kind}", nearest(word, known))
