"""Executing: when there is an answer, nothing of its operation runs on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql import Executor, build_schema, parse

from discretion.edge.graphql.operation_runner import executed

SCHEMA = build_schema("type Query { slow: Int fails: Int! }")


class Reads:
    """A root whose slow field reads on for a while, and whose other field fails at once."""

    def __init__(self) -> None:
        self.read = 0
        self.begun = asyncio.Event()

    async def slow(self, _info: Any) -> int:
        """Read."""
        for _ in range(20):
            await asyncio.sleep(0)
            self.read += 1
            self.begun.set()
        return self.read

    def fails(self, _info: Any) -> int:
        """Fail."""
        raise ValueError("no such thing")


async def test_what_an_error_leaves_behind_has_ended_before_the_answer() -> None:
    """It would meet customers after their disclosure was written."""
    root = Reads()
    executor: Any = Executor.build(SCHEMA, parse("{ slow fails }"), root_value=root)
    answer = await executed(executor)
    assert answer.data is None
    read = root.read
    for _ in range(10):
        await asyncio.sleep(0)
    assert root.read == read
    assert not executor.background_futures


async def test_a_caller_who_goes_away_stops_their_operation() -> None:
    """Nobody waits for it."""
    root = Reads()
    executor: Any = Executor.build(SCHEMA, parse("{ slow }"), root_value=root)
    asking = asyncio.create_task(executed(executor))
    await root.begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    read = root.read
    for _ in range(10):
        await asyncio.sleep(0)
    assert root.read == read
