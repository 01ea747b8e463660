"""A process that runs one request, and ends by ``kill -9`` at a selected checkpoint."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from discretion.app import build_platform
from discretion.app.clock import now_ms
from discretion.settings import Settings
from discretion.store.driver.connection import connect_database
from tests.fixtures.platform import ROOT_KEY, read_shipped_configuration
from tests.fixtures.program import FORKS
from tests.fixtures.waiting import WAIT_S

WRITE_COMMANDS = frozenset({"bulkWrite", "commitTransaction", "delete", "findAndModify", "insert", "update"})
"""Commands that may change stored data."""


@dataclass(frozen=True, slots=True)
class InstallationLocation:
    """The location of an installation: its MongoDB, the name of the database, the folder with its keys."""

    mongo_url: str
    database: str
    folder: Path
    buckets: int = 64


class AnswerListener(CommandListener):
    """Reports a checkpoint after each answer of MongoDB, when a write is done and not yet processed."""

    def __init__(self, on_checkpoint: Callable[[str], None]) -> None:
        self._on_checkpoint = on_checkpoint
        self._answer_count = 0

    def started(self, event: CommandStartedEvent) -> None:
        """Report nothing: the command is not answered yet."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Report nothing: nothing was written."""

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Report a checkpoint after a write."""
        if event.command_name in WRITE_COMMANDS:
            self._answer_count += 1
            self._on_checkpoint(f"{event.command_name} {self._answer_count}")


def run_in_process(
    location: InstallationLocation,
    request: bytes,
    *,
    clock_ahead_ms: int = 0,
    kill_at: str = "",
    nth: int = 1,
) -> list[str]:
    """Run a request in a process of its own; return the checkpoints it passed.

    With ``kill_at`` it is killed when it passes this checkpoint for the ``nth`` time. Its clock is
    ``clock_ahead_ms`` ahead, so that it need not wait for the lease of a killed process.
    """
    receiver, sender = FORKS.Pipe(duplex=False)
    process = FORKS.Process(
        target=_run_process, args=(location, request, clock_ahead_ms, kill_at, nth, sender)
    )
    process.start()
    sender.close()
    points: list[str] = []
    try:
        while True:
            points.append(receiver.recv())
    except EOFError:
        pass
    process.join(WAIT_S)
    killed = bool(kill_at) and points.count(kill_at) >= nth
    expected = -signal.SIGKILL if killed else 0
    assert process.exitcode == expected, f"the process ended with {process.exitcode} after {points[-3:]}"
    return points


def _run_process(
    location: InstallationLocation,
    request: bytes,
    clock_ahead_ms: int,
    kill_at: str,
    nth: int,
    sender: Connection,
) -> None:
    times_passed = 0

    def report_point(point: str) -> None:
        nonlocal times_passed
        sender.send(point)
        times_passed += point == kill_at
        if times_passed == nth and point == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(_run_request(location, request, lambda: now_ms() + clock_ahead_ms, report_point))


async def _run_request(
    location: InstallationLocation,
    request: bytes,
    clock: Callable[[], int],
    on_checkpoint: Callable[[str], None],
) -> None:
    database = await connect_database(
        location.mongo_url, location.database, "pymongo", [AnswerListener(on_checkpoint)]
    )
    settings = replace(Settings(), data_dir=location.folder, buckets=location.buckets)
    platform = build_platform(
        settings,
        read_shipped_configuration(),
        database,
        ROOT_KEY,
        None,
        clock,
        on_checkpoint=on_checkpoint,
    )
    try:
        await platform.requests.workflow_runner.run_request(request)
    finally:
        await database.close()
