"""A jurisdiction: its consent rules, rights, deadlines and retention duties as values.

All classes are frozen and free of I/O. ``load.py`` builds them; ``deadline.py`` computes due dates from them.
Days are days in the jurisdiction's ``zone``; moments are ms since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from discretion.law.model import UNKNOWN, ConsentLaw, ConsentTimeline
from discretion.law.place_index import PlaceIndex, find_jurisdiction_key


class Right(StrEnum):
    """A right that a person may exercise."""

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
    AUTOMATED_DECISION = (
        "automated_decision"  # not to be subject to an automated decision, or to have it explained
    )
    RECIPIENTS = "recipients"  # which recipients received the data
    DEINDEXING = "deindexing"  # removal from results of a search for the person's name
    NOMINATION = "nomination"  # naming a person who acts after death or incapacity
    COMPLAINT = "complaint"  # to the business itself, before one to the authority


class DeadlineStep(StrEnum):
    """A step of a request that has a deadline."""

    ACKNOWLEDGE = "acknowledge"
    SUMMARY = "summary"  # a first, simplified answer
    RESPOND = "respond"
    REFUSE = "refuse"  # telling the person that the request is refused, and why
    EXTEND = "extend"  # an extension of RESPOND
    APPEAL = "appeal"  # the answer to an appeal; its clock starts with the receipt of the appeal
    APPEAL_EXTEND = "appeal_extend"


EXTENDED_STEPS: Mapping[DeadlineStep, DeadlineStep] = {
    DeadlineStep.EXTEND: DeadlineStep.RESPOND,
    DeadlineStep.APPEAL_EXTEND: DeadlineStep.APPEAL,
}
"""The step whose deadline each extension makes longer."""


class TimeUnit(StrEnum):
    """The unit of a length of time."""

    DAYS = "cd"
    BUSINESS_DAYS = "bd"
    MONTHS = "mo"
    AT_ONCE = "at_once"


class ClockStart(StrEnum):
    """The event that starts a deadline."""

    RECEIPT = "receipt"
    IDENTITY = "identity"  # when the identity is proven, if it was in doubt


class PauseReason(StrEnum):
    """Why a deadline may be paused."""

    IDENTITY = "identity"  # the person was asked for proof of identity
    CLARIFICATION = "clarification"  # the person was asked to clarify an unclear request


class RuleConfidence(StrEnum):
    """How certain it is that the law has this rule."""

    SURE = "sure"
    PROBABLE = "probable"
    UNSURE = "unsure"  # applies only where it is stricter than the sure rules


@dataclass(frozen=True, slots=True)
class Citation:
    """The source of a rule in the law, and when it is in force: from ``start`` until before ``end``."""

    start: date
    end: date | None
    source: str
    confidence: RuleConfidence = RuleConfidence.SURE
    note: str = ""

    def is_in_force(self, day: date) -> bool:
        """Return whether the rule is in force on a day."""
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True)
class TimeLength:
    """A length of time: ``count`` units; zero for ``AT_ONCE``."""

    count: int
    unit: TimeUnit

    def __str__(self) -> str:
        return self.unit if self.unit is TimeUnit.AT_ONCE else f"{self.count} {self.unit}"

    @property
    def max_days(self) -> int:
        """The most calendar days it can take.

        Business days assume one week of holidays: ten take at most 21 days.
        """
        if self.unit is TimeUnit.BUSINESS_DAYS:
            return self.count * 7 // 5 + 7
        return self.count * 31 if self.unit is TimeUnit.MONTHS else self.count

    @property
    def min_days(self) -> int:
        """The fewest calendar days it can take."""
        if self.unit is TimeUnit.BUSINESS_DAYS:
            return self.count * 7 // 5
        return self.count * 28 if self.unit is TimeUnit.MONTHS else self.count


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """The rule that sets the deadline for a step of a request.

    ``pauses`` are the reasons for which the clock may be stopped. With ``rolls``, a period that ends on a
    Saturday, Sunday or holiday ends with the next working day (Regulation 1182/71, Art. 3(4)).
    """

    right: Right
    step: DeadlineStep
    length: TimeLength
    clock: ClockStart
    pauses: frozenset[PauseReason]
    rolls: bool
    citation: Citation


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A right that the law gives.

    Nothing observed before ``look_back`` needs to be disclosed. Of data of the sensitive kinds in
    ``withheld`` an answer says only that they are kept, and never shows the values.
    """

    right: Right
    look_back: date | None
    withheld: frozenset[str]
    citation: Citation


class RetentionStart(StrEnum):
    """When a legal retention period begins."""

    EVENT = "event"
    YEAR_END = "year_end"  # at the end of the calendar year of the event


@dataclass(frozen=True, slots=True)
class LegalRetentionRule:
    """Data that another law requires to be kept after an erasure (GDPR Art. 17(3)(b)).

    ``properties`` are the event properties that belong to the required record, such as an invoice.
    """

    events: frozenset[str]
    properties: frozenset[str]
    length: TimeLength
    starts_from: RetentionStart
    citation: Citation


@dataclass(frozen=True, slots=True)
class ConsentRuleText:
    """A consent rule as text for people; ``applies`` is False for an unsure rule that is not stricter."""

    text: str
    citation: Citation
    applies: bool = True


@dataclass(frozen=True, slots=True)
class SupervisoryAuthority:
    """The supervisory authority that takes complaints."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """One law with all its rules.

    Attributes:
        places: ISO 3166-1 and -2 codes of the places where it applies.
        place_names: The names of those places as addresses have them, by code.
        zone: The IANA time zone of its days.
        holidays: The place whose public holidays are no business days, such as ``GB-ENG``.
        timeline: The consent rules by period.
        consent_rules: The same consent rules as text for people.
    """

    key: str
    label: str
    law: str
    places: tuple[str, ...]
    place_names: Mapping[str, tuple[str, ...]]
    zone: str
    holidays: str
    authority: SupervisoryAuthority
    timeline: ConsentTimeline
    consent_rules: tuple[ConsentRuleText, ...]
    rights: tuple[Entitlement, ...]
    deadlines: tuple[DeadlineRule, ...]
    retention_rules: tuple[LegalRetentionRule, ...] = ()

    def find_right(self, right: Right, day: date) -> Entitlement | None:
        """Return the entitlement to a right on a day, or None."""
        return next(
            (
                entitlement
                for entitlement in self.rights
                if entitlement.right is right and entitlement.citation.is_in_force(day)
            ),
            None,
        )

    def find_deadline_rule(self, right: Right, step: DeadlineStep, day: date) -> DeadlineRule | None:
        """Return the rule for a step that is in force on a day, or None."""
        rules = (rule for rule in self.deadlines if rule.right is right and rule.step is step)
        return next((rule for rule in rules if rule.citation.is_in_force(day)), None)


@dataclass(frozen=True, slots=True)
class Lawbook:
    """All jurisdictions by key, the consent law that customers are judged by, and the index of places."""

    jurisdictions: Mapping[str, Jurisdiction]
    consent_law: ConsentLaw
    place_index: PlaceIndex

    def find_jurisdiction(self, key: str) -> Jurisdiction:
        """Return a jurisdiction; the strictest for an unknown key."""
        # A customer may be stored with the key of a jurisdiction whose file was removed since.
        return self.jurisdictions.get(key) or self.jurisdictions[UNKNOWN]

    def find_key_of_place(self, country: str | None, region: str | None = None) -> str:
        """Return the key of the jurisdiction of a place; see ``place_index.find_jurisdiction_key``."""
        return find_jurisdiction_key(self.place_index, country, region)
