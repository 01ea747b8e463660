"""The duty to retain an event ends with the last day of the period, on the calendar of the law's place."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from discretion.law.jurisdiction import Citation, LegalRetentionRule, RetentionStart, TimeLength, TimeUnit
from discretion.law.retention_duty import find_retention_end

CITATION = Citation(date(2020, 1, 1), None, "Law 1")


@pytest.mark.parametrize(
    ("occurred", "count", "unit", "starts_from", "first_free_day"),
    [
        ("2026-05-02", 72, TimeUnit.MONTHS, RetentionStart.EVENT, date(2032, 5, 3)),
        ("2026-05-02", 72, TimeUnit.MONTHS, RetentionStart.YEAR_END, date(2033, 1, 1)),
        ("2026-01-30", 1, TimeUnit.MONTHS, RetentionStart.EVENT, date(2026, 3, 1)),
        ("2026-01-31", 1, TimeUnit.MONTHS, RetentionStart.EVENT, date(2026, 3, 1)),
        ("2028-02-28", 72, TimeUnit.MONTHS, RetentionStart.EVENT, date(2034, 3, 1)),
        ("2028-02-29", 72, TimeUnit.MONTHS, RetentionStart.EVENT, date(2034, 3, 1)),
        ("2026-12-31", 72, TimeUnit.MONTHS, RetentionStart.EVENT, date(2033, 1, 1)),
        ("2026-12-31", 72, TimeUnit.MONTHS, RetentionStart.YEAR_END, date(2033, 1, 1)),
        ("2028-02-29", 72, TimeUnit.MONTHS, RetentionStart.YEAR_END, date(2035, 1, 1)),
        ("2028-02-28", 2, TimeUnit.DAYS, RetentionStart.EVENT, date(2028, 3, 2)),
    ],
)
def test_a_duty_ends_with_its_last_day(
    occurred: str, count: int, unit: TimeUnit, starts_from: RetentionStart, first_free_day: date
) -> None:
    """The day of the event is not counted, and a month that lacks the day ends with its last day."""
    zone = ZoneInfo("Europe/London")
    rule = LegalRetentionRule(frozenset(), frozenset(), TimeLength(count, unit), starts_from, CITATION)
    occurred_at = datetime.fromisoformat(f"{occurred}T12:00").replace(tzinfo=zone)
    ends_at = find_retention_end(rule, int(occurred_at.timestamp() * 1000), zone.key)
    assert datetime.fromtimestamp(ends_at / 1000, UTC) == datetime.combine(
        first_free_day, datetime.min.time(), zone
    )
