"""Tasks that run alongside a block of code and end with it.

``asyncio.wait_for`` of Python 3.11, which the MongoDB drivers use, swallows a cancellation that arrives in
the same moment as the answer it waits for. A single ``Task.cancel`` can therefore have no effect, so the
cancellation is repeated until the task has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

Work = Coroutine[Any, Any, None]
"""A coroutine that has a lasting effect and no result."""

RunCoroutine = Callable[[Work], None]
"""Runs a coroutine to its end, for a command, and prints its errors."""

CANCEL_RETRY_S = 0.2
"""Seconds after which a task that is still running is cancelled again."""


@asynccontextmanager
async def run_alongside(work: Work) -> AsyncIterator[None]:
    """Run a coroutine as a task for as long as the ``async with`` block lasts, then cancel it.

    Args:
        work: The coroutine. An exception it raises is not passed on; it has to log its own failures.
    """
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        # One cancellation can be lost (see the module), so it is repeated until the task is done.
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=CANCEL_RETRY_S)
        await asyncio.gather(task, return_exceptions=True)
