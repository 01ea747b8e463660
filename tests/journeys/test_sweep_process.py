"""A sweep by command and by server: what it deleted before a kill is on record, the rest goes next time."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from discretion.app.clock import now_ms
from discretion.domain.retention.sweep import HELD_MS, PAGE
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.demo import PROGRAM
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import ROOT, House, build
from tests.fixtures.server_process import environment, served, told

PEOPLE = 8 * PAGE
BATCH = 400
WAIT_S = 60


def known(number: int) -> list[dict[str, Any]]:
    """What was known of somebody: a name, and what they looked at."""
    who = {"userId": f"user-{number}"}
    event = {"event": "Product Viewed", "properties": {"product_id": "p"}}
    return [
        {"type": "identify", "messageId": f"i{number}", "traits": {"lastName": "Lind"}, **who},
        {"type": "track", "messageId": f"v{number}", **event, **who},
    ]


async def aged(
    database: Database, folder: Path, commands: Commands, mongo_url: str, people: int
) -> tuple[House, dict[str, str]]:
    """A house that was told of people six years ago, and the settings of a process on the same."""
    house = await build(database, folder, commands, clock=Clock("2020-05-01T10:00:00"))
    async with house.http:
        for start in range(0, people, BATCH):
            messages = [one for number in range(start, min(start + BATCH, people)) for one in known(number)]
            assert (await house.tell("web-shop", *messages))["accepted"] == len(messages)
    return house, {
        "DISCRETION_MONGO_URL": mongo_url,
        "DISCRETION_MONGO_DATABASE": database.name,
        "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT).decode(),
        "DISCRETION_BUCKETS": "64",
        "DISCRETION_DATA_DIR": str(folder),
    }


async def test_killed_half_way_it_is_finished_by_the_next(
    database: Database, tmp_path: Path, commands: Commands, mongo_url: str
) -> None:
    """``kill -9`` of ``discretion retention run``; before that, a dry run has said what it will do."""
    house, settings = await aged(database, tmp_path, commands, mongo_url, PEOPLE)
    said = await asyncio.to_thread(told, settings, "retention", "run", "--dry-run")
    assert [line for line in said.splitlines() if "identity.familyName" in line and f"{PEOPLE:,}" in line]
    assert [line for line in said.splitlines() if "event: Product Viewed" in line and f"{PEOPLE:,}" in line]
    assert await database.count("sweeps", {}) == 0
    process = await asyncio.to_thread(
        subprocess.Popen,
        [*PROGRAM, "retention", "run"],
        env=environment(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await _until_it_has_begun(database)
    finally:
        process.kill()
        process.wait(WAIT_S)
    [run] = await database.find("sweeps", {})
    left = await database.count("source_records", {"cells": {"$ne": {}}})
    viewed = await database.count("events", {})
    assert "finished" not in run
    assert 0 < left < PEOPLE, "it was not half-way, so nothing was put to the test"
    assert (_counted(run, "values", "identity/familyName"), run["changed"]) == (PEOPLE - left, PEOPLE - left)
    assert _counted(run, "events", "Product Viewed") == PEOPLE - viewed
    assert await database.count("customers", {"s": {"$ne": {}}}) == left

    sweep = replace(house.platform.sweep, now_ms=lambda: now_ms() + HELD_MS + WAIT_S * 1000)
    done = await sweep.run(lambda _: None)
    assert (done.number, done.fence, done.met) == (1, 2, PEOPLE)
    assert (done.values["identity/familyName"], done.events["Product Viewed"]) == (PEOPLE, PEOPLE)
    assert (
        await database.count("source_records", {"$or": [{"cells": {"$ne": {}}}, {"folds": {"$ne": {}}}]}) == 0
    )
    assert await database.count("customers", {"$or": [{one: {"$ne": {}}} for one in "sotp"]}) == 0
    assert await database.count("events", {}) == 0


async def test_a_server_sweeps_when_it_starts(
    database: Database, tmp_path: Path, commands: Commands, mongo_url: str
) -> None:
    """By itself, and stops cleanly afterwards."""
    _, settings = await aged(database, tmp_path, commands, mongo_url, 3)

    def serve() -> int:
        with served(settings, tmp_path / "server.log") as server:
            until = time.monotonic() + WAIT_S
            while not asyncio.run_coroutine_threadsafe(finished(), loop).result(WAIT_S):
                assert time.monotonic() < until, "it does not sweep"
                time.sleep(0.05)
            return server.stop()

    async def finished() -> bool:
        return await database.count("sweeps", {"finished": {"$exists": True}}) == 1

    loop = asyncio.get_running_loop()
    assert await asyncio.to_thread(serve) == 0
    assert await database.count("source_records", {"cells": {}, "folds": {}}) == 3
    assert await database.count("events", {}) == 0


def _counted(run: dict[str, Any], what: str, name: str) -> int:
    counts = {one["name"]: one["count"] for one in run[what]}
    return int(counts.get(name, 0))


async def _until_it_has_begun(database: Database) -> None:
    until = time.monotonic() + WAIT_S
    while not await database.count("sweeps", {"changed": {"$gt": 0}}):
        assert time.monotonic() < until, "it does not begin"
        await asyncio.sleep(0.002)
