"""The clock of these tests."""

from __future__ import annotations

import pytest

from tests.fixtures.clock import RunningClock


@pytest.fixture
def clock() -> RunningClock:
    """Return a clock that starts soon after the dates of the messages."""
    return RunningClock("2026-11-24T10:00:00")
