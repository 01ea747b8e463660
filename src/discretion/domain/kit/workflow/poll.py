"""Polling: the one loop of all background work, how it stops, and how it survives an error.

A task stops when the block that it runs beside ends: ``run_alongside`` cancels it. Whatever an attempt
raises is logged by its code, and the next attempt follows as usual: a task that ended silently would leave
requests, notifications and deletions undone until the next start of a server.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from discretion.background import run_alongside
from discretion.errors import DiscretionError

T = TypeVar("T")
Attempt = Callable[[], Awaitable[bool | None]]
"""Does what is due. True asks for another attempt at once, because more is due."""

_log = logging.getLogger(__name__)


async def tick(interval_s: float, wake: asyncio.Event | None = None) -> AsyncIterator[None]:
    """Yield at once and then after each interval, or earlier if ``wake`` is set."""
    wake = wake or asyncio.Event()
    while True:
        # Cleared before the search for work: work that arrives during it sets the event again.
        wake.clear()
        yield
        with suppress(TimeoutError):
            async with asyncio.timeout(interval_s):
                await wake.wait()


async def attempt_logged(task: str, work: Awaitable[T]) -> T | None:
    """Await ``work`` and return its result; log what it raises by its code, and return None then."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - one failure must neither end a task nor stop other work
        # Only the code is logged: the text of an error may contain personal data.
        code = error.code if isinstance(error, DiscretionError) else type(error).__name__
        _log.error("%s failed: %s", task, code)
        return None


async def poll(task: str, attempt: Attempt, interval_s: float, wake: asyncio.Event | None = None) -> None:
    """Attempt what is due at once and at every interval, until cancelled.

    Args:
        task: What is attempted, for the log.
        attempt: Does what is due.
        interval_s: The time between two attempts in seconds.
        wake: Ends the wait for the next attempt when it is set.
    """
    async for _ in tick(interval_s, wake):
        while await attempt_logged(task, attempt()):
            pass


@asynccontextmanager
async def run_polling(task: str, attempt: Attempt, interval_s: float) -> AsyncIterator[None]:
    """Poll in the background while the block is active; see ``poll``."""
    async with run_alongside(poll(task, attempt, interval_s)):
        yield
