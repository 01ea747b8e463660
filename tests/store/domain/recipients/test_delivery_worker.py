"""The delivery worker survives what nobody foresaw; one delivery that cannot be sent holds up no other."""

from __future__ import annotations

import asyncio
import os

from discretion.domain.kit.egress import EgressClient
from discretion.domain.recipients.delivery import DeliveryState
from discretion.domain.recipients.delivery_worker import DeliveryWorker, run_delivery_worker
from discretion.domain.recipients.notification import NotificationSigner
from discretion.store.deliveries import DeliveryStore
from discretion.store.driver.database import Database
from discretion.store.schema.apply import apply_schema
from discretion.token.keys import KeySet
from tests.fixtures.clock import Clock


async def test_a_delivery_that_cannot_be_read_ends_neither_the_worker_nor_the_others(
    database: Database,
) -> None:
    await apply_schema(database, [])
    clock = Clock("2026-11-02T10:00")
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
        "created": clock(),
        "next": clock(),
    }
    unreadable = {**delivery, "_id": b"1" * 16, "state": "a state of a later release"}
    await database.insert_many("deliveries", [unreadable, {**delivery, "_id": b"2" * 16}])
    signer = NotificationSigner(KeySet.generate, "https://shop.example")
    worker = DeliveryWorker(DeliveryStore(database), signer, EgressClient(), clock, os.urandom)

    async def is_left_to_a_steward() -> bool:
        document = await database.find_one("deliveries", {"_id": b"2" * 16})
        return document is not None and document["state"] == DeliveryState.BY_HAND

    async with run_delivery_worker(worker), asyncio.timeout(10):
        while not await is_left_to_a_steward():  # noqa: ASYNC110 - a database sends no notification
            await asyncio.sleep(0.05)
