"""The delivery worker survives what nobody foresaw; one delivery that cannot be sent holds up no other."""

from __future__ import annotations

import asyncio
from pathlib import Path

from discretion.app.clock import now_ms
from discretion.domain.recipients.delivery_worker import run_delivery_worker
from discretion.store.deliveries import DeliveryState
from discretion.store.driver.database import Database
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import build_test_platform
from tests.fixtures.waiting import WAIT_S


async def test_a_delivery_that_cannot_be_read_ends_neither_the_worker_nor_the_others(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    platform = await build_test_platform(database, tmp_path, commands)
    delivery = {
        "request": b"r" * 16,
        "client": "ad-partner",
        "what": "erasure",
        "subjects": ["x"],
        "attributes": [],
        "purposes": [],
        "state": "open",
        "attempts": 0,
        "fence": 0,
        "until": 0,
        "created": now_ms(),
        "next": 0,
    }
    unreadable = {**delivery, "_id": b"1" * 16, "state": "a state of a later release"}
    await database.insert_many("deliveries", [unreadable, {**delivery, "_id": b"2" * 16}])

    async def is_left_to_a_steward() -> bool:
        document = await database.find_one("deliveries", {"_id": b"2" * 16})
        return document is not None and document["state"] == DeliveryState.BY_HAND

    async with run_delivery_worker(platform.internals.recipients.delivery_worker), asyncio.timeout(WAIT_S):
        while not await is_left_to_a_steward():  # noqa: ASYNC110 - a database sends no notification
            await asyncio.sleep(0.05)
