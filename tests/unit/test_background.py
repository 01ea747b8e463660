"""Work beside a block is over when the block is, though a cancellation was lost."""

from __future__ import annotations

import asyncio

from discretion.background import beside

PATIENCE_S = 5


async def test_work_that_lost_cancellations_is_cancelled_again() -> None:
    """As that of whose cancellation ``asyncio.wait_for`` swallowed."""
    heard = 0

    async def deaf() -> None:
        nonlocal heard
        while heard < 3:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                heard += 1
        await asyncio.sleep(3600)

    async with asyncio.timeout(PATIENCE_S):
        async with beside(deaf()):
            await asyncio.sleep(0)
    assert heard == 3


async def test_the_end_of_the_block_is_the_end_of_the_work() -> None:
    went: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)
            went.append("over")

    async with beside(work()):
        await asyncio.sleep(0)
        assert went == []
    assert went == ["over"]


async def test_work_that_failed_does_not_fail_the_block() -> None:
    async def work() -> None:
        raise ValueError

    async with beside(work()):
        await asyncio.sleep(0)
