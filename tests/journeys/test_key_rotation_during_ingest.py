"""Bucket keys are replaced while two servers ingest customers: every acknowledged customer stays readable."""

from __future__ import annotations

import asyncio
import base64
import os
from pathlib import Path

import httpx

from discretion.domain.erasure.crypto_shred import CryptoShredder
from discretion.plan.customer_members import WRAPPED_KEY
from discretion.seal.bucket_keys import BucketKeys
from discretion.store.driver.database import Database
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import ROOT_KEY, build_test_platform
from tests.fixtures.server_process import start_server
from tests.fixtures.waiting import WAIT_S

BATCHES, BATCH_SIZE, BUCKETS = 12, 8, 64


async def send_customers(url: str, key: str, prefix: str) -> set[str]:
    """Send new customers and return the message ids of the accepted messages."""
    accepted_ids: set[str] = set()
    async with httpx.AsyncClient(base_url=url, auth=(key, ""), timeout=WAIT_S) as http:
        for number in range(BATCHES):
            names = [f"{prefix}-{number}-{index}" for index in range(BATCH_SIZE)]
            messages = [
                {
                    "type": "identify",
                    "messageId": name,
                    "userId": name,
                    "traits": {"email": f"{name}@post.example", "firstName": name},
                }
                for name in names
            ]
            headers = {"prefer": "return=representation"}
            response = await http.post("/v1/batch", json={"batch": messages}, headers=headers)
            assert response.status_code == 200, response.text
            results = response.json()["results"]
            assert {result["status"] for result in results} == {"accepted"}
            accepted_ids.update(result["messageId"] for result in results)
    return accepted_ids


async def test_no_customer_is_lost_while_keys_are_replaced(
    database: Database, mongo_url: str, tmp_path: Path
) -> None:
    """The keys on disk unwrap the key of every customer that the two servers acknowledged."""
    platform = await build_test_platform(database, tmp_path, CommandRecorder())
    environ = {
        "DISCRETION_MONGO_URL": mongo_url,
        "DISCRETION_MONGO_DATABASE": database.name,
        "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT_KEY).decode(),
        "DISCRETION_DATA_DIR": str(tmp_path),
        "DISCRETION_BUCKETS": str(BUCKETS),
    }
    shred: CryptoShredder = platform.internals.crypto_shredding
    stop, rotations = asyncio.Event(), 0

    async def rotate() -> None:
        nonlocal rotations
        while not stop.is_set():
            await shred.shred(
                [(rotations % 8 + number).to_bytes(4) + bytes(12) for number in range(0, BUCKETS, 8)]
            )
            rotations += 1

    async with platform.http:
        with (
            start_server(environ, tmp_path / "one.log") as first_server,
            start_server(environ, tmp_path / "two.log") as second_server,
        ):
            rotation = asyncio.create_task(rotate())
            key = platform.write_keys["web-shop"]
            accepted_ids = await asyncio.gather(
                send_customers(first_server.url, key, "one"), send_customers(second_server.url, key, "two")
            )
            stop.set()
            await rotation
    assert sum(map(len, accepted_ids)) == 2 * BATCHES * BATCH_SIZE
    assert rotations > 3
    buckets = BucketKeys.open_or_create(tmp_path / "keys" / "buckets.keys", ROOT_KEY, BUCKETS, os.urandom)
    customers = await database.find("customers", {})
    assert len(customers) == 2 * BATCHES * BATCH_SIZE
    for customer in customers:
        assert len(buckets.unwrap(customer["_id"], customer[WRAPPED_KEY])) == 32
    assert sum(buckets.ring[bucket].generation - 1 for bucket in range(BUCKETS)) == rotations * 8
