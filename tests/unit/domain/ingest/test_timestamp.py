"""When something happened, whatever the sender's clock says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from discretion.domain.ingest.timestamp import when
from tests.unit.domain.ingest.messages import heard

HOUR = 3_600_000
NOON = 1_780_000_000_000
LATEST = 4_000_000_000_000


def iso(ms: int) -> str:
    """A time as SDKs write it."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).isoformat()


def at(received: int = NOON, **members: Any) -> int:
    """When a message with these members happened."""
    return when({name: iso(ms) for name, ms in members.items()}, received)


def test_a_slow_and_a_fast_clock_are_both_put_right() -> None:
    """``receivedAt - (sentAt - timestamp)``: ten minutes before sending is ten minutes ago."""
    ago = NOON - 600_000
    assert at(timestamp=ago - HOUR, sentAt=NOON - HOUR) == ago
    assert at(timestamp=ago + HOUR, sentAt=NOON + HOUR) == ago
    assert at(timestamp=ago, sentAt=NOON) == ago


def test_a_message_that_does_not_say_when_it_was_sent_is_taken_at_its_word() -> None:
    """History is imported as it was."""
    assert at(timestamp=NOON - 90 * 24 * HOUR) == NOON - 90 * 24 * HOUR


def test_a_message_without_a_time_happened_when_it_came() -> None:
    """Also when it says when it was sent."""
    assert at() == NOON
    assert at(sentAt=NOON - HOUR) == NOON


def test_the_original_time_stands_in_for_a_missing_one() -> None:
    """And only then; a null is missing."""
    assert at(originalTimestamp=NOON - HOUR) == NOON - HOUR
    assert at(timestamp=NOON - 1, originalTimestamp=NOON - HOUR) == NOON - 1
    assert when({"timestamp": None, "originalTimestamp": iso(NOON - HOUR)}, NOON) == NOON - HOUR


@pytest.mark.parametrize("sent", [0, NOON, LATEST])
@pytest.mark.parametrize("stamp", [0, NOON, LATEST])
def test_nothing_happens_after_it_was_heard_of_or_before_1970(stamp: int, sent: int) -> None:
    """However far a clock is off."""
    assert 0 <= at(timestamp=stamp, sentAt=sent) <= NOON


@given(st.integers(0, NOON), st.integers(0, HOUR), st.integers(-HOUR, HOUR))
@example(age=1_779_999_998_977, way=0, wrong=0)
def test_only_the_time_between_happening_and_sending_counts(age: int, way: int, wrong: int) -> None:
    """A clock that is wrong by anything gives what a right one gives."""
    stamp = NOON - age
    right = at(NOON + way, timestamp=stamp, sentAt=NOON)
    if stamp + wrong >= 0:
        assert at(NOON + way, timestamp=stamp + wrong, sentAt=NOON + wrong) == right
    assert right == NOON + way - age


def test_a_fact_has_the_corrected_time() -> None:
    """The door uses the rule."""
    fact = heard("web-shop", received=NOON, timestamp=iso(NOON - HOUR - 1), sentAt=iso(NOON - HOUR))
    assert (fact.at, fact.received) == (NOON - 1, NOON)
