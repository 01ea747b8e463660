"""Dead letters in journeys: a refused message, a catalogue that accepts it, and its replay."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from discretion.app.clock import now_ms
from discretion.catalogue.load import find_shipped_catalogue, load_catalogue
from discretion.reveal.forms import format_timestamp
from discretion.store.dead_letters import DeadLetterFilter
from discretion.store.driver.database import Database
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform

CORRECTED_EVENT = """
properties:
  crater: {type: String, category: user.behavior.browsing_history, description: Where.}
events:
  Moon Landed:
    description: A customer landed on the moon.
    category: user.behavior.browsing_history
    retention: P1Y
    channels: [web]
    required: [total]
    properties: [crater]
    uses:
      clear: [essential.service.operations.support]
"""
UNDECLARED = "Wolfeschlegelsteinhausen"
DECLARED = "Tranquillity-Base-0042"
DAY_MS = 86_400_000
SENT_MS = now_ms() - 30 * DAY_MS
"""Within the retention of the event, whenever the tests run."""

SENT_AT = format_timestamp(SENT_MS)
MOON_LANDED = {
    "type": "track",
    "event": "Moon Landed",
    "messageId": "m-1",
    "userId": "u-1",
    "timestamp": SENT_AT,
    "properties": {"order_id": DECLARED, "total": 12, "hatSize": UNDECLARED, UNDECLARED: 1},
    "context": {"traits": {"email": "ann@shop.example", "starSign": UNDECLARED}, "app": {"x": UNDECLARED}},
}
COUNTS = "{ deadLetters { code place source count oldestAt newestAt } }"
TIMELINE = """{ customers { nodes { contact { email }
  events(first: 50) { nodes { name occurredAt receivedAt properties } } } } }"""
REPLAYED = {"taken": 1, "duplicate": 0, "refused": {}, "unreadable": {}}


def write_corrected_catalogue(folder: Path) -> Path:
    """Write a catalogue that declares the refused event and return its folder."""
    shutil.copytree(find_shipped_catalogue(), folder / "catalogue")
    (folder / "catalogue" / "moon.yaml").write_text(CORRECTED_EVENT, "utf-8")
    return folder / "catalogue"


@asynccontextmanager
async def open_corrected_platform(
    database: Database, folder: Path, clock: Callable[[], int] = now_ms
) -> AsyncIterator[PlatformUnderTest]:
    """Open the platform on the same database with the corrected catalogue."""
    platform = await build_test_platform(
        database, folder, CommandRecorder(), load_catalogue(write_corrected_catalogue(folder)), clock=clock
    )
    async with platform.http:
        yield platform


async def read_counts(platform: PlatformUnderTest) -> list[dict[str, Any]]:
    """Return the counts of dead letters that a steward sees."""
    answer = await platform.query(COUNTS, platform.issue_token("steward"))
    counts: list[dict[str, Any]] = answer["data"]["deadLetters"]
    return counts


async def read_events(platform: PlatformUnderTest) -> list[dict[str, Any]]:
    """Return the timeline events of all customers, as the support role sees them."""
    answer = await platform.query(TIMELINE, platform.issue_token("support"))
    return [event for node in answer["data"]["customers"]["nodes"] for event in node["events"]["nodes"]]


async def replay_dead_letters(
    platform: PlatformUnderTest, *, dry_run: bool = False, **filters: Any
) -> dict[str, Any]:
    """Replay the dead letters that match the filters and return the tally."""
    tally = await platform.internals.dead_letter_replay.run(
        DeadLetterFilter(**filters), lambda _: None, dry=dry_run
    )
    return {
        "taken": tally.accepted,
        "duplicate": tally.duplicate,
        "refused": dict(tally.refused),
        "unreadable": dict(tally.unreadable),
    }
