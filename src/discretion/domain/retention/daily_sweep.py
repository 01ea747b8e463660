"""The background task that runs the retention sweep once a day, in one of all server processes."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from discretion.domain.kit.workflow.poll import run_polling
from discretion.domain.retention.sweep import RetentionSweep
from discretion.errors import Conflict

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

    async def sweep_if_due() -> None:
        if delete_also is not None:
            await delete_also()
        if not await sweep.is_due():
            return
        try:
            run = await sweep.run(lambda _: None, PAUSE_S)
        except Conflict:
            return  # another process runs the sweep
        _log.info("sweep %d examined %d customers and changed %d", run.number, run.examined, run.changed)

    async with run_polling("the retention sweep", sweep_if_due, poll_s):
        yield
