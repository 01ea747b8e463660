"""Steps are durable: each is carried out once, by one process at a time, whatever happens to a process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from discretion.domain.kit.workflow.lease import HELD_MS, Hold
from discretion.domain.kit.workflow.runner import FIRST_MS, Engine, backoff, carrying
from discretion.domain.kit.workflow.step_outcome import Done, Later, Outcome
from discretion.domain.requests.workflows import fulfilled
from discretion.errors import Conflict, Unavailable
from discretion.store.driver.database import Database
from discretion.store.requests import Requests
from discretion.store.schema.apply import prepare
from tests.fixtures.clock import Clock

REQUEST = b"r" * 16


def asked(*steps: str) -> dict[str, Any]:
    """A request that was accepted a moment ago."""
    return {
        "_id": REQUEST,
        "v": 1,
        "right": "erasure",
        "state": "accepted",
        "client": "customer-app",
        "subject": "someone",
        "kind": "person",
        "by": "self:customer-app",
        "assurance": 3,
        "laws": ["eu"],
        "received": 0,
        "scope": {},
        "sealed": {},
        "decides": False,
        "steps": [{"name": one, "state": "open", "attempts": 0} for one in steps],
        "fence": 0,
        "until": 0,
        "next": 0,
        "history": [{"state": "accepted", "at": 0, "by": "self:customer-app"}],
    }


class Worker:
    """A step that does what it is told to, and counts."""

    def __init__(self, *outcomes: Outcome | Exception) -> None:
        self.outcomes = list(outcomes)
        self.fences: list[int] = []

    async def __call__(self, document: Mapping[str, Any], _hold: Hold) -> Outcome:
        self.fences.append(document["fence"])
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def stored(database: Database, *steps: str) -> Requests:
    await prepare(database, [])
    requests = Requests(database)
    await requests.add(asked(*steps))
    return requests


async def test_each_step_is_carried_out_once_and_in_order(database: Database) -> None:
    clock = Clock("2026-11-02T10:00")
    requests = await stored(database, "one", "two")
    one, two = Worker(Done({"n": 1})), Worker(Done())
    engine = Engine(requests, {"one": one, "two": two}, fulfilled, clock)
    assert await engine.once() == 1
    assert await engine.once() == 0
    found = await requests.get(REQUEST)
    assert found is not None
    assert [step["state"] for step in found["steps"]] == ["done", "done"]
    assert found["steps"][0]["told"] == {"n": 1}
    assert found["state"] == "fulfilled"
    assert len(one.fences) == len(two.fences) == 1


async def test_a_failed_step_is_tried_again_later_and_nothing_says_complete(database: Database) -> None:
    clock = Clock("2026-11-02T10:00")
    requests = await stored(database, "one")
    worker = Worker(Unavailable("AWAY", "Away."), ValueError("of ours"), Done())
    engine = Engine(requests, {"one": worker}, fulfilled, clock)
    for attempts, why in ((1, "AWAY"), (2, "ValueError")):
        await engine.once()
        found = await requests.get(REQUEST)
        assert found is not None
        assert (found["steps"][0]["attempts"], found["steps"][0]["why"]) == (attempts, why)
        assert found["state"] == "accepted"
        assert found["next"] == clock() + backoff(attempts - 1)
        assert await engine.once() == 0
        clock.forward(backoff(attempts - 1))
    await engine.once()
    found = await requests.get(REQUEST)
    assert found is not None
    assert found["state"] == "fulfilled"


async def test_a_step_that_waits_has_not_failed(database: Database) -> None:
    clock = Clock("2026-11-02T10:00")
    requests = await stored(database, "one")
    engine = Engine(requests, {"one": Worker(Later(5_000, "others"), Done())}, fulfilled, clock)
    await engine.once()
    found = await requests.get(REQUEST)
    assert found is not None
    assert found["steps"][0]["attempts"] == 0
    clock.forward(5_000)
    await engine.once()
    found = await requests.get(REQUEST)
    assert found is not None
    assert found["state"] == "fulfilled"


async def test_who_was_taken_over_changes_nothing(database: Database) -> None:
    """A process that was thought dead wakes up in the middle of its step: its fence is an old one."""
    clock = Clock("2026-11-02T10:00")
    requests = await stored(database, "one")
    other = Engine(requests, {"one": Worker(Done({"by": "other"}))}, fulfilled, clock)

    async def sleeps(_document: Mapping[str, Any], hold: Hold) -> Outcome:
        clock.forward(HELD_MS + 1)
        await other.once()
        with pytest.raises(Conflict, match="Another process"):
            await hold.save({"result": {"by": "sleeper"}})
        return Done({"by": "sleeper"})

    await Engine(requests, {"one": sleeps}, fulfilled, clock).once()
    found = await requests.get(REQUEST)
    assert found is not None
    assert found["steps"][0]["told"] == {"by": "other"}
    assert "result" not in found
    assert found["state"] == "fulfilled"


async def test_nobody_else_carries_out_what_is_held(database: Database) -> None:
    clock = Clock("2026-11-02T10:00")
    requests = await stored(database, "one")
    assert await requests.take(REQUEST, clock(), clock() + HELD_MS)
    worker = Worker(Done())
    engine = Engine(requests, {"one": worker}, fulfilled, clock)
    assert await engine.once() == 0
    clock.forward(HELD_MS + 1)
    assert await engine.once() == 1
    assert worker.fences == [2]


def test_waiting_grows_up_to_an_hour() -> None:
    assert [backoff(n) for n in (0, 1, 2)] == [FIRST_MS, 2 * FIRST_MS, 4 * FIRST_MS]
    assert backoff(500) == 3_600_000


async def soon(requests: Requests, request: bytes, state: str) -> None:
    """Waits until a request is in a state."""
    async with asyncio.timeout(10):
        while (found := await requests.get(request)) is None or found["state"] != state:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_one_that_takes_long_keeps_nobody_waiting(database: Database) -> None:
    requests = await stored(database, "slow")
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(_document: Mapping[str, Any], _hold: Hold) -> Outcome:
        begun.set()
        await go.wait()
        return Done()

    engine = Engine(requests, {"slow": slow, "quick": Worker(Done())}, fulfilled, Clock("2026-11-02T10:00"))
    async with carrying(engine):
        await begun.wait()
        await requests.add({**asked("quick"), "_id": b"q" * 16})
        engine.kick()
        await soon(requests, b"q" * 16, "fulfilled")
        go.set()
        await soon(requests, REQUEST, "fulfilled")


async def test_what_nobody_foresaw_of_one_request_ends_no_other(database: Database) -> None:
    requests = await stored(database, "one")
    await requests.add({**asked("one"), "_id": b"s" * 16})

    def end(document: Mapping[str, Any]) -> Mapping[str, Any]:
        if document["_id"] == REQUEST:
            raise ValueError("of ours")
        return fulfilled(document)

    engine = Engine(requests, {"one": Worker(Done(), Done(), Done())}, end, Clock("2026-11-02T10:00"))
    async with carrying(engine):
        await soon(requests, b"s" * 16, "fulfilled")
        await requests.add({**asked("one"), "_id": b"t" * 16})
        engine.kick()
        await soon(requests, b"t" * 16, "fulfilled")
