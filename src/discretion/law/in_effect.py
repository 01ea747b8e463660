"""Select the rule in force on a day: the latest that has begun and not ended.

An unsure rule replaces a sure one only if it is stricter. Whichever of the two turns out to be the law, the
stricter one satisfies it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import TypeVar

from discretion.law.entry import RuleEntry
from discretion.law.jurisdiction import RuleConfidence

DatedRule = TypeVar("DatedRule", bound=RuleEntry)
StricterPredicate = Callable[[DatedRule, DatedRule], bool]


def list_boundary_days(rules: Sequence[RuleEntry]) -> list[date]:
    """Return the days on which a rule begins or ends, sorted."""
    days = {rule.start for rule in rules} | {rule.until for rule in rules if rule.until is not None}
    return sorted(days)


def find_rule_in_force(
    rules: Sequence[DatedRule], day: date, is_stricter: StricterPredicate[DatedRule]
) -> DatedRule | None:
    """Return the rule in force on a day, out of all rules about one subject.

    ``is_stricter`` returns whether its first argument is stricter than its second.
    """
    rules_in_force = [
        rule for rule in rules if rule.start <= day and (rule.until is None or day < rule.until)
    ]
    unsure_rules = [rule for rule in rules_in_force if rule.confidence is RuleConfidence.UNSURE]
    sure_rule = _find_latest(
        [rule for rule in rules_in_force if rule.confidence is not RuleConfidence.UNSURE]
    )
    unsure_rule = _find_latest(unsure_rules)
    if sure_rule is None or unsure_rule is None:
        return sure_rule or unsure_rule
    # A sure rule that begins after an unsure one replaces it, however strict the unsure one is.
    return (
        unsure_rule
        if unsure_rule.start >= sure_rule.start and is_stricter(unsure_rule, sure_rule)
        else sure_rule
    )


def find_rule_or_first(
    rules: Sequence[DatedRule], day: date, is_stricter: StricterPredicate[DatedRule]
) -> DatedRule | None:
    """Return the rule in force on a day; before the first rule begins, the first rule."""
    first_day = min((rule.start for rule in rules), default=day)
    return find_rule_in_force(rules, max(day, first_day), is_stricter)


def iterate_rule_spans(
    rules: Sequence[DatedRule], is_stricter: StricterPredicate[DatedRule]
) -> Iterator[tuple[date, date | None, DatedRule]]:
    """Yield the periods in which each rule about one subject is in force.

    Yields: the first day, the day after the last or None, and the rule.
    """
    days = list_boundary_days(rules)
    current_span: tuple[date, DatedRule] | None = None
    for day in days:
        rule = find_rule_in_force(rules, day, is_stricter)
        if current_span is not None and rule is not current_span[1]:
            yield current_span[0], day, current_span[1]
        if current_span is None or rule is not current_span[1]:
            current_span = None if rule is None else (day, rule)
    if current_span is not None:
        yield current_span[0], None, current_span[1]


def _find_latest(rules: Sequence[DatedRule]) -> DatedRule | None:
    return max(rules, key=lambda rule: rule.start, default=None)
