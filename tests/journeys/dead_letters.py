"""Refused messages in journeys: one that is refused, the catalogue that takes it in, what becomes of it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from discretion.app.clock import now_ms
from discretion.catalogue.load import load, shipped
from discretion.store.dead_letters import Wanted
from discretion.store.driver.database import Database
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build

MENDED = """
properties:
  crater: {type: String, category: user.behavior.browsing_history, description: Where.}
events:
  Moon Landed:
    description: A customer landed on the moon.
    category: user.behavior.browsing_history
    retention: P1Y
    channels: [web]
    properties: [crater, total]
    uses:
      clear: [essential.service.operations.support]
"""
UNDECLARED = "Wolfeschlegelsteinhausen"
DECLARED = "Tranquillity-Base-0042"
WHEN = "2026-03-01T10:00:00.000Z"
LANDED = {
    "type": "track",
    "event": "Moon Landed",
    "messageId": "m-1",
    "userId": "u-1",
    "timestamp": WHEN,
    "properties": {"order_id": DECLARED, "total": 12, "hatSize": UNDECLARED, UNDECLARED: 1},
    "context": {"traits": {"email": "ann@shop.example", "starSign": UNDECLARED}, "app": {"x": UNDECLARED}},
}
COUNTS = "{ deadLetters { code place source count oldestAt newestAt } }"
TIMELINE = """{ customers { nodes { contact { email }
  events(first: 50) { nodes { name occurredAt receivedAt properties } } } } }"""
TAKEN = {"taken": 1, "duplicate": 0, "refused": {}, "unreadable": {}}


def mended(folder: Path) -> Path:
    """The folder of a catalogue that declares what was refused."""
    shutil.copytree(shipped(), folder / "catalogue")
    (folder / "catalogue" / "moon.yaml").write_text(MENDED, "utf-8")
    return folder / "catalogue"


@asynccontextmanager
async def mended_house(
    database: Database, folder: Path, clock: Callable[[], int] = now_ms
) -> AsyncIterator[House]:
    """The house on the same database, with that catalogue."""
    house = await build(database, folder, Commands(), load(mended(folder)), clock=clock)
    async with house.http:
        yield house


async def counts(house: House) -> list[dict[str, Any]]:
    """What the steward sees."""
    answer = await house.ask(COUNTS, house.token("steward"))
    found: list[dict[str, Any]] = answer["data"]["deadLetters"]
    return found


async def events(house: House) -> list[dict[str, Any]]:
    """Everybody's timeline, as support sees it."""
    answer = await house.ask(TIMELINE, house.token("support"))
    return [event for node in answer["data"]["customers"]["nodes"] for event in node["events"]["nodes"]]


async def replay(house: House, *, dry: bool = False, **wanted: Any) -> dict[str, Any]:
    """What becomes of the letters that are wanted."""
    tally = await house.platform.replay.run(Wanted(**wanted), lambda _: None, dry=dry)
    return {
        "taken": tally.taken,
        "duplicate": tally.duplicate,
        "refused": dict(tally.refused),
        "unreadable": dict(tally.unreadable),
    }
