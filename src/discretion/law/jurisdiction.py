"""A jurisdiction beyond consent: whose it is, which rights it gives, and by when each is answered.

Frozen and free of I/O. ``load.py`` makes these values; ``deadline.py`` counts by them. Days are
those of the jurisdiction's ``zone``; moments are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from discretion.law.model import UNKNOWN, Law, Timeline
from discretion.law.place_index import Atlas, find


class Right(StrEnum):
    """What a person may ask for."""

    ACCESS = "access"
    PORTABILITY = "portability"
    CORRECTION = "correction"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    WITHDRAW_CONSENT = "withdraw_consent"
    OPT_OUT_SALE = "opt_out_sale"
    OPT_OUT_TARGETING = "opt_out_targeting"
    OPT_OUT_PROFILING = "opt_out_profiling"
    LIMIT_SENSITIVE = "limit_sensitive"
    AUTOMATED_DECISION = "automated_decision"  # not to be subject to one, or to have it explained
    RECIPIENTS = "recipients"  # to whom the data went
    DEINDEXING = "deindexing"  # no longer to be found under one's name
    NOMINATION = "nomination"  # who acts after death or incapacity
    COMPLAINT = "complaint"  # to the business itself, before the authority


class Step(StrEnum):
    """What is due in the course of a request."""

    ACKNOWLEDGE = "acknowledge"
    SUMMARY = "summary"  # a first, simplified answer
    RESPOND = "respond"
    REFUSE = "refuse"  # telling that nothing is done, and why
    EXTEND = "extend"  # how much longer the answer may take
    APPEAL = "appeal"  # the answer to an appeal; its clock starts when the appeal comes
    APPEAL_EXTEND = "appeal_extend"


EXTENDED: Mapping[Step, Step] = {Step.EXTEND: Step.RESPOND, Step.APPEAL_EXTEND: Step.APPEAL}
"""Which step an extension makes longer."""


class Unit(StrEnum):
    """What a length of time is counted in."""

    DAYS = "cd"
    BUSINESS_DAYS = "bd"
    MONTHS = "mo"
    AT_ONCE = "at_once"


class Clock(StrEnum):
    """What starts the time."""

    RECEIPT = "receipt"
    IDENTITY = "identity"  # when it is proven who asks, if that was in doubt


class Stop(StrEnum):
    """Why the time may stand still."""

    IDENTITY = "identity"  # proof of who asks was asked for
    CLARIFICATION = "clarification"  # what is asked for is unclear, and that was asked


class Confidence(StrEnum):
    """How sure it is that the law says so."""

    SURE = "sure"
    PROBABLE = "probable"
    UNSURE = "unsure"  # holds only where it is stricter than what is known


@dataclass(frozen=True, slots=True)
class Cited:
    """Where a rule stands, and from which day until before which it holds."""

    start: date
    end: date | None
    source: str
    confidence: Confidence = Confidence.SURE
    note: str = ""

    def holds(self, day: date) -> bool:
        """Whether the rule is in force on a day."""
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True)
class Length:
    """So many units of time; none for at once."""

    count: int
    unit: Unit

    def __str__(self) -> str:
        return self.unit if self.unit is Unit.AT_ONCE else f"{self.count} {self.unit}"

    @property
    def at_most_days(self) -> int:
        """The most calendar days it can take; ten business days with a week of holidays take 21."""
        if self.unit is Unit.BUSINESS_DAYS:
            return self.count * 7 // 5 + 7
        return self.count * 31 if self.unit is Unit.MONTHS else self.count

    @property
    def at_least_days(self) -> int:
        """The least calendar days it can take."""
        if self.unit is Unit.BUSINESS_DAYS:
            return self.count * 7 // 5
        return self.count * 28 if self.unit is Unit.MONTHS else self.count


@dataclass(frozen=True, slots=True)
class Deadline:
    """By when a step of a request for a right is due.

    ``pauses`` are the reasons for which its time stands still. With ``rolls`` a time that ends on a
    Saturday, Sunday or holiday ends with the next working day (Regulation 1182/71, Art. 3(4)).
    """

    right: Right
    step: Step
    length: Length
    clock: Clock
    pauses: frozenset[Stop]
    rolls: bool
    cited: Cited


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A right that the law gives.

    ``look_back`` is the day before which nothing need be told. Data of the sensitive kinds in
    ``withheld`` are never shown in an answer, only that they are kept.
    """

    right: Right
    look_back: date | None
    withheld: frozenset[str]
    cited: Cited


class Counts(StrEnum):
    """From when on something is to be kept."""

    EVENT = "event"
    YEAR_END = "year_end"  # the end of the calendar year in which it happened


@dataclass(frozen=True, slots=True)
class Keeping:
    """What another law orders kept although the person had it erased (GDPR Art. 17(3)(b)).

    ``properties`` are those of the events that belong to what is to be kept, such as an invoice.
    """

    events: frozenset[str]
    properties: frozenset[str]
    length: Length
    counts: Counts
    cited: Cited


@dataclass(frozen=True, slots=True)
class Told:
    """A rule about consent as people read it; ``applies`` is false for what is unsure and laxer."""

    what: str
    cited: Cited
    applies: bool = True


@dataclass(frozen=True, slots=True)
class Authority:
    """Where to complain."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """One law. ``timeline`` has its rules of consent, ``consent`` the same as people read them.

    ``places`` are codes of ISO 3166-1 and -2; ``called`` are the names that addresses have for them.
    ``holidays`` is the place whose holidays are no business days, such as ``GB-ENG``.
    """

    key: str
    label: str
    law: str
    places: tuple[str, ...]
    called: Mapping[str, tuple[str, ...]]
    zone: str
    holidays: str
    authority: Authority
    timeline: Timeline
    consent: tuple[Told, ...]
    rights: tuple[Entitlement, ...]
    deadlines: tuple[Deadline, ...]
    keeping: tuple[Keeping, ...] = ()

    def right(self, right: Right, day: date) -> Entitlement | None:
        """What the law gives on a day; None if there is no such right then."""
        return next((one for one in self.rights if one.right is right and one.cited.holds(day)), None)

    def due(self, right: Right, step: Step, day: date) -> Deadline | None:
        """The rule for a step that is in force on a day."""
        found = (one for one in self.deadlines if one.right is right and one.step is step)
        return next((one for one in found if one.cited.holds(day)), None)


@dataclass(frozen=True, slots=True)
class Lawbook:
    """Every jurisdiction by its key, the rules of consent that people are judged by, and what holds where."""

    jurisdictions: Mapping[str, Jurisdiction]
    law: Law
    atlas: Atlas

    def of(self, key: str) -> Jurisdiction:
        """A jurisdiction; for a key nobody knows, the strictest."""
        return self.jurisdictions.get(key) or self.jurisdictions[UNKNOWN]

    def of_place(self, country: str | None, region: str | None = None) -> str:
        """The key of the jurisdiction of a place; see ``place.find``."""
        return find(self.atlas, country, region)
