"""No resolver of an operation runs after its answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql import Executor, build_schema, parse

from discretion.edge.graphql.operation_runner import execute_operation

SCHEMA = build_schema("type Query { slow: Int fails: Int! }")


class CountingRoot:
    """A root with a slow field that counts its reads and a field that fails at once."""

    def __init__(self) -> None:
        self.read_count = 0
        self.started = asyncio.Event()

    async def slow(self, _info: Any) -> int:
        """Count twenty reads, each in its own turn of the event loop."""
        for _ in range(20):
            await asyncio.sleep(0)
            self.read_count += 1
            self.started.set()
        return self.read_count

    def fails(self, _info: Any) -> int:
        """Raise an error."""
        raise ValueError("no such thing")


async def test_no_resolver_runs_on_after_an_error_was_answered() -> None:
    """Such a resolver would read customers after their disclosure was recorded."""
    root = CountingRoot()
    executor: Any = Executor.build(SCHEMA, parse("{ slow fails }"), root_value=root)
    answer = await execute_operation(executor)
    assert answer.data is None
    count_at_end = root.read_count
    for _ in range(10):
        await asyncio.sleep(0)
    assert root.read_count == count_at_end
    assert not executor.background_futures


async def test_a_cancelled_request_stops_its_operation() -> None:
    """Its result has no receiver."""
    root = CountingRoot()
    executor: Any = Executor.build(SCHEMA, parse("{ slow }"), root_value=root)
    execution = asyncio.create_task(execute_operation(executor))
    await root.started.wait()
    execution.cancel()
    with pytest.raises(asyncio.CancelledError):
        await execution
    count_at_end = root.read_count
    for _ in range(10):
        await asyncio.sleep(0)
    assert root.read_count == count_at_end
