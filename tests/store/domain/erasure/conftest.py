"""A platform with one bucket: each erasure rewraps the keys of all other customers, not only by chance."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from discretion.store.driver.database import Database
from tests.fixtures.clock import RunningClock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform


@pytest.fixture
def clock() -> RunningClock:
    """Return a clock that starts soon after the dates of the messages."""
    return RunningClock("2026-11-24T10:00:00")


@pytest_asyncio.fixture
async def platform(
    database: Database, tmp_path: Path, commands: CommandRecorder, clock: RunningClock
) -> AsyncIterator[PlatformUnderTest]:
    """Yield an empty platform with the shipped catalogue."""
    platform_with_one_bucket = await build_test_platform(database, tmp_path, commands, clock=clock, buckets=1)
    async with platform_with_one_bucket.http:
        yield platform_with_one_bucket
