"""A retention sweep by command and by server: the next sweep finishes a killed one."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from discretion.app.clock import now_ms
from discretion.domain.retention.sweep import LEASE_MS, PAGE_SIZE
from discretion.store.customer_codec import parse_customer
from discretion.store.driver.database import Database
from discretion.store.source_record_codec import CELLS, TOTALS
from tests.fixtures.attribute_keys import KEYS
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import ROOT_KEY, PlatformUnderTest, build_test_platform
from tests.fixtures.program import start_program
from tests.fixtures.server_process import environment, run_command, start_server
from tests.fixtures.waiting import WAIT_S

PEOPLE = 8 * PAGE_SIZE
BATCH = 400


def build_messages(number: int) -> list[dict[str, Any]]:
    """Build the messages of one customer: a name and a viewed product."""
    identifiers = {"userId": f"user-{number}"}
    event = {"event": "Product Viewed", "properties": {"product_id": "p"}}
    return [
        {"type": "identify", "messageId": f"i{number}", "traits": {"lastName": "Lind"}, **identifiers},
        {"type": "track", "messageId": f"v{number}", **event, **identifiers},
    ]


async def build_aged_platform(
    database: Database, folder: Path, commands: CommandRecorder, mongo_url: str, people: int
) -> tuple[PlatformUnderTest, dict[str, str]]:
    """Build a platform with customers of six years ago, and settings of a process on its database."""
    platform = await build_test_platform(database, folder, commands, clock=Clock("2020-05-01T10:00:00"))
    async with platform.http:
        for start in range(0, people, BATCH):
            messages = [
                message
                for number in range(start, min(start + BATCH, people))
                for message in build_messages(number)
            ]
            assert (await platform.send_messages("web-shop", *messages))["accepted"] == len(messages)
    return platform, {
        "DISCRETION_MONGO_URL": mongo_url,
        "DISCRETION_MONGO_DATABASE": database.name,
        "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT_KEY).decode(),
        "DISCRETION_BUCKETS": "64",
        "DISCRETION_DATA_DIR": str(folder),
    }


async def test_a_killed_sweep_is_finished_by_the_next_sweep(
    database: Database, tmp_path: Path, commands: CommandRecorder, mongo_url: str
) -> None:
    """``kill -9`` of ``discretion retention run``; a dry run before it reports the same counts."""
    platform, settings = await build_aged_platform(database, tmp_path, commands, mongo_url, PEOPLE)
    output = await asyncio.to_thread(run_command, settings, "retention", "run", "--dry-run")
    assert [line for line in output.splitlines() if "identity.familyName" in line and f"{PEOPLE:,}" in line]
    assert [line for line in output.splitlines() if "event: Product Viewed" in line and f"{PEOPLE:,}" in line]
    assert await database.count("sweeps", {}) == 0
    process = start_program(("retention", "run"), environment(settings))
    try:
        await _wait_until_begun(database)
    finally:
        process.kill()
        process.wait(WAIT_S)
    [run] = await database.find("sweeps", {})
    remaining_records = await database.count("source_records", {CELLS: {"$ne": {}}})
    remaining_events = await database.count("events", {})
    assert "finished" not in run
    assert 0 < remaining_records < PEOPLE, (
        "the sweep was not half-way when it was killed, so the test proves nothing"
    )
    assert (_read_count(run, "values", "identity.familyName"), run["changed"]) == (
        PEOPLE - remaining_records,
        PEOPLE - remaining_records,
    )
    assert _read_count(run, "events", "Product Viewed") == PEOPLE - remaining_events
    with_name = {KEYS["identity.familyName"]: {"$exists": True}}
    assert await database.count("customers", with_name) == remaining_records

    sweep = replace(platform.internals.retention_sweep, now_ms=lambda: now_ms() + LEASE_MS + WAIT_S * 1000)
    finished_sweep = await sweep.run(lambda _: None)
    assert (finished_sweep.number, finished_sweep.fence, finished_sweep.examined) == (1, 2, PEOPLE)
    assert (finished_sweep.values["identity.familyName"], finished_sweep.events["Product Viewed"]) == (
        PEOPLE,
        PEOPLE,
    )
    assert await database.count("source_records", {"$or": [{CELLS: {"$ne": {}}}, {TOTALS: {"$ne": {}}}]}) == 0
    assert not [
        customer.id
        for customer in map(parse_customer, await database.find("customers", {}))
        if customer.sealed or customer.open or customer.observed or customer.provenance
    ]
    assert await database.count("events", {}) == 0


async def test_a_server_sweeps_when_it_starts(
    database: Database, tmp_path: Path, commands: CommandRecorder, mongo_url: str
) -> None:
    """The sweep needs no command, and the server stops cleanly afterwards."""
    _, settings = await build_aged_platform(database, tmp_path, commands, mongo_url, 3)

    def serve() -> int:
        with start_server(settings, tmp_path / "server.log") as server:
            deadline = time.monotonic() + WAIT_S
            while not asyncio.run_coroutine_threadsafe(has_finished(), loop).result(WAIT_S):
                assert time.monotonic() < deadline, "the server did not sweep in time"
                time.sleep(0.05)
            return server.stop()

    async def has_finished() -> bool:
        return await database.count("sweeps", {"finished": {"$exists": True}}) == 1

    loop = asyncio.get_running_loop()
    assert await asyncio.to_thread(serve) == 0
    assert await database.count("source_records", {CELLS: {}, TOTALS: {}}) == 3
    assert await database.count("events", {}) == 0


def _read_count(run: dict[str, Any], field: str, name: str) -> int:
    counts = {entry["name"]: entry["count"] for entry in run[field]}
    return int(counts.get(name, 0))


async def _wait_until_begun(database: Database) -> None:
    deadline = time.monotonic() + WAIT_S
    while not await database.count("sweeps", {"changed": {"$gt": 0}}):
        assert time.monotonic() < deadline, "the sweep did not begin in time"
        await asyncio.sleep(0.002)
