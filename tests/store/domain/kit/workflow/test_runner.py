"""Steps are durable: each runs once, in one process at a time, whatever happens to a process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from typing import Any

import pytest

from discretion.domain.kit.workflow.lease import LEASE_MS, Lease
from discretion.domain.kit.workflow.runner import (
    BACKOFF,
    WorkflowRunner,
    run_workflows,
)
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome, StepWaiting
from discretion.domain.requests.workflows import build_fulfilment
from discretion.errors import Conflict, Unavailable
from discretion.store.driver.database import Database
from discretion.store.requests import RequestStore
from discretion.store.schema.apply import apply_schema
from tests.fixtures.clock import Clock

REQUEST = b"r" * 16


def build_request(*steps: str) -> dict[str, Any]:
    """Build a request that was accepted."""
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
        "steps": [{"name": name, "state": "open", "attempts": 0} for name in steps],
        "fence": 0,
        "until": 0,
        "next": 0,
        "history": [{"state": "accepted", "at": 0, "by": "self:customer-app"}],
    }


def interrupt_after(
    database: Database, calls: Sequence[str], interruption: Callable[[], Awaitable[object]]
) -> Database:
    """Return a database that runs an interruption once, after the first call of one of these methods."""
    interrupted, pending = copy(database), [interruption]

    def interrupt(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call_and_interrupt(*arguments: Any, **named_arguments: Any) -> Any:
            result = await call(*arguments, **named_arguments)
            while pending:
                await pending.pop()()
            return result

        return call_and_interrupt

    for name in calls:
        if hasattr(database, name):
            interrupted.__dict__[name] = interrupt(getattr(database, name))
    return interrupted


class ScriptedStep:
    """A step with given outcomes that records the fences it ran with."""

    def __init__(self, *outcomes: StepOutcome | Exception) -> None:
        self.outcomes = list(outcomes)
        self.fences: list[int] = []

    async def __call__(self, document: Mapping[str, Any], _lease: Lease) -> StepOutcome:
        self.fences.append(document["fence"])
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def store_request(database: Database, *steps: str) -> RequestStore:
    """Store a request with these steps in an empty database."""
    await apply_schema(database, [])
    requests = RequestStore(database)
    await requests.add(build_request(*steps))
    return requests


async def test_each_step_runs_once_and_in_order(database: Database) -> None:
    clock = Clock("2026-11-02T10:00")
    requests = await store_request(database, "one", "two")
    first, second = ScriptedStep(StepDone({"n": 1})), ScriptedStep(StepDone())
    runner = WorkflowRunner(requests, {"one": first, "two": second}, build_fulfilment, clock)
    assert await runner.run_due() == 1
    assert await runner.run_due() == 0
    request = await requests.find(REQUEST)
    assert request is not None
    assert [stored_step["state"] for stored_step in request["steps"]] == ["done", "done"]
    assert request["steps"][0]["told"] == {"n": 1}
    assert request["state"] == "fulfilled"
    assert len(first.fences) == len(second.fences) == 1


async def test_a_failed_step_is_retried_and_the_request_stays_open(database: Database) -> None:
    clock = Clock("2026-11-02T10:00")
    requests = await store_request(database, "one")
    step = ScriptedStep(Unavailable("AWAY", "Away."), ValueError("unexpected"), StepDone())
    runner = WorkflowRunner(requests, {"one": step}, build_fulfilment, clock)
    for attempts, error_code in ((1, "AWAY"), (2, "ValueError")):
        await runner.run_due()
        request = await requests.find(REQUEST)
        assert request is not None
        assert (request["steps"][0]["attempts"], request["steps"][0]["why"]) == (attempts, error_code)
        assert request["state"] == "accepted"
        assert request["next"] == clock() + BACKOFF.compute_delay(attempts)
        assert await runner.run_due() == 0
        clock.advance(BACKOFF.compute_delay(attempts))
    await runner.run_due()
    request = await requests.find(REQUEST)
    assert request is not None
    assert request["state"] == "fulfilled"


async def test_a_waiting_step_counts_no_attempt(database: Database) -> None:
    clock = Clock("2026-11-02T10:00")
    requests = await store_request(database, "one")
    runner = WorkflowRunner(
        requests, {"one": ScriptedStep(StepWaiting(5_000, "others"), StepDone())}, build_fulfilment, clock
    )
    await runner.run_due()
    request = await requests.find(REQUEST)
    assert request is not None
    assert request["steps"][0]["attempts"] == 0
    clock.advance(5_000)
    await runner.run_due()
    request = await requests.find(REQUEST)
    assert request is not None
    assert request["state"] == "fulfilled"


async def test_a_process_that_lost_its_lease_changes_nothing(database: Database) -> None:
    """A process continues its step after its lease expired: its fence is outdated."""
    clock = Clock("2026-11-02T10:00")
    requests = await store_request(database, "one")
    other = WorkflowRunner(
        requests, {"one": ScriptedStep(StepDone({"by": "other"}))}, build_fulfilment, clock
    )

    async def sleep_past_lease(_document: Mapping[str, Any], lease: Lease) -> StepOutcome:
        clock.advance(LEASE_MS + 1)
        await other.run_due()
        with pytest.raises(Conflict, match="Another process"):
            await lease.save({"result": {"by": "sleeper"}})
        return StepDone({"by": "sleeper"})

    await WorkflowRunner(requests, {"one": sleep_past_lease}, build_fulfilment, clock).run_due()
    request = await requests.find(REQUEST)
    assert request is not None
    assert request["steps"][0]["told"] == {"by": "other"}
    assert "result" not in request
    assert request["state"] == "fulfilled"


async def test_a_request_under_lease_is_not_run_by_another_process(database: Database) -> None:
    clock = Clock("2026-11-02T10:00")
    requests = await store_request(database, "one")
    assert await requests.leases.take(clock(), clock() + LEASE_MS)
    step = ScriptedStep(StepDone())
    runner = WorkflowRunner(requests, {"one": step}, build_fulfilment, clock)
    assert await runner.run_due() == 0
    clock.advance(LEASE_MS + 1)
    assert await runner.run_due() == 1
    assert step.fences == [2]


async def wait_for_state(requests: RequestStore, request: bytes, state: str) -> None:
    """Wait until a request is in a state."""
    async with asyncio.timeout(10):
        while (document := await requests.find(request)) is None or document["state"] != state:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_slow_request_does_not_delay_others(database: Database) -> None:
    requests = await store_request(database, "slow")
    started, released = asyncio.Event(), asyncio.Event()

    async def run_slowly(_document: Mapping[str, Any], _lease: Lease) -> StepOutcome:
        started.set()
        await released.wait()
        return StepDone()

    runner = WorkflowRunner(
        requests,
        {"slow": run_slowly, "quick": ScriptedStep(StepDone())},
        build_fulfilment,
        Clock("2026-11-02T10:00"),
    )
    async with run_workflows(runner):
        await started.wait()
        await requests.add({**build_request("quick"), "_id": b"q" * 16})
        runner.wake()
        await wait_for_state(requests, b"q" * 16, "fulfilled")
        released.set()
        await wait_for_state(requests, REQUEST, "fulfilled")


async def test_an_unexpected_error_of_one_request_stops_no_other(database: Database) -> None:
    requests = await store_request(database, "one")
    await requests.add({**build_request("one"), "_id": b"s" * 16})

    def build_outcome(document: Mapping[str, Any]) -> Mapping[str, Any]:
        if document["_id"] == REQUEST:
            raise ValueError("unexpected")
        return build_fulfilment(document)

    runner = WorkflowRunner(
        requests,
        {"one": ScriptedStep(StepDone(), StepDone(), StepDone())},
        build_outcome,
        Clock("2026-11-02T10:00"),
    )
    async with run_workflows(runner):
        await wait_for_state(requests, b"s" * 16, "fulfilled")
        await requests.add({**build_request("one"), "_id": b"t" * 16})
        runner.wake()
        await wait_for_state(requests, b"t" * 16, "fulfilled")


async def test_a_request_that_is_withdrawn_as_a_worker_takes_it_is_not_run(database: Database) -> None:
    """The worker works on the request as it was when the lease was taken, never on a later state."""
    requests = await store_request(database, "one")
    states: list[str] = []

    async def record_state(document: Mapping[str, Any], _lease: Lease) -> StepOutcome:
        states.append(document["state"])
        return StepDone()

    async def withdraw() -> None:
        document = await requests.find(REQUEST)
        assert document is not None
        assert await requests.update(REQUEST, document["v"], {"state": "withdrawn", "next": None})

    interrupted = interrupt_after(database, ("update_one", "find_one_and_update"), withdraw)
    runner = WorkflowRunner(
        RequestStore(interrupted), {"one": record_state}, build_fulfilment, Clock("2026-11-02T10:00")
    )
    await runner.run_due()
    request = await requests.find(REQUEST)
    assert request is not None
    assert "withdrawn" not in states
    assert (request["state"], request["steps"][0]["state"]) == ("withdrawn", "open")
