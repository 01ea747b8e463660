"""Bucket keys are replaced while two processes take people in: whoever was acknowledged can be read."""

from __future__ import annotations

import asyncio
import base64
import os
from pathlib import Path

import httpx

from discretion.domain.erasure.crypto_shred import Shred
from discretion.seal.bucket_keys import Buckets
from discretion.store.driver.database import Database
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import ROOT, build
from tests.fixtures.server_process import served

BATCHES, TOGETHER, BUCKETS = 12, 8, 64


async def enrol(url: str, key: str, who: str) -> set[str]:
    """Tell of new people; who was taken in."""
    taken: set[str] = set()
    async with httpx.AsyncClient(base_url=url, auth=(key, ""), timeout=30) as http:
        for number in range(BATCHES):
            names = [f"{who}-{number}-{one}" for one in range(TOGETHER)]
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
            assert {one["status"] for one in results} == {"accepted"}
            taken.update(one["messageId"] for one in results)
    return taken


async def test_nobody_is_lost_while_keys_are_replaced(
    database: Database, mongo_url: str, tmp_path: Path
) -> None:
    """Every customer that two servers acknowledged opens under the keys that a third process finds."""
    house = await build(database, tmp_path, Commands())
    environ = {
        "DISCRETION_MONGO_URL": mongo_url,
        "DISCRETION_MONGO_DATABASE": database.name,
        "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT).decode(),
        "DISCRETION_DATA_DIR": str(tmp_path),
        "DISCRETION_BUCKETS": str(BUCKETS),
    }
    shred: Shred = house.platform.shred
    stop, rotations = asyncio.Event(), 0

    async def rotate() -> None:
        nonlocal rotations
        while not stop.is_set():
            await shred([(rotations % 8 + number).to_bytes(4) + bytes(12) for number in range(0, BUCKETS, 8)])
            rotations += 1

    async with house.http:
        with served(environ, tmp_path / "one.log") as one, served(environ, tmp_path / "two.log") as two:
            rotating = asyncio.create_task(rotate())
            key = house.keys["web-shop"]
            taken = await asyncio.gather(enrol(one.url, key, "one"), enrol(two.url, key, "two"))
            stop.set()
            await rotating
    assert sum(map(len, taken)) == 2 * BATCHES * TOGETHER
    assert rotations > 3
    buckets = Buckets.keep(tmp_path / "keys" / "buckets.keys", ROOT, BUCKETS, os.urandom)
    customers = await database.find("customers", {})
    assert len(customers) == 2 * BATCHES * TOGETHER
    for customer in customers:
        assert len(buckets.unwrap(customer["_id"], customer["key"])) == 32
    assert sum(buckets.ring[one].generation - 1 for one in range(BUCKETS)) == rotations * 8
