"""A polled task survives whatever an attempt raises, logs no personal data, and stops with its block."""

from __future__ import annotations

import asyncio

import pytest

from discretion.domain.kit.workflow.poll import poll, run_polling, tick
from discretion.errors import Unavailable
from tests.fixtures.waiting import WAIT_S


async def test_an_error_of_any_kind_does_not_end_the_task(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[Exception] = [ValueError("ann@post.example"), KeyError("ann"), Unavailable("AWAY", "ann")]
    survived = asyncio.Event()

    async def attempt() -> None:
        if errors:
            raise errors.pop(0)
        survived.set()

    async with asyncio.timeout(WAIT_S), run_polling("the task", attempt, 0.01):
        await survived.wait()
    assert caplog.messages == [
        "the task failed: ValueError",
        "the task failed: KeyError",
        "the task failed: AWAY",
    ]


async def test_an_attempt_that_leaves_work_is_followed_by_another_at_once() -> None:
    remaining, emptied = [1, 2, 3], asyncio.Event()

    async def attempt() -> bool:
        remaining.pop()
        if not remaining:
            emptied.set()
        return bool(remaining)

    async with asyncio.timeout(WAIT_S), run_polling("the task", attempt, 3600):
        await emptied.wait()


async def test_no_attempt_runs_after_the_block() -> None:
    attempts = 0

    async def attempt() -> None:
        nonlocal attempts
        attempts += 1

    async with run_polling("the task", attempt, 0.001):
        await asyncio.sleep(0.05)
    before = attempts
    await asyncio.sleep(0.05)
    assert attempts == before > 0


async def test_work_that_arrives_during_an_attempt_is_looked_for_at_once() -> None:
    wake, attempts, repeated = asyncio.Event(), 0, asyncio.Event()

    async def attempt() -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            wake.set()
        else:
            repeated.set()

    task = asyncio.create_task(poll("the task", attempt, 3600, wake))
    async with asyncio.timeout(WAIT_S):
        await repeated.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_ticks_come_at_once_and_then_at_the_interval() -> None:
    async with asyncio.timeout(WAIT_S):
        ticks = tick(0.01)
        for _ in range(3):
            await anext(ticks)
