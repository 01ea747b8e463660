"""The consent rules of a law as values: what each family of purposes needs, and since when.

All classes are frozen and free of I/O. ``load.py`` builds them from ``schema/jurisdictions/*.yaml``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from discretion.catalogue.model import Family

UNKNOWN = "unknown"
"""Key of the jurisdiction for places that are unknown or have no file; it has the strictest rules."""

ADULT_YEARS = 18
"""No rule has an age above this one, so a person of this age satisfies every age rule."""


class ConsentModel(StrEnum):
    """What allows processing for a purpose."""

    NOTICE = "notice"  # after informing the person
    BASIS = "basis"  # on the catalogue's legal basis (GDPR Art. 6(1))
    OPT_OUT = "opt_out"  # unless the person refuses
    OPT_IN = "opt_in"  # only with consent


class AgeRequirement(StrEnum):
    """What is needed below an age."""

    OWN = "own"  # the young person's own consent, even where adults need only not refuse
    GUARDIAN = "guardian"  # the consent of a holder of parental responsibility
    NEVER = "never"  # nobody can consent


@dataclass(frozen=True, slots=True)
class AgeRule:
    """Below the age ``below`` (years), purposes of ``families`` need more.

    Consent must be given by a guardian below an age that ``needs`` one. Where a law treats a family by its
    legal basis, only purposes that rest on consent need the guardian (GDPR Art. 8).
    """

    below: int
    needs: AgeRequirement
    families: frozenset[Family]


@dataclass(frozen=True, slots=True)
class ConsentRules:
    """The consent rules of one law at one moment.

    Attributes:
        models: The consent model of every family.
        sensitive: The model of each sensitive kind (see ``Catalogue.sensitive``) with extra protection.
            ``OPT_IN`` needs express consent to the purpose, ``OPT_OUT`` that the person has not limited it.
        ages: The age rules in no order; all that match apply.
        signals: Whether an opt-out signal is binding.
        renewal: Whether a material change of the notice makes new consent necessary.
    """

    models: Mapping[Family, ConsentModel]
    sensitive: Mapping[str, ConsentModel]
    ages: tuple[AgeRule, ...]
    signals: bool
    renewal: bool


@dataclass(frozen=True, slots=True)
class ConsentPeriod:
    """``rules`` that apply from ``start`` (ms since 1970, UTC) until the next period starts."""

    start: int
    rules: ConsentRules


@dataclass(frozen=True, slots=True)
class ConsentTimeline:
    """The consent rules of one jurisdiction by period, in chronological order.

    The first period also covers all time before it. ``zone`` is the IANA time zone of the jurisdiction's
    days; ``label`` is its name for people.
    """

    key: str
    label: str
    zone: str
    periods: tuple[ConsentPeriod, ...]

    def find_rules(self, now_ms: int) -> ConsentRules:
        """Return the rules that apply at a moment."""
        starts = [period.start for period in self.periods]
        return self.periods[max(bisect_right(starts, now_ms) - 1, 0)].rules

    def list_change_times(self) -> tuple[int, ...]:
        """Return the moments (ms since 1970, UTC) at which the rules change."""
        return tuple(period.start for period in self.periods[1:])


@dataclass(frozen=True, slots=True)
class MaterialChange:
    """A material change of the privacy notice for ``purposes`` from ``start`` (ms since 1970, UTC)."""

    start: int
    purposes: frozenset[str]


@dataclass(frozen=True, slots=True)
class ConsentLaw:
    """Everything that decides what a customer permits.

    ``version`` is a digest of the meaning of ``timelines`` and ``material_changes``; ``places_digest`` is a
    digest of which jurisdiction applies in which place.
    """

    version: str
    timelines: Mapping[str, ConsentTimeline]
    material_changes: tuple[MaterialChange, ...] = ()
    places_digest: str = ""

    def find_timeline(self, key: str) -> ConsentTimeline:
        """Return a jurisdiction's consent rules; those of the strictest for an unknown key."""
        # A customer may be stored with the key of a jurisdiction whose file was removed since.
        return self.timelines.get(key) or self.timelines[UNKNOWN]
