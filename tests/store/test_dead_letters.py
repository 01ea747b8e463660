"""MongoDB deletes by itself what has an end, and nothing else."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from discretion.seal.blind_index import BlindIndex
from discretion.store.dead_letters import COLLECTION, DeadLetters
from discretion.store.driver.database import connect
from discretion.store.embedded import mongo_server as embedded
from discretion.store.schema.apply import prepare
from discretion.store.tombstones import Tombstones

OFTEN = ("--setParameter", "ttlMonitorSleepSecs=1")
HOUR_MS = 3_600_000


def letter(number: int, received: int) -> dict[str, object]:
    """A letter."""
    return {
        "_id": bytes([number]) * 16,
        "source": "tills",
        "code": "EVENT_UNDECLARED",
        "place": "event",
        "received": received,
        "dropped": 0,
        "marks": [],
        "sealed": b"s",
    }


async def test_letters_are_deleted_when_their_time_is_over(tmp_path: Path) -> None:
    """The one kept for an hour and received two hours ago goes, the one of now stays."""
    mongo = await embedded.start(tmp_path, extra_arguments=OFTEN)
    try:
        database = await connect(mongo.url, "expiry")
        await prepare(database)
        now = datetime.now(UTC)
        old = int((now - timedelta(hours=2)).timestamp() * 1000)
        new = int(now.timestamp() * 1000)
        await DeadLetters(database, Tombstones(database, BlindIndex(bytes(32)))).keep(
            [letter(1, old), letter(2, new)], HOUR_MS
        )
        async with asyncio.timeout(30):
            while await database.count(COLLECTION, {}) == 2:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.1)
        assert [one["received"] for one in await database.find(COLLECTION, {})] == [new]
        await database.close()
    finally:
        await mongo.stop()
