"""Durations are counted on the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import isodate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.duration import lapse, parse

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = st.integers(0, 250_000_000_000_000 // 1000)


def ms(text: str) -> int:
    """A time as ms since 1970."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)


@st.composite
def durations(draw: st.DrawFn) -> str:
    """Durations of every shape, none of them empty."""
    date = "".join(f"{n}{unit}" for unit in "YMWD" if (n := draw(st.integers(0, 40))))
    time = "".join(f"{n}{unit}" for unit in "HMS" if (n := draw(st.integers(0, 90))))
    text = f"P{date}" + (f"T{time}" if time else "")
    return text if len(text) > 1 else "P1D"


@pytest.mark.parametrize(
    ("duration", "at", "since"),
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
def test_a_duration_goes_back_on_the_calendar(duration: str, at: str, since: str) -> None:
    assert lapse(duration, ms(at)) == ms(since)


@given(durations(), TIMES)
def test_it_agrees_with_another_implementation(duration: str, at: int) -> None:
    moment = EPOCH + timedelta(milliseconds=at)
    try:
        since = moment - isodate.parse_duration(duration)
    except (OverflowError, ValueError):
        since = EPOCH
    assert lapse(duration, at) == max(0, (since - EPOCH) // timedelta(milliseconds=1))


@given(durations(), TIMES, TIMES)
def test_time_never_brings_back_what_has_lapsed(duration: str, one: int, other: int) -> None:
    earlier, later = sorted((one, other))
    assert lapse(duration, earlier) <= lapse(duration, later)


@given(durations(), TIMES)
def test_it_lies_in_the_past_and_after_1970(duration: str, at: int) -> None:
    assert 0 <= lapse(duration, at) < max(at, 1)


@given(TIMES)
def test_a_longer_duration_keeps_longer(at: int) -> None:
    kept = [lapse(one, at) for one in ("PT1H", "P1D", "P1W", "P1M", "P1Y", "P10Y", "P9999Y")]
    assert kept == sorted(kept, reverse=True)


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
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an ISO 8601 duration|no time at all"):
        parse(text)
