"""How long another law orders something kept although the person had it erased. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from discretion.law.jurisdiction import Counts, Jurisdiction, Keeping, Unit
from discretion.law.local_days import local_day, midnight, months_after


@dataclass(frozen=True, slots=True)
class Kept:
    """An order to keep an event until a moment (ms), and whose."""

    law: str
    rule: Keeping
    until: int


def kept(laws: Iterable[Jurisdiction], event: str, at: int, now: int) -> Kept | None:
    """The order that keeps an event of ``at`` longest; None if no law orders that, or none does any more.

    Args:
        laws: The jurisdictions of the person.
        event: The event's type.
        at: When it happened (ms).
        now: The present (ms).
    """
    found = [
        Kept(one.key, rule, until)
        for one in laws
        for rule in one.keeping
        if event in rule.events
        and rule.cited.holds(local_day(now, one.zone))
        and (until := lasts(rule, at, one.zone)) > now
    ]
    return max(found, key=lambda one: (one.until, one.law), default=None)


def lasts(rule: Keeping, at: int, zone: str) -> int:
    """The moment (ms) at which something of ``at`` need no longer be kept."""
    day = local_day(at, zone)
    first = date(day.year + 1, 1, 1) if rule.counts is Counts.YEAR_END else day + timedelta(days=1)
    months = rule.length.unit is Unit.MONTHS
    last = months_after(first, rule.length.count) if months else first + timedelta(rule.length.at_most_days)
    return midnight(last, zone)
