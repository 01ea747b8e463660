"""Local days, months and ages on the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.law.age import find_age_day, find_age_moment
from discretion.law.holiday_calendar import is_working_day
from discretion.law.local_days import add_months, find_local_day, find_midnight


@pytest.mark.parametrize(
    ("day", "months", "after"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2026, 2, 28), 1, date(2026, 3, 28)),
        (date(2026, 10, 31), 1, date(2026, 11, 30)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
    ],
)
def test_a_month_ends_on_the_same_day_or_the_last_of_a_shorter_month(
    day: date, months: int, after: date
) -> None:
    assert add_months(day, months) == after


@pytest.mark.parametrize(
    ("day", "zone", "utc"),
    [
        (date(2026, 3, 29), "Europe/Brussels", "2026-03-28T23:00"),
        (date(2026, 3, 30), "Europe/Brussels", "2026-03-29T22:00"),
        (date(2026, 10, 26), "Europe/Brussels", "2026-10-25T23:00"),
        (date(2026, 3, 9), "America/Los_Angeles", "2026-03-09T07:00"),
        (date(2018, 11, 4), "America/Sao_Paulo", "2018-11-04T03:00"),  # the clock went from 0:00 to 1:00
        (date(2026, 1, 1), "Asia/Kolkata", "2025-12-31T18:30"),
    ],
)
def test_a_local_day_begins_at_its_own_midnight(day: date, zone: str, utc: str) -> None:
    expected = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert find_midnight(day, zone) == expected.timestamp() * 1000


@given(st.dates(date(1975, 1, 1), date(2100, 1, 1)), st.sampled_from(["Europe/London", "Asia/Tokyo", "UTC"]))
def test_a_day_is_between_its_midnights(day: date, zone: str) -> None:
    assert find_local_day(find_midnight(day, zone), zone) == day
    assert find_local_day(find_midnight(day, zone) - 1, zone) < day


@pytest.mark.parametrize(
    ("born", "years", "day"),
    [
        (date(2010, 6, 15), 16, date(2026, 6, 15)),
        (date(2008, 2, 29), 18, date(2026, 3, 1)),
        (date(2008, 2, 29), 16, date(2024, 2, 29)),
        (date(2012, 2, 29), 13, date(2025, 3, 1)),
    ],
)
def test_an_age_is_reached_on_the_birthday_and_of_a_leap_day_on_the_first_of_march(
    born: date, years: int, day: date
) -> None:
    assert find_age_day(born, years) == day
    born_ms = int(datetime(born.year, born.month, born.day, tzinfo=UTC).timestamp() * 1000)
    begins = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("America/Los_Angeles"))
    assert find_age_moment(born_ms, years, "America/Los_Angeles") == int(begins.timestamp() * 1000)


@pytest.mark.parametrize(
    ("day", "place", "is_open"),
    [
        (date(2026, 4, 3), "GB-ENG", False),  # Good Friday
        (date(2026, 4, 3), "BE", True),  # none in Belgium
        (date(2026, 4, 6), "BE", False),  # Easter Monday
        (date(2026, 11, 26), "US", False),  # Thanksgiving
        (date(2026, 7, 3), "US", False),  # Independence Day on a Saturday
        (date(2026, 7, 4), "US", False),
        (date(2026, 7, 6), "US", True),
        (date(2026, 12, 28), "GB-ENG", False),  # Boxing Day on a Saturday
    ],
)
def test_a_working_day_is_no_weekend_and_no_holiday_of_the_place(
    day: date, place: str, is_open: bool
) -> None:
    assert is_working_day(day, place) is is_open
