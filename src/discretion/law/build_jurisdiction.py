"""A jurisdiction's rules as written -> what holds from when to when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from types import MappingProxyType
from typing import TypeVar

from discretion.catalogue.model import Family
from discretion.law.entry import (
    AgeEntry,
    ConsentEntry,
    DeadlineEntry,
    KeepingEntry,
    RenewalEntry,
    RightEntry,
    RuleEntry,
    SensitiveEntry,
    SignalsEntry,
)
from discretion.law.in_effect import always, boundaries, in_force, spans
from discretion.law.jurisdiction import (
    EXTENDED,
    Authority,
    Cited,
    Confidence,
    Deadline,
    Entitlement,
    Jurisdiction,
    Keeping,
    Right,
    Step,
    Told,
)
from discretion.law.local_days import midnight
from discretion.law.model import Age, Model, Period, Rules, Timeline
from discretion.law.parse_file import Shaped
from discretion.law.strictness import covers, hastens, shields

CONSENT = ("consent", "sensitive", "ages", "signals", "renewal")
"""Sections that people's state is judged by."""


Rule = TypeVar("Rule", bound=RuleEntry)


class Consent:
    """The rules of consent of one file, by what each is about."""

    def __init__(self, part: Shaped) -> None:
        self.rules: tuple[RuleEntry, ...] = tuple(
            one.rule for section in CONSENT for one in part.rules.get(section, ())
        )
        self.families = {family: self._of(ConsentEntry, "families", family) for family in Family}
        kinds = {kind for one in self._all(SensitiveEntry) for kind in one.kinds}
        self.kinds = {kind: self._of(SensitiveEntry, "kinds", kind) for kind in sorted(kinds)}
        self.ages = self._all(AgeEntry)
        self.signals = self._all(SignalsEntry)
        self.renewal = self._all(RenewalEntry)

    def model(self, family: Family, day: date) -> ConsentEntry | None:
        """What a family takes on a day; before the first rule, what the first says."""
        return always(self.families[family], day, _stricter_model)

    def sensitive(self, kind: str, day: date) -> SensitiveEntry | None:
        """What data of a kind take on a day."""
        return in_force(self.kinds[kind], day, _stricter_model)

    def young(self, day: date) -> Iterator[AgeEntry]:
        """The ages that count on a day.

        What is unsure, or holds in some places only, counts in all of them where it protects more than
        what is sure, and nowhere else.
        """
        holding = [one for one in self.ages if in_force([one], day, _never) is not None]
        general = [one for one in holding if not _limited(one)]
        yield from general
        for one in holding:
            if _limited(one) and not any(shields(age(known), age(one)) for known in general):
                yield one

    def signal(self, day: date) -> SignalsEntry | None:
        """Whether signals bind on a day."""
        return always(self.signals, day, lambda one, other: one.bind and not other.bind)

    def renewed(self, day: date) -> RenewalEntry | None:
        """Whether a changed notice takes a new yes on a day."""
        return always(self.renewal, day, lambda one, other: one.anew and not other.anew)

    def days(self) -> list[date]:
        """The days on which something changes; the first has always been."""
        return boundaries(self.rules)

    def applied(self, day: date) -> Iterator[RuleEntry | None]:
        """Every rule that counts on a day; None where there should be one and is not."""
        yield from (self.model(family, day) for family in Family)
        yield from filter(None, (self.sensitive(kind, day) for kind in self.kinds))
        yield from self.young(day)
        yield self.signal(day)
        yield self.renewed(day)

    def _all(self, kind: type[Rule]) -> list[Rule]:
        return [one for one in self.rules if isinstance(one, kind)]

    def _of(self, kind: type[Rule], member: str, name: str) -> list[Rule]:
        return [one for one in self._all(kind) if name in getattr(one, member)]


def jurisdiction(part: Shaped) -> Jurisdiction:
    """A whole jurisdiction from a file that holds."""
    head = part.head
    consent = Consent(part)
    return Jurisdiction(
        key=part.key,
        label=head.label,
        law=head.law,
        places=tuple(head.places),
        called=MappingProxyType({code: tuple(names) for code, names in head.called.items()}),
        zone=head.time_zone,
        holidays=head.holidays or "",
        authority=Authority(head.authority.name, head.authority.url),
        timeline=Timeline(part.key, head.label, head.time_zone, tuple(_periods(consent, head.time_zone))),
        consent=tuple(_told(consent)),
        rights=tuple(_rights(part)),
        deadlines=tuple(_deadlines(part)),
        keeping=tuple(_keeping(part)),
    )


def age(entry: AgeEntry) -> Age:
    """What an entry says of an age."""
    return Age(entry.below, entry.needs, frozenset(entry.families))


def _periods(consent: Consent, zone: str) -> Iterator[Period]:
    last: Rules | None = None
    for day in consent.days():
        rules = _rules(consent, day)
        if rules != last:
            yield Period(midnight(day, zone), rules)
        last = rules


def _rules(consent: Consent, day: date) -> Rules:
    models = {family: one.model for family in Family if (one := consent.model(family, day))}
    kinds = {kind: held.model for kind in consent.kinds if (held := consent.sensitive(kind, day))}
    signal, renewed = consent.signal(day), consent.renewed(day)
    assert signal is not None  # checked
    assert renewed is not None
    ages = {age(one): None for one in consent.young(day)}
    return Rules(MappingProxyType(models), MappingProxyType(kinds), tuple(ages), signal.bind, renewed.anew)


def _told(consent: Consent) -> Iterator[Told]:
    applied = {id(one) for day in consent.days() for one in consent.applied(day)}
    for one in sorted(consent.rules, key=lambda rule: rule.start):
        yield Told(_words(one), _cited(one), id(one) in applied)


def _words(one: RuleEntry) -> str:
    match one:
        case ConsentEntry():
            return f"{', '.join(one.families)}: {one.model}"
        case SensitiveEntry():
            return f"sensitive {', '.join(one.kinds)}: {one.model}"
        case AgeEntry():
            where = f" in {', '.join(one.places)}" if one.places else ""
            return f"below {one.below}{where}: {one.needs} for {', '.join(one.families)}"
        case SignalsEntry():
            return f"opt-out signals {'bind' if one.bind else 'do not bind'}"
        case RenewalEntry():
            return f"a changed notice takes {'a new yes' if one.anew else 'no new yes'}"
    raise AssertionError(one)


def _rights(part: Shaped) -> Iterator[Entitlement]:
    rules: list[RightEntry] = [one.rule for one in part.rules.get("rights", ())]
    for right in Right:
        about = [one for one in rules if right in one.rights]
        for start, end, one in spans(about, _never):
            yield Entitlement(right, one.look_back, frozenset(one.withheld), _cited(one, start, end))


def _deadlines(part: Shaped) -> Iterator[Deadline]:
    rules: list[DeadlineEntry] = [
        one.rule for one in part.rules.get("deadlines", ()) if not _guessed(one.rule)
    ]
    for right in Right:
        for step in Step:
            about = [one for one in rules if right in one.rights and one.step is step]
            for start, end, one in spans(about, _sooner):
                yield _deadline(right, one, start, end)


def _keeping(part: Shaped) -> Iterator[Keeping]:
    """What is unsure orders nothing: to keep what somebody had erased takes a law that is known."""
    rules: list[KeepingEntry] = [one.rule for one in part.rules.get("keeping", ())]
    for one in rules:
        if one.confidence is not Confidence.UNSURE:
            yield Keeping(
                frozenset(one.events), frozenset(one.properties), one.length, one.counts, _cited(one)
            )


def _deadline(right: Right, one: DeadlineEntry, start: date, end: date | None) -> Deadline:
    return Deadline(
        right, one.step, one.within, one.clock, frozenset(one.pauses), one.rolls, _cited(one, start, end)
    )


def _cited(one: RuleEntry, start: date | None = None, end: date | None = None) -> Cited:
    return Cited(start or one.start, end or one.until, one.source, one.confidence, one.note or "")


def _guessed(one: DeadlineEntry) -> bool:
    """Whether it is unsure that the law gives more time at all: then it gives none."""
    return one.confidence is Confidence.UNSURE and one.step in EXTENDED


def _limited(one: AgeEntry) -> bool:
    return one.confidence is Confidence.UNSURE or bool(one.places)


def _stricter_model(one: ConsentEntry | SensitiveEntry, other: ConsentEntry | SensitiveEntry) -> bool:
    first, second = Model(one.model), Model(other.model)
    return covers(first, second) and not covers(second, first)


def _sooner(one: DeadlineEntry, other: DeadlineEntry) -> bool:
    first, second = (_deadline(one.rights[0], rule, rule.start, None) for rule in (one, other))
    return hastens(first, second) and not hastens(second, first)


def _never(_: RuleEntry, __: RuleEntry) -> bool:
    return False
