"""Work that goes on beside other work, until it is stopped.

``asyncio.wait_for`` of Python 3.11, by which drivers wait for an answer, swallows a cancellation that comes
with the answer. Whoever is to stop is therefore told again until they have.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

AGAIN_S = 0.2


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have work go on for as long as the block lasts; what it is at is cut off then."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=AGAIN_S)
        await asyncio.gather(task, return_exceptions=True)
