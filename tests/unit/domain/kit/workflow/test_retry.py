"""Waits double after each failure up to a longest wait, whatever the number of failures."""

from __future__ import annotations

import os

from discretion.domain.kit.workflow.retry import Backoff

BACKOFF = Backoff(min_ms=1_000, max_ms=3_600_000)


def test_the_wait_grows_up_to_the_longest() -> None:
    assert [BACKOFF.compute_delay(failures) for failures in (1, 2, 3)] == [1_000, 2_000, 4_000]
    assert BACKOFF.compute_delay(10**9) == 3_600_000


def test_before_a_failure_the_wait_is_the_shortest() -> None:
    assert BACKOFF.compute_delay(0) == 1_000


def test_a_spread_wait_is_at_least_half_of_the_wait() -> None:
    waits = {BACKOFF.compute_spread_delay(3, os.urandom(4)) for _ in range(100)}
    assert all(2_000 <= wait < 4_000 for wait in waits)
    assert len(waits) > 1
