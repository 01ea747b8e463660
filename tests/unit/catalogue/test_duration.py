"""Durations are subtracted on the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import isodate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.duration import add_duration, parse_duration, subtract_duration

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000
TIMES = st.integers(0, 250_000_000_000_000 // 1000)
FEW_DAYS = st.integers(-4 * DAY_MS, 4 * DAY_MS)


def to_ms(text: str) -> int:
    """Convert an ISO 8601 time in UTC to ms since 1970."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)


@st.composite
def durations(draw: st.DrawFn) -> str:
    """Durations of every form, none of them empty."""
    date_part = "".join(f"{count}{unit}" for unit in "YMWD" if (count := draw(st.integers(0, 40))))
    time_part = "".join(f"{count}{unit}" for unit in "HMS" if (count := draw(st.integers(0, 90))))
    text = f"P{date_part}" + (f"T{time_part}" if time_part else "")
    return text if len(text) > 1 else "P1D"


@pytest.mark.parametrize(
    ("duration", "now", "cut_off"),
    [
        ("P1Y", "2026-05-01", "2025-05-01"),
        ("P1Y", "2024-02-29T10:00:00", "2023-03-01"),
        ("P4Y", "2024-02-29", "2020-02-29"),
        ("P1M", "2026-03-31T10:00:00", "2026-03-01"),
        ("P1M", "2026-01-31T10:30:00.250", "2025-12-31T10:30:00.250"),
        ("P13M", "2026-01-15", "2024-12-15"),
        ("P2W", "2026-03-10", "2026-02-24"),
        ("P90D", "2026-03-31", "2025-12-31"),
        ("P1M1D", "2026-03-31", "2026-03-01"),
        ("P1M1D", "2026-03-29", "2026-02-28"),
        ("P1DT12H", "2026-03-10", "2026-03-08T12:00:00"),
        ("PT90M", "2026-03-10", "2026-03-09T22:30:00"),
        ("PT30S", "2026-03-10T00:01:00", "2026-03-10T00:00:30"),
    ],
)
def test_a_duration_is_subtracted_on_the_calendar(duration: str, now: str, cut_off: str) -> None:
    assert subtract_duration(duration, to_ms(now)) == to_ms(cut_off)


@given(durations(), TIMES)
def test_subtraction_agrees_with_isodate(duration: str, now: int) -> None:
    """Except where isodate gives the last day of a shorter month: then the cut-off is the end of that day."""
    parsed = isodate.parse_duration(duration)
    months = isodate.Duration(years=getattr(parsed, "years", 0), months=getattr(parsed, "months", 0))
    try:
        later = EPOCH + timedelta(milliseconds=now) - getattr(parsed, "tdelta", parsed)
        cut_off = later - months
    except (OverflowError, ValueError):
        later = cut_off = EPOCH
    if cut_off.day != later.day:
        cut_off = cut_off.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert subtract_duration(duration, now) == max(0, (cut_off - EPOCH) // timedelta(milliseconds=1))


@given(durations(), TIMES, FEW_DAYS)
def test_what_has_expired_stays_expired(duration: str, now: int, offset_ms: int) -> None:
    """A later time never has an earlier cut-off, also after the last day of a shorter month."""
    earlier, later = sorted((now, max(0, now + offset_ms)))
    assert subtract_duration(duration, earlier) <= subtract_duration(duration, later)


@given(durations(), TIMES, FEW_DAYS)
def test_a_value_expires_when_its_duration_ends(duration: str, observed: int, offset_ms: int) -> None:
    """What begins at a time ends when the cut-off passes that time."""
    end = add_duration(duration, observed)
    now = max(0, end + offset_ms)
    assert now == end or (now > end) == (observed < subtract_duration(duration, now))


@pytest.mark.parametrize(
    ("duration", "began", "end"),
    [
        ("P1M", "2027-01-28T10:00:00", "2027-02-28T10:00:00"),
        ("P1M", "2027-01-31T09:00:00", "2027-03-01"),
        ("P1M", "2028-01-31T09:00:00", "2028-03-01"),
        ("P1Y", "2028-02-29T12:00:00", "2029-03-01"),
        ("P4Y", "2028-02-29T12:00:00", "2032-02-29T12:00:00"),
        ("P13M", "2025-05-31T10:00:00", "2026-07-01"),
        ("P1M", "2026-12-31T23:59:59", "2027-01-31T23:59:59"),
    ],
)
def test_a_month_that_lacks_the_day_ends_with_its_last_day(duration: str, began: str, end: str) -> None:
    """Regulation 1182/71, Art. 3(2)(c)."""
    assert add_duration(duration, to_ms(began)) == to_ms(end)


@given(durations(), TIMES)
def test_a_cut_off_lies_in_the_past_and_not_before_1970(duration: str, now: int) -> None:
    assert 0 <= subtract_duration(duration, now) < max(now, 1)


@given(TIMES)
def test_a_longer_duration_has_an_earlier_cut_off(now: int) -> None:
    cut_offs = [
        subtract_duration(duration, now)
        for duration in ("PT1H", "P1D", "P1W", "P1M", "P1Y", "P10Y", "P9999Y")
    ]
    assert cut_offs == sorted(cut_offs, reverse=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P0D",
        "P1",
        "1Y",
        "P1.5Y",
        "-P1Y",
        "P-1Y",
        "p1y",
        "P1YT",
        "P1D1Y",
        "P1H",
        " P1Y",
        "P1Y\n",
        "P\u0661Y",
    ],
)
def test_an_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an ISO 8601 duration|no time at all"):
        parse_duration(text)
