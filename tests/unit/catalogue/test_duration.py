"""Durations are subtracted on the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import isodate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.duration import parse_duration, subtract_duration

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = st.integers(0, 250_000_000_000_000 // 1000)


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
        ("P1Y", "2024-02-29", "2023-02-28"),
        ("P4Y", "2024-02-29", "2020-02-29"),
        ("P1M", "2026-03-31", "2026-02-28"),
        ("P1M", "2026-01-31T10:30:00.250", "2025-12-31T10:30:00.250"),
        ("P13M", "2026-01-15", "2024-12-15"),
        ("P2W", "2026-03-10", "2026-02-24"),
        ("P90D", "2026-03-31", "2025-12-31"),
        ("P1M1D", "2026-03-31", "2026-02-27"),
        ("P1DT12H", "2026-03-10", "2026-03-08T12:00:00"),
        ("PT90M", "2026-03-10", "2026-03-09T22:30:00"),
        ("PT30S", "2026-03-10T00:01:00", "2026-03-10T00:00:30"),
    ],
)
def test_a_duration_is_subtracted_on_the_calendar(duration: str, now: str, cut_off: str) -> None:
    assert subtract_duration(duration, to_ms(now)) == to_ms(cut_off)


@given(durations(), TIMES)
def test_subtraction_agrees_with_isodate(duration: str, now: int) -> None:
    moment = EPOCH + timedelta(milliseconds=now)
    try:
        cut_off = moment - isodate.parse_duration(duration)
    except (OverflowError, ValueError):
        cut_off = EPOCH
    assert subtract_duration(duration, now) == max(0, (cut_off - EPOCH) // timedelta(milliseconds=1))


@given(durations(), TIMES, TIMES)
def test_a_later_time_never_has_an_earlier_cut_off(duration: str, first_ms: int, second_ms: int) -> None:
    earlier, later = sorted((first_ms, second_ms))
    assert subtract_duration(duration, earlier) <= subtract_duration(duration, later)


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
