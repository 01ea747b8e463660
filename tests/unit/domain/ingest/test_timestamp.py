"""The time of a message, corrected for the sender's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from discretion.domain.ingest.timestamp import read_times
from tests.unit.domain.ingest.messages import build_fact

HOUR = 3_600_000
NOON = 1_780_000_000_000
LATEST = 4_000_000_000_000


def format_iso(ms: int) -> str:
    """Format a time as SDKs write it."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).isoformat()


def correct(received: int = NOON, **members: Any) -> int:
    """Return the corrected time of a message with these members."""
    return read_times({name: format_iso(ms) for name, ms in members.items()}, received).at


def test_a_slow_and_a_fast_clock_are_both_corrected() -> None:
    """``receivedAt - (sentAt - timestamp)``: ten minutes before sending is ten minutes ago."""
    ago = NOON - 600_000
    assert correct(timestamp=ago - HOUR, sentAt=NOON - HOUR) == ago
    assert correct(timestamp=ago + HOUR, sentAt=NOON + HOUR) == ago
    assert correct(timestamp=ago, sentAt=NOON) == ago


def test_a_timestamp_without_sent_at_is_not_corrected() -> None:
    """History is imported unchanged."""
    assert correct(timestamp=NOON - 90 * 24 * HOUR) == NOON - 90 * 24 * HOUR


@pytest.mark.parametrize("sent_at", [None, "", "soon", "2026-02-30T10:00:00Z", 1_790_000_000, ["now"]])
def test_an_unreadable_time_of_sending_corrects_nothing(sent_at: object) -> None:
    """It refuses no message; only one that is stated and unreadable is left out and named."""
    times = read_times({"timestamp": format_iso(NOON - HOUR), "sentAt": sent_at}, NOON)
    assert times.at == NOON - HOUR
    assert (times.sent_at_fault is None) == (not sent_at)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2026-11-02t10:00:00z", "2026-11-02T10:00:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2026-11-02 10:00:00+00:00", "2026-11-02T10:00:00Z"),
        ("2016-12-31t18:59:60-05:00", "2017-01-01T00:00:00Z"),
        ("2026-11-02T10:00:00.000000Z", "2026-11-02T10:00:00Z"),
    ],
)
def test_a_time_in_any_notation_of_rfc_3339_is_read(text: str, canonical: str) -> None:
    """As a time of the message and as its time of sending."""
    times = read_times({"timestamp": text, "sentAt": text}, LATEST)
    assert times.at == LATEST
    assert times.claimed_at == read_times({"timestamp": canonical}, LATEST).at
    assert times.sent_at_fault is None


def test_a_message_without_a_timestamp_has_its_time_of_receipt() -> None:
    """Also when it has ``sentAt``."""
    assert correct() == NOON
    assert correct(sentAt=NOON - HOUR) == NOON


def test_the_original_timestamp_replaces_a_missing_one() -> None:
    """Only then; a null counts as missing."""
    assert correct(originalTimestamp=NOON - HOUR) == NOON - HOUR
    assert correct(timestamp=NOON - 1, originalTimestamp=NOON - HOUR) == NOON - 1
    assert (
        read_times({"timestamp": None, "originalTimestamp": format_iso(NOON - HOUR)}, NOON).at == NOON - HOUR
    )


@pytest.mark.parametrize("sent", [0, NOON, LATEST])
@pytest.mark.parametrize("timestamp", [0, NOON, LATEST])
def test_a_time_is_never_after_receipt_or_before_1970(timestamp: int, sent: int) -> None:
    """However wrong a clock is."""
    assert 0 <= correct(timestamp=timestamp, sentAt=sent) <= NOON


@given(st.integers(0, NOON), st.integers(0, HOUR), st.integers(-HOUR, HOUR))
@example(age_ms=1_779_999_998_977, transit_ms=0, clock_error_ms=0)
def test_only_the_time_between_event_and_sending_counts(
    age_ms: int, transit_ms: int, clock_error_ms: int
) -> None:
    """A clock with any error gives the result of a correct clock."""
    timestamp = NOON - age_ms
    expected = correct(NOON + transit_ms, timestamp=timestamp, sentAt=NOON)
    if timestamp + clock_error_ms >= 0:
        assert (
            correct(NOON + transit_ms, timestamp=timestamp + clock_error_ms, sentAt=NOON + clock_error_ms)
            == expected
        )
    assert expected == NOON + transit_ms - age_ms


def test_a_fact_has_the_corrected_time() -> None:
    """The validator applies the rule."""
    fact = build_fact(
        "web-shop", received=NOON, timestamp=format_iso(NOON - HOUR - 1), sentAt=format_iso(NOON - HOUR)
    )
    assert (fact.at, fact.received) == (NOON - 1, NOON)
