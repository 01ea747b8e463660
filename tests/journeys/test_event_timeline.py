"""The timeline of a customer shows the properties of events only to those who may see them in clear."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform

SEARCH = {
    "type": "track",
    "messageId": "m1",
    "userId": "u1",
    "event": "Products Searched",
    "properties": {"query": "red shoes"},
    "context": {"consent": {"categoryPreferences": {"analytics": True, "personalize": True}}},
}
READ_EVENTS = "{ customers { nodes { events { nodes { name properties } } } } }"
CLOCK_DIFFERENCE_MS = 2_000


@pytest.fixture
def clock() -> Clock:
    """Return a clock that a test sets."""
    return Clock("2026-11-02T10:00")


@pytest_asyncio.fixture
async def platform(
    database: Database, tmp_path: Path, commands: CommandRecorder, clock: Clock
) -> AsyncIterator[PlatformUnderTest]:
    """Yield a platform with one customer who searched for products."""
    platform = await build_test_platform(database, tmp_path, commands, clock=clock)
    async with platform.http:
        await platform.send_messages("web-shop", SEARCH)
        yield platform


@pytest.mark.parametrize("behind_ms", [0, CLOCK_DIFFERENCE_MS])
async def test_a_coarse_use_sees_no_properties_also_of_an_event_after_its_own_time(
    platform: PlatformUnderTest, clock: Clock, behind_ms: int
) -> None:
    """An event arrives while an operation runs, or through a server whose clock is ahead."""
    clock.advance(-behind_ms)
    answer = await platform.query(READ_EVENTS, platform.issue_token("analytics"))
    (customer,) = answer["data"]["customers"]["nodes"]
    assert customer["events"]["nodes"] == [{"name": "Products Searched", "properties": None}]


async def test_a_clear_use_sees_the_properties(platform: PlatformUnderTest) -> None:
    answer = await platform.query(READ_EVENTS, platform.issue_token("frontend"))
    (customer,) = answer["data"]["customers"]["nodes"]
    assert customer["events"]["nodes"] == [
        {"name": "Products Searched", "properties": {"query": "red shoes"}}
    ]
