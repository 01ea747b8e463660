"""The sweep by itself: once a day, at the start if it is due then, in one of however many processes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from discretion.background import beside
from discretion.domain.retention.sweep import Sweep
from discretion.errors import Conflict, DiscretionError

LOOK_S = 60
"""How often it is looked whether a sweep is due; also when one that was cut off can be taken over."""

PAUSE_S = 0.1
"""Between two steps, so that a sweep takes no more than about half of one core."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def sweeping(
    sweep: Sweep, look_s: float = LOOK_S, also: Callable[[], Awaitable[object]] | None = None
) -> AsyncIterator[None]:
    """Have what lapses deleted for as long as the block lasts; what is under way then is taken back.

    ``also`` deletes what lapses elsewhere, after each look.
    """
    async with beside(_daily(sweep, look_s, also)):
        yield


async def _daily(sweep: Sweep, look_s: float, also: Callable[[], Awaitable[object]] | None) -> None:
    while True:
        try:
            if also is not None:
                await also()
            if await sweep.overdue():
                run = await sweep.run(lambda _: None, PAUSE_S)
                _log.info("sweep %d looked at %d customers and renewed %d", run.number, run.met, run.changed)
        except Conflict:
            pass  # another process is at it
        except Exception as error:  # noqa: BLE001 - whatever it is, what lapses tomorrow goes tomorrow
            code = error.code if isinstance(error, DiscretionError) else type(error).__name__
            _log.error("the sweep was cut off: %s", code)
        await asyncio.sleep(look_s)
