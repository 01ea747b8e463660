"""Steps are durable: each runs once, in one process at a time, whatever happens to a process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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
from discretion.domain.requests.model import change_state
from discretion.domain.requests.workflows import fulfil_request
from discretion.errors import Conflict, Unavailable
from discretion.store.driver.database import Database
from discretion.store.request_state import RequestState
from discretion.store.requests import RequestStore
from discretion.store.schema.apply import apply_schema
from discretion.store.subject_request import StepProgress, SubjectRequest
from tests.fixtures.clock import Clock
from tests.fixtures.subject_request import build_accepted_request
from tests.fixtures.waiting import WAIT_S

REQUEST = b"r" * 16


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

    async def __call__(self, request: SubjectRequest, _lease: Lease) -> StepOutcome:
        self.fences.append(request.fence)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def store_request(database: Database, *steps: str) -> RequestStore:
    """Store a request with these steps in an empty database."""
    await apply_schema(database, [])
    requests = RequestStore(database)
    await requests.add(build_accepted_request(REQUEST, steps))
    return requests


async def test_each_step_runs_once_and_in_order(database: Database) -> None:
    clock = Clock("2026-11-02T10:00")
    requests = await store_request(database, "one", "two")
    first, second = ScriptedStep(StepDone({"n": 1})), ScriptedStep(StepDone())
    runner = WorkflowRunner(requests, {"one": first, "two": second}, fulfil_request, clock)
    assert await runner.run_due() == 1
    assert await runner.run_due() == 0
    request = await requests.find(REQUEST)
    assert request is not None
    assert [stored_step.is_done for stored_step in request.steps] == [True, True]
    assert request.steps[0].output == {"n": 1}
    assert request.state is RequestState.FULFILLED
    assert len(first.fences) == len(second.fences) == 1


async def test_a_failed_step_is_retried_and_the_request_stays_open(database: Database) -> None:
    clock = Clock("2026-11-02T10:00")
    requests = await store_request(database, "one")
    step = ScriptedStep(Unavailable("AWAY", "Away."), ValueError("unexpected"), StepDone())
    runner = WorkflowRunner(requests, {"one": step}, fulfil_request, clock)
    for attempts, error_code in ((1, "AWAY"), (2, "ValueError")):
        await runner.run_due()
        request = await requests.find(REQUEST)
        assert request is not None
        assert (request.steps[0].attempts, request.steps[0].why) == (attempts, error_code)
        assert request.state is RequestState.ACCEPTED
        assert request.next_run == clock() + BACKOFF.compute_delay(attempts)
        assert await runner.run_due() == 0
        clock.advance(BACKOFF.compute_delay(attempts))
    await runner.run_due()
    request = await requests.find(REQUEST)
    assert request is not None
    assert request.state is RequestState.FULFILLED


async def test_a_waiting_step_counts_no_attempt(database: Database) -> None:
    clock = Clock("2026-11-02T10:00")
    requests = await store_request(database, "one")
    runner = WorkflowRunner(
        requests, {"one": ScriptedStep(StepWaiting(5_000, "others"), StepDone())}, fulfil_request, clock
    )
    await runner.run_due()
    request = await requests.find(REQUEST)
    assert request is not None
    assert request.steps[0].attempts == 0
    clock.advance(5_000)
    await runner.run_due()
    request = await requests.find(REQUEST)
    assert request is not None
    assert request.state is RequestState.FULFILLED


async def test_a_process_that_lost_its_lease_changes_nothing(database: Database) -> None:
    """A process continues its step after its lease expired: its fence is outdated."""
    clock = Clock("2026-11-02T10:00")
    requests = await store_request(database, "one")
    other = WorkflowRunner(requests, {"one": ScriptedStep(StepDone({"by": "other"}))}, fulfil_request, clock)

    async def sleep_past_lease(_request: SubjectRequest, lease: Lease) -> StepOutcome:
        clock.advance(LEASE_MS + 1)
        await other.run_due()
        with pytest.raises(Conflict, match="Another process"):
            await lease.save(StepProgress(receipt="sleeper"))
        return StepDone({"by": "sleeper"})

    await WorkflowRunner(requests, {"one": sleep_past_lease}, fulfil_request, clock).run_due()
    request = await requests.find(REQUEST)
    assert request is not None
    assert request.steps[0].output == {"by": "other"}
    assert request.result.receipt is None
    assert request.state is RequestState.FULFILLED


async def test_a_request_under_lease_is_not_run_by_another_process(database: Database) -> None:
    clock = Clock("2026-11-02T10:00")
    requests = await store_request(database, "one")
    assert await requests.take(clock(), clock() + LEASE_MS, REQUEST)
    step = ScriptedStep(StepDone())
    runner = WorkflowRunner(requests, {"one": step}, fulfil_request, clock)
    assert await runner.run_due() == 0
    clock.advance(LEASE_MS + 1)
    assert await runner.run_due() == 1
    assert step.fences == [2]


async def wait_until_fulfilled(requests: RequestStore, request: bytes) -> None:
    """Wait until a request is fulfilled."""
    async with asyncio.timeout(WAIT_S):
        while (stored := await requests.find(request)) is None or stored.is_open:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_slow_request_does_not_delay_others(database: Database) -> None:
    requests = await store_request(database, "slow")
    started, released = asyncio.Event(), asyncio.Event()

    async def run_slowly(_request: SubjectRequest, _lease: Lease) -> StepOutcome:
        started.set()
        await released.wait()
        return StepDone()

    runner = WorkflowRunner(
        requests,
        {"slow": run_slowly, "quick": ScriptedStep(StepDone())},
        fulfil_request,
        Clock("2026-11-02T10:00"),
    )
    async with run_workflows(runner):
        await started.wait()
        await requests.add(build_accepted_request(b"q" * 16, ["quick"]))
        runner.wake()
        await wait_until_fulfilled(requests, b"q" * 16)
        released.set()
        await wait_until_fulfilled(requests, REQUEST)


async def test_an_unexpected_error_of_one_request_stops_no_other(database: Database) -> None:
    requests = await store_request(database, "one")
    await requests.add(build_accepted_request(b"s" * 16, ["one"]))

    def end_request(request: SubjectRequest) -> SubjectRequest:
        if request.id == REQUEST:
            raise ValueError("unexpected")
        return fulfil_request(request)

    runner = WorkflowRunner(
        requests,
        {"one": ScriptedStep(StepDone(), StepDone(), StepDone())},
        end_request,
        Clock("2026-11-02T10:00"),
    )
    async with run_workflows(runner):
        await wait_until_fulfilled(requests, b"s" * 16)
        await requests.add(build_accepted_request(b"t" * 16, ["one"]))
        runner.wake()
        await wait_until_fulfilled(requests, b"t" * 16)


async def test_a_request_that_is_withdrawn_as_a_worker_takes_it_is_not_run(database: Database) -> None:
    """The worker works on the request as it was when the lease was taken, never on a later state."""
    requests = await store_request(database, "one")
    states: list[RequestState] = []

    async def record_state(request: SubjectRequest, _lease: Lease) -> StepOutcome:
        states.append(request.state)
        return StepDone()

    async def withdraw() -> None:
        stored = await requests.find(REQUEST)
        assert stored is not None
        await requests.change(stored, change_state(stored, RequestState.WITHDRAWN, 1, "self:customer-app"))

    interrupted = interrupt_after(database, ("update_one", "find_one_and_update"), withdraw)
    runner = WorkflowRunner(
        RequestStore(interrupted), {"one": record_state}, fulfil_request, Clock("2026-11-02T10:00")
    )
    await runner.run_due()
    request = await requests.find(REQUEST)
    assert request is not None
    assert RequestState.WITHDRAWN not in states
    assert (request.state, request.steps[0].is_done) == (RequestState.WITHDRAWN, False)
