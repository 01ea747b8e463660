"""A process that carries one request out, and ends by ``kill -9`` where it is told to."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from discretion.app import assemble
from discretion.app.clock import now_ms
from discretion.catalogue.load import load
from discretion.law.load import load as load_law
from discretion.settings import Settings
from discretion.store.driver.database import connect
from tests.fixtures.platform import ROOT

WAIT_S = 60
CATALOGUE = load(None)
LAW = load_law(None, CATALOGUE)
WRITING = frozenset({"bulkWrite", "commitTransaction", "delete", "findAndModify", "insert", "update"})
"""Commands after which something may be otherwise."""

_START = multiprocessing.get_context("forkserver")
_START.set_forkserver_preload([__name__])


@dataclass(frozen=True, slots=True)
class Place:
    """An installation: its MongoDB, the database's name, the folder with its keys."""

    mongo_url: str
    database: str
    folder: Path
    buckets: int = 64


class Answers(CommandListener):
    """Names a point after each answer of MongoDB: what was written is, and the process does not know yet."""

    def __init__(self, at: Callable[[str], None]) -> None:
        self._at = at
        self._answers = 0

    def started(self, event: CommandStartedEvent) -> None:
        """Not yet."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing was written."""

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Here."""
        if event.command_name in WRITING:
            self._answers += 1
            self._at(f"{event.command_name} {self._answers}")


def carried(place: Place, request: bytes, *, later_ms: int = 0, kill_at: str = "", nth: int = 1) -> list[str]:
    """Carry a request out in a process of its own; the points it passed.

    With ``kill_at`` it is killed when it passes that point for the ``nth`` time, if it does. Its clock is
    ``later_ms`` late, so that it need not wait for what a dead process holds.
    """
    ours, theirs = _START.Pipe(duplex=False)
    process = _START.Process(target=_main, args=(place, request, later_ms, kill_at, nth, theirs))
    process.start()
    theirs.close()
    passed: list[str] = []
    try:
        while True:
            passed.append(ours.recv())
    except EOFError:
        pass
    process.join(WAIT_S)
    killed = bool(kill_at) and passed.count(kill_at) >= nth
    expected = -signal.SIGKILL if killed else 0
    assert process.exitcode == expected, f"it ended with {process.exitcode} after {passed[-3:]}"
    return passed


def _main(place: Place, request: bytes, later_ms: int, kill_at: str, nth: int, told: Connection) -> None:
    seen = 0

    def at(point: str) -> None:
        nonlocal seen
        told.send(point)
        seen += point == kill_at
        if seen == nth and point == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(_carry(place, request, lambda: now_ms() + later_ms, at))


async def _carry(place: Place, request: bytes, clock: Callable[[], int], at: Callable[[str], None]) -> None:
    database = await connect(place.mongo_url, place.database, "pymongo", [Answers(at)])
    settings = replace(Settings(), data_dir=place.folder, buckets=place.buckets)
    platform = assemble(settings, CATALOGUE, LAW, database, ROOT, None, clock, at=at)
    try:
        await platform.rights.engine.carry(request)
    finally:
        await database.close()
