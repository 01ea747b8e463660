"""The words of the law: what a jurisdiction demands, and since when.

Everything here is frozen and free of I/O. ``load.py`` makes these values from
``schema/jurisdictions/*.yaml``; everyone else only reads them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from discretion.catalogue.model import Family

UNKNOWN = "unknown"
"""Key of the jurisdiction of places that are not known or have no file: the strictest."""

ADULT_YEARS = 18
"""No rule here looks at an age above this, so whoever is as old is of every age."""


class Model(StrEnum):
    """What lets a purpose be pursued."""

    NOTICE = "notice"  # the person was told
    BASIS = "basis"  # the legal basis that the catalogue names for it (GDPR Art. 6(1))
    OPT_OUT = "opt_out"  # until they say no
    OPT_IN = "opt_in"  # once they said yes


class Needs(StrEnum):
    """What it takes below an age."""

    OWN = "own"  # the young person's own yes, where others need only not say no
    GUARDIAN = "guardian"  # a yes of whoever has parental responsibility
    NEVER = "never"  # nobody can allow it


@dataclass(frozen=True, slots=True)
class Age:
    """Below an age (years), purposes of ``families`` need more.

    Whatever takes a yes takes a guardian's below an age that ``needs`` one. A family that a law
    treats by its legal basis needs a guardian only for what rests on consent (GDPR Art. 8).
    """

    below: int
    needs: Needs
    families: frozenset[Family]


@dataclass(frozen=True, slots=True)
class Rules:
    """What one law says at one moment.

    ``models`` has every family. ``sensitive`` has the kinds (see ``Catalogue.sensitive``) that are
    protected more, each with what it takes: ``OPT_IN`` an express yes to the purpose, ``OPT_OUT`` that
    nobody limited it. ``ages`` are in no order; all that apply hold. ``signals`` says whether an
    opt-out signal binds; ``renewal`` whether a material change of the notice takes a new yes.
    """

    models: Mapping[Family, Model]
    sensitive: Mapping[str, Model]
    ages: tuple[Age, ...]
    signals: bool
    renewal: bool


@dataclass(frozen=True, slots=True)
class Period:
    """``rules`` hold from ``start`` (ms since 1970, UTC) until the next period's."""

    start: int
    rules: Rules


@dataclass(frozen=True, slots=True)
class Timeline:
    """The consent rules of one jurisdiction, in the order of time; the first period has always been.

    ``zone`` is the IANA time zone whose midnights count. ``label`` is for people.
    """

    key: str
    label: str
    zone: str
    periods: tuple[Period, ...]

    def at(self, now_ms: int) -> Rules:
        """The rules that hold at a moment."""
        starts = [one.start for one in self.periods]
        return self.periods[max(bisect_right(starts, now_ms) - 1, 0)].rules

    def turns(self) -> tuple[int, ...]:
        """When the rules change."""
        return tuple(one.start for one in self.periods[1:])


@dataclass(frozen=True, slots=True)
class Edition:
    """A material change of the privacy notice, from ``start`` (ms) on, of what is done for ``purposes``."""

    start: int
    purposes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Law:
    """All that a person's state is judged by. ``version`` is a digest of its meaning.

    ``places`` is a digest of which jurisdiction holds where.
    """

    version: str
    timelines: Mapping[str, Timeline]
    editions: tuple[Edition, ...] = ()
    places: str = ""

    def of(self, key: str) -> Timeline:
        """A jurisdiction's rules; a key nobody knows is judged as the strictest."""
        return self.timelines.get(key) or self.timelines[UNKNOWN]
