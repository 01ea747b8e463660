"""A customer who has proven her address and her loyalty card, for journeys about what others claim of her."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.fixtures.proofs import confirm_card

ANN, CARD = "ann@shop.example", "L-9001"


@pytest.fixture
def clock() -> Clock:
    return Clock("2026-11-02T10:00")


@asynccontextmanager
async def open_platform_with_ann(
    database: Database, folder: Path, commands: CommandRecorder, clock: Clock
) -> AsyncIterator[PlatformUnderTest]:
    """Yield a platform a minute after Ann, who lives in California, has proven her address and her card."""
    platform = await build_test_platform(database, folder, commands, clock=clock)
    traits = {
        "givenName": "w-ann",
        "email": ANN,
        "emailVerified": True,
        "address": {"country": "US", "state": "CA"},
    }
    async with platform.http:
        await send(platform, confirm_card({"type": "identify", "userId": "w-ann", "traits": traits}, CARD))
        clock.advance(60_000)
        yield platform


async def send(platform: PlatformUnderTest, message: dict[str, Any], source: str = "web-shop") -> None:
    """Send a message that must be accepted."""
    answer = await platform.send_messages(source, message)
    assert answer["accepted"] == 1, answer
