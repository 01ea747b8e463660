"""How long another law requires an event to be kept after an erasure. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from discretion.law.jurisdiction import Jurisdiction, LegalRetentionRule, RetentionStart, TimeUnit
from discretion.law.local_days import add_months, find_local_day, find_midnight


@dataclass(frozen=True, slots=True)
class RetentionDuty:
    """The duty of a law, ``jurisdiction_key``, to keep an event until ``until_ms``."""

    jurisdiction_key: str
    rule: LegalRetentionRule
    until_ms: int


def find_retention_duty(
    jurisdictions: Iterable[Jurisdiction], event: str, occurred_ms: int, now_ms: int
) -> RetentionDuty | None:
    """Return the duty that keeps an event longest, or None if no law requires it to be kept now.

    Args:
        jurisdictions: The jurisdictions of the customer.
        event: The event's type.
        occurred_ms: When the event happened (ms since 1970, UTC).
        now_ms: The present (ms since 1970, UTC).
    """
    duties = [
        RetentionDuty(jurisdiction.key, rule, until_ms)
        for jurisdiction in jurisdictions
        for rule in jurisdiction.retention_rules
        if event in rule.events
        # The rule must be in force now; its length counts from the event, also if the event is older than the
        # rule.
        and rule.citation.is_in_force(find_local_day(now_ms, jurisdiction.zone))
        and (until_ms := find_retention_end(rule, occurred_ms, jurisdiction.zone)) > now_ms
    ]
    # The key breaks ties, so that the named law does not depend on the order of the jurisdictions.
    return max(duties, key=lambda duty: (duty.until_ms, duty.jurisdiction_key), default=None)


def find_retention_end(rule: LegalRetentionRule, occurred_ms: int, zone: str) -> int:
    """Return the moment (ms since 1970, UTC) at which the duty to keep an event ends."""
    day = find_local_day(occurred_ms, zone)
    start = date(day.year, 12, 31) if rule.starts_from is RetentionStart.YEAR_END else day
    # The day on which the period starts is not counted, and it ends with the end of its last day (Regulation
    # 1182/71, Art. 3).
    is_in_months = rule.length.unit is TimeUnit.MONTHS
    last_day = (
        add_months(start, rule.length.count) if is_in_months else start + timedelta(rule.length.max_days)
    )
    return find_midnight(last_day + timedelta(days=1), zone)
