"""A sweep among others: one at a time, resumed by the next, and who writes meanwhile loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from discretion.domain.retention import sweep as sweep_module
from discretion.domain.retention.daily_sweep import sweeping
from discretion.domain.retention.sweep import DAY_MS, GRACE_MS, HELD_MS, Sweep
from discretion.domain.retention.sweep_run import Run
from discretion.errors import Conflict
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build

BEGUN = "2020-05-01T10:00:00"
OVER = "2026-11-24T10:00:00"
PEOPLE = 12


def unheard(_: Run) -> None:
    """Nobody asks how far it is."""


def meddled(database: Database, call: str, meanwhile: Callable[[], Awaitable[object]]) -> Database:
    """A database where something happens once, before the first call of this name."""
    other, real, waiting = copy(database), getattr(database, call), [meanwhile]

    async def called(*told: Any, **named: Any) -> Any:
        while waiting:
            await waiting.pop()()
        return await real(*told, **named)

    other.__dict__[call] = called
    return other


def person(number: int, name: str, **members: Any) -> dict[str, Any]:
    """What somebody is called."""
    return {
        "type": "identify",
        "userId": f"user-{number}",
        "messageId": f"{number}-{name}",
        "traits": {"lastName": name, "email": f"p{number}@post.example"},
        **members,
    }


def viewed(number: int) -> dict[str, Any]:
    """What somebody looked at."""
    told = {"type": "track", "event": "Product Viewed", "properties": {"product_id": "p"}}
    return {**told, "userId": f"user-{number}", "messageId": f"v{number}"}


async def aged(database: Database, folder: Path, commands: Commands) -> tuple[House, Clock]:
    """A house that has known some people for so long that everything of theirs has lapsed."""
    clock = Clock(BEGUN)
    house = await build(database, folder, commands, clock=clock)
    for number in range(PEOPLE):
        await house.tell("web-shop", person(number, "Old"), viewed(number))
    clock.set(OVER)
    return house, clock


async def kept(database: Database, collection: str) -> list[dict[str, Any]]:
    """Every document."""
    return await database.find(collection, {}, sort=[("_id", 1)])


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_what_comes_between_its_reads_and_its_writes_is_not_lost(
    database: Database, tmp_path: Path, commands: Commands
) -> None:
    """New words and new values of the very people it renews; the step begins again and leaves them."""
    house, _ = await aged(database, tmp_path, commands)

    async def meanwhile() -> None:
        told = {"traits": {"lastName": "New", "firstName": "Ada"}}
        await asyncio.gather(
            *(house.tell("web-shop", {**person(number, "New"), **told}) for number in range(PEOPLE))
        )

    sweep = house.platform.sweep
    run = await replace(sweep, database=meddled(database, "bulk_write", meanwhile)).run(unheard)
    for record in await kept(database, "source_records"):
        assert sorted(record["cells"]) == ["identity/familyName", "identity/givenName"]
        assert {cell["m"].partition("-")[2] for cell in record["cells"].values()} == {"New"}
    for customer in await kept(database, "customers"):
        assert sorted(customer["s"]) == ["identity/familyName", "identity/givenName"]
    assert run.values["contact/email"] == PEOPLE
    assert "identity/familyName" not in run.values


async def test_under_steady_traffic_nobody_loses_a_word(
    database: Database, tmp_path: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight senders write the people a sweep renews two by two; each profile is the fold of its records."""
    monkeypatch.setattr(sweep_module, "TOGETHER", 2)
    house, _ = await aged(database, tmp_path, commands)

    async def send(sender: int) -> None:
        for number in range(sender, PEOPLE, 4):
            told = await house.tell("web-shop", person(number, f"New{sender}"))
            assert told["accepted"] == 1

    await asyncio.gather(house.platform.sweep.run(unheard), *(send(sender) for sender in range(8)))
    found = await kept(database, "source_records")
    assert len(found) == PEOPLE
    for record in found:
        assert sorted(record["cells"]) == ["contact/email", "identity/familyName"]
    for customer in await kept(database, "customers"):
        [record] = [one for one in found if one["customer"] == customer["_id"]]
        assert customer["s"] == {key: cell["c"] for key, cell in record["cells"].items()}
        assert customer["o"] == {}
    assert await database.count("events", {}) == 0


async def test_one_process_sweeps_at_a_time(database: Database, tmp_path: Path, commands: Commands) -> None:
    """Of five that begin at once, one does; the others are told so."""
    house, _ = await aged(database, tmp_path, commands)
    runs = [house.platform.sweep.run(unheard) for _ in range(5)]
    outcomes = await asyncio.gather(*runs, return_exceptions=True)
    [run] = [one for one in outcomes if isinstance(one, Run)]
    assert [one.code for one in outcomes if isinstance(one, Conflict)] == ["SWEEP_RUNNING"] * 4
    assert (run.met, run.values["contact/email"]) == (PEOPLE, PEOPLE)
    assert [int(one["_id"]) for one in await kept(database, "sweeps")] == [1]


async def test_who_was_thought_dead_deletes_nothing_more(
    database: Database, tmp_path: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that stood still longer than it is held is taken over, and fenced out when it wakes."""
    monkeypatch.setattr(sweep_module, "PAGE", 2)
    house, clock = await aged(database, tmp_path, commands)
    sweep = house.platform.sweep
    slow = await sweep._step(await sweep._begun())
    assert slow.met == 2
    with pytest.raises(Conflict, match="Another process"):
        await sweep.run(unheard)
    clock.forward(HELD_MS + 1)
    other = await sweep._begun()
    before = await kept(database, "source_records")
    with pytest.raises(Conflict, match="Another process"):
        await sweep._step(slow)
    assert await kept(database, "source_records") == before
    assert (other.number, other.fence, other.met, other.cursor) == (1, 2, 2, slow.cursor)
    while other.finished is None:
        other = await sweep._step(other)
    assert (other.met, other.values["identity/familyName"]) == (PEOPLE, PEOPLE)


@pytest.mark.parametrize(("page", "together", "events"), [(5, 2, 1), (1, 1, 7), (200, 100, 500)])
async def test_steps_of_any_size_delete_the_same(
    database: Database,
    tmp_path: Path,
    commands: Commands,
    monkeypatch: pytest.MonkeyPatch,
    page: int,
    together: int,
    events: int,
) -> None:
    """And no transaction takes more than its share; what is counted is what was there."""
    for name, size in (("PAGE", page), ("TOGETHER", together), ("EVENTS", events)):
        monkeypatch.setattr(sweep_module, name, size)
    house, _ = await aged(database, tmp_path, commands)
    steps: list[Run] = []
    run = await house.platform.sweep.run(steps.append)
    assert all(record["cells"] == {} for record in await kept(database, "source_records"))
    assert all((one["s"], one["o"], one["p"]) == ({}, {}, {}) for one in await kept(database, "customers"))
    assert run.events == {"Product Viewed": PEOPLE}
    assert run.values["identity/familyName"] == run.changed == run.met == PEOPLE
    gone = [0, *(one.changed for one in steps)]
    assert max(after - before for before, after in pairwise(gone)) <= together
    went = [0, *(sum(one.events.values()) for one in steps)]
    assert max(after - before for before, after in pairwise(went)) <= events
    [doc] = await kept(database, "sweeps")
    assert (doc["finished"], doc["cursor"]) == (house.platform.sweep.now_ms(), b"")


async def test_events_go_an_hour_after_they_lapse(
    database: Database, tmp_path: Path, commands: Commands
) -> None:
    """The last of May is over when June is; one that is still on its way then is not counted twice."""
    clock = Clock("2025-05-31T10:00:00")
    house = await build(database, tmp_path, commands, clock=clock)
    await house.tell("web-shop", viewed(1))
    clock.set("2026-07-01T00:00:00")
    await house.platform.sweep.run(unheard)
    assert await database.count("events", {}) == 1
    clock.forward(GRACE_MS)
    await house.platform.sweep.run(unheard)
    assert await database.count("events", {}) == 0


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(10):
        while not await holds():  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(0.01)


async def test_by_itself_it_sweeps_at_the_start_and_once_a_day(
    database: Database, tmp_path: Path, commands: Commands
) -> None:
    """Two processes on one database do it once, and one that stops in the middle leaves it to the next."""
    house, clock = await aged(database, tmp_path, commands)
    sweep = house.platform.sweep

    async def finished(number: int) -> bool:
        latest = await sweep.sweeps.latest()
        return latest is not None and int(latest["_id"]) == number and "finished" in latest

    async with sweeping(sweep, 0.01), sweeping(sweep, 0.01):
        await until(lambda: finished(1))
        await asyncio.sleep(0.1)
        clock.forward(DAY_MS - 1)
        await asyncio.sleep(0.1)
        assert [int(one["_id"]) for one in await kept(database, "sweeps")] == [1]
        clock.forward(1)
        await until(lambda: finished(2))
    clock.forward(DAY_MS)
    await asyncio.sleep(0.05)
    assert [int(one["_id"]) for one in await kept(database, "sweeps")] == [1, 2]
    assert all(record["cells"] == {} for record in await kept(database, "source_records"))


@pytest.mark.parametrize("call", ["bulk_write", "_commit"])
async def test_stopped_in_a_step_it_takes_the_step_back(
    database: Database, tmp_path: Path, commands: Commands, call: str
) -> None:
    """Cancelled before its writes or after all of them: nothing of it is there, the next does all of it."""
    house, clock = await aged(database, tmp_path, commands)
    before = [await kept(database, name) for name in ("source_records", "customers", "events")]
    reached, never = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        reached.set()
        await never.wait()

    sweep: Sweep = house.platform.sweep
    async with sweeping(replace(sweep, database=meddled(database, call, hang))):
        await reached.wait()
    assert [await kept(database, name) for name in ("source_records", "customers", "events")] == before
    clock.forward(HELD_MS + 1)
    run = await sweep.run(unheard)
    assert (run.number, run.fence, run.values["contact/email"]) == (1, 2, PEOPLE)
    assert all(record["cells"] == {} for record in await kept(database, "source_records"))
