"""A task alongside a block ends with the block, even if it swallows cancellations."""

from __future__ import annotations

import asyncio

from discretion.background import run_alongside
from tests.fixtures.waiting import WAIT_S


async def test_a_task_that_swallows_cancellations_is_cancelled_again() -> None:
    """``asyncio.wait_for`` can swallow a cancellation in this way."""
    cancellation_count = 0

    async def ignore_cancellations() -> None:
        nonlocal cancellation_count
        while cancellation_count < 3:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                cancellation_count += 1
        await asyncio.sleep(3600)

    async with asyncio.timeout(WAIT_S):
        async with run_alongside(ignore_cancellations()):
            await asyncio.sleep(0)
    assert cancellation_count == 3


async def test_the_task_has_ended_when_the_block_ends() -> None:
    events: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)
            events.append("over")

    async with run_alongside(work()):
        await asyncio.sleep(0)
        assert events == []
    assert events == ["over"]


async def test_a_failed_task_does_not_fail_the_block() -> None:
    async def work() -> None:
        raise ValueError

    async with run_alongside(work()):
        await asyncio.sleep(0)
