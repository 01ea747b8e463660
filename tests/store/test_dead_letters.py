"""MongoDB deletes dead letters when they expire, and no other documents."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from discretion.seal.blind_index import BlindIndex
from discretion.store.dead_letters import COLLECTION, DeadLetter, DeadLetterStore
from discretion.store.driver.connection import connect_database
from discretion.store.embedded import mongo_server as embedded
from discretion.store.schema.apply import apply_schema
from discretion.store.tombstones import TombstoneStore
from tests.fixtures.waiting import WAIT_S

FREQUENT_EXPIRY = ("--setParameter", "ttlMonitorSleepSecs=1")
HOUR_MS = 3_600_000


def build_dead_letter(number: int, received: int) -> DeadLetter:
    """Build a dead letter that expires after an hour."""
    return DeadLetter(
        id=bytes([number]) * 16,
        source="tills",
        code="EVENT_UNDECLARED",
        place="event",
        received=received,
        expires=received + HOUR_MS,
        sealed=b"s",
    )


async def test_dead_letters_are_deleted_when_they_expire(tmp_path: Path) -> None:
    """With a retention of an hour, a dead letter of two hours ago is deleted and a new one stays."""
    mongo = await embedded.start_embedded_mongo(tmp_path, extra_arguments=FREQUENT_EXPIRY)
    try:
        database = await connect_database(mongo.url, "expiry")
        await apply_schema(database)
        now = datetime.now(UTC)
        expired = int((now - timedelta(hours=2)).timestamp() * 1000)
        recent = int(now.timestamp() * 1000)
        await DeadLetterStore(database, TombstoneStore(database, BlindIndex(bytes(32)))).save(
            [build_dead_letter(1, expired), build_dead_letter(2, recent)]
        )
        async with asyncio.timeout(WAIT_S):
            while await database.count(COLLECTION, {}) == 2:  # noqa: ASYNC110 - the server sends no notification
                await asyncio.sleep(0.1)
        assert [dead_letter["received"] for dead_letter in await database.find(COLLECTION, {})] == [recent]
        await database.close()
    finally:
        await mongo.stop()
