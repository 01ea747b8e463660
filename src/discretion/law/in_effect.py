"""Which rule is in force on a day: the latest that has begun and not ended.

What is unsure replaces what is known only where it is stricter; the law may turn out to be either,
and the stricter keeps both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import TypeVar

from discretion.law.entry import RuleEntry
from discretion.law.jurisdiction import Confidence

Rule = TypeVar("Rule", bound=RuleEntry)
Stricter = Callable[[Rule, Rule], bool]


def boundaries(rules: Sequence[RuleEntry]) -> list[date]:
    """The days on which something begins or ends, in order."""
    days = {one.start for one in rules} | {one.until for one in rules if one.until is not None}
    return sorted(days)


def in_force(rules: Sequence[Rule], day: date, stricter: Stricter[Rule]) -> Rule | None:
    """The rule about one thing that holds on a day, of all that there are about it.

    ``stricter`` says whether its first argument is stricter than its second.
    """
    holding = [one for one in rules if one.start <= day and (one.until is None or day < one.until)]
    unsure = [one for one in holding if one.confidence is Confidence.UNSURE]
    known = _latest([one for one in holding if one.confidence is not Confidence.UNSURE])
    guess = _latest(unsure)
    if known is None or guess is None:
        return known or guess
    return guess if guess.start >= known.start and stricter(guess, known) else known


def always(rules: Sequence[Rule], day: date, stricter: Stricter[Rule]) -> Rule | None:
    """The same for what has always been ruled somehow: before the first rule, the first rule."""
    first = min((one.start for one in rules), default=day)
    return in_force(rules, max(day, first), stricter)


def spans(rules: Sequence[Rule], stricter: Stricter[Rule]) -> Iterator[tuple[date, date | None, Rule]]:
    """From when until when each rule about one thing is in force, in the order of time."""
    days = boundaries(rules)
    last: tuple[date, Rule] | None = None
    for day in days:
        now = in_force(rules, day, stricter)
        if last is not None and now is not last[1]:
            yield last[0], day, last[1]
        if last is None or now is not last[1]:
            last = None if now is None else (day, now)
    if last is not None:
        yield last[0], None, last[1]


def _latest(rules: Sequence[Rule]) -> Rule | None:
    return max(rules, key=lambda one: one.start, default=None)
