"""The background task that runs the retention sweep once a day, in one of all server processes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from discretion.background import run_alongside
from discretion.domain.retention.sweep import RetentionSweep
from discretion.errors import Conflict, DiscretionError

POLL_S = 60
"""The interval in seconds at which a process checks for a due sweep or an interrupted one to take over."""

PAUSE_S = 0.1
"""The pause in seconds between two steps; it limits a sweep to about half of one core."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def run_daily_sweep(
    sweep: RetentionSweep, poll_s: float = POLL_S, delete_also: Callable[[], Awaitable[object]] | None = None
) -> AsyncIterator[None]:
    """Run the daily sweep in the background while the block is active.

    At the end of the block the current transaction is rolled back.

    Args:
        sweep: The sweep.
        poll_s: The interval of checks in seconds.
        delete_also: Deletes expired data of other packages; called before each check.
    """
    async with run_alongside(_sweep_daily(sweep, poll_s, delete_also)):
        yield


async def _sweep_daily(
    sweep: RetentionSweep, poll_s: float, delete_also: Callable[[], Awaitable[object]] | None
) -> None:
    while True:
        try:
            if delete_also is not None:
                await delete_also()
            if await sweep.is_due():
                run = await sweep.run(lambda _: None, PAUSE_S)
                _log.info(
                    "sweep %d examined %d customers and changed %d", run.number, run.examined, run.changed
                )
        except Conflict:
            pass  # another process runs the sweep
        except Exception as error:  # noqa: BLE001 - no error may end the task: the next check tries again
            # Only the code is logged: the text of an error may contain personal data.
            code = error.code if isinstance(error, DiscretionError) else type(error).__name__
            _log.error("the sweep was interrupted: %s", code)
        await asyncio.sleep(poll_s)
