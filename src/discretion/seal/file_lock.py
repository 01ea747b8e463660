"""Locks between processes, as files beside what they guard.

flock on POSIX, LockFileEx on Windows (portalocker). The operating system takes a lock from whoever dies,
however they die. Nobody waits in the kernel: the event loop goes on, and a lock is asked for again after
a pause.
"""

from __future__ import annotations

import asyncio
import os
import time
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from portalocker import AlreadyLocked, LockFlags, lock, unlock

from discretion.errors import Unavailable

PAUSE_S = 0.001
LONGEST_PAUSE_S = 0.02
PATIENCE_S = 3.0
"""How long whoever wants to be alone keeps others out. A transaction takes less; one that hangs must not
stop everybody for ever."""


@asynccontextmanager
async def alone(path: Path) -> AsyncIterator[None]:
    """Hold the lock at ``path``, once whoever has it lets go: another process, or another task here."""
    descriptor = _opened(path)
    try:
        pause = PAUSE_S
        while not _taken(descriptor, LockFlags.EXCLUSIVE):
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


class Turnstile:
    """A room that many may be in, or one alone.

    Who wants to be alone first closes the gate, so that nobody new gets in, and then waits until the room
    is empty. Whoever enters holds the gate for no longer than it takes to get into the room, without a turn
    of the event loop in between. Neither can keep the other out for ever. Belongs to one event loop.
    """

    def __init__(self, path: Path) -> None:
        self._gate_path = path.with_name(path.name + ".gate")
        self._room_path = path.with_name(path.name + ".lock")
        self._gate = self._room = -1
        self._inside = 0

    async def enter(self) -> Callable[[], None]:
        """Be inside until what is returned is called; not for the second time in one piece of work."""
        pause = PAUSE_S
        while not self._entered():
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        return self._leave

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Be inside alone.

        Raises:
            Unavailable: ``KEYS_BUSY``; somebody has been inside all the time for ``PATIENCE_S``.
        """
        gate, room = _opened(self._gate_path), _opened(self._room_path)
        try:
            until = time.monotonic() + PATIENCE_S
            for descriptor in (gate, room):
                pause = PAUSE_S
                while not _taken(descriptor, LockFlags.EXCLUSIVE):
                    if time.monotonic() > until:
                        raise Unavailable("KEYS_BUSY", "A transaction that needs the keys as they are hangs.")
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_S)
            yield
        finally:
            os.close(room)
            os.close(gate)

    def _entered(self) -> bool:
        if self._gate < 0:
            self._gate, self._room = _opened(self._gate_path), _opened(self._room_path)
            weakref.finalize(self, _close, self._gate, self._room)
        if not _taken(self._gate, LockFlags.SHARED):
            return False
        try:
            if not self._inside and not _taken(self._room, LockFlags.SHARED):
                return False
            self._inside += 1
        finally:
            unlock(self._gate)
        return True

    def _leave(self) -> None:
        self._inside -= 1
        if not self._inside:
            unlock(self._room)


def _opened(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _close(*descriptors: int) -> None:
    for one in descriptors:
        os.close(one)


def _taken(descriptor: int, how: LockFlags) -> bool:
    try:
        lock(descriptor, how | LockFlags.NON_BLOCKING)
    except AlreadyLocked:
        return False
    return True
