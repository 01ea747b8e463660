"""Locks between processes, as files beside the file that they guard.

They use flock on POSIX and LockFileEx on Windows (portalocker). The operating system releases a lock when its
process ends, in whatever way. No call blocks in the kernel, so the event loop keeps running: a lock that is
taken is tried again after a pause.
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
MAX_PAUSE_S = 0.02
EXCLUSIVE_TIMEOUT_S = 3.0
"""Seconds that a caller who wants the exclusive lock keeps others waiting. A transaction takes less; one that
hangs must not block all other processes for ever.
"""


@asynccontextmanager
async def hold_exclusive_lock(path: Path) -> AsyncIterator[None]:
    """Hold the lock at ``path`` during the block.

    Wait until other processes and other tasks have released it.
    """
    # A lock belongs to the open file and not to the process. With a descriptor for each call, two tasks of
    # one process exclude each other too.
    descriptor = _open_lock_file(path)
    try:
        pause = PAUSE_S
        while not _try_lock(descriptor, LockFlags.EXCLUSIVE):
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


class SharedExclusiveLock:
    """A lock that many can share or one can hold exclusively, fair to both.

    It consists of two lock files. A caller who wants exclusive access first locks the *gate*, so that no new
    holder can enter, and then waits for the *lock* itself until the present holders have left. A sharing
    caller locks the gate only while it acquires the lock, without a turn of the event loop in between. So
    neither side can keep the other out for ever. An instance belongs to one event loop.
    """

    def __init__(self, path: Path) -> None:
        self._gate_path = path.with_name(path.name + ".gate")
        self._lock_path = path.with_name(path.name + ".lock")
        self._gate = self._lock = -1
        self._shared_holders = 0

    async def acquire_shared(self) -> Callable[[], None]:
        """Acquire the shared lock, and return the function that releases it.

        A piece of work that already holds it must not acquire it again: it would wait for itself behind an
        exclusive caller.
        """
        pause = PAUSE_S
        while not self._try_acquire_shared():
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_PAUSE_S)
        return self._release_shared

    @asynccontextmanager
    async def hold_exclusive(self) -> AsyncIterator[None]:
        """Hold the lock exclusively during the block.

        Raises:
            Unavailable: ``KEYS_BUSY``; others have held the lock for all of ``EXCLUSIVE_TIMEOUT_S``.
        """
        gate_descriptor, lock_descriptor = _open_lock_file(self._gate_path), _open_lock_file(self._lock_path)
        try:
            deadline = time.monotonic() + EXCLUSIVE_TIMEOUT_S
            for descriptor in (gate_descriptor, lock_descriptor):
                pause = PAUSE_S
                while not _try_lock(descriptor, LockFlags.EXCLUSIVE):
                    if time.monotonic() > deadline:
                        raise Unavailable(
                            "KEYS_BUSY", "A transaction that uses the bucket keys does not end."
                        )
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, MAX_PAUSE_S)
            yield
        finally:
            os.close(lock_descriptor)
            os.close(gate_descriptor)

    def _try_acquire_shared(self) -> bool:
        if self._gate < 0:
            self._gate, self._lock = _open_lock_file(self._gate_path), _open_lock_file(self._lock_path)
            weakref.finalize(self, _close, self._gate, self._lock)
        if not _try_lock(self._gate, LockFlags.SHARED):
            return False
        try:
            # All holders in this process share one lock on the file; the first acquires it and the last
            # releases it.
            if not self._shared_holders and not _try_lock(self._lock, LockFlags.SHARED):
                return False
            self._shared_holders += 1
        finally:
            unlock(self._gate)
        return True

    def _release_shared(self) -> None:
        self._shared_holders -= 1
        if not self._shared_holders:
            unlock(self._lock)


def _open_lock_file(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Lock files are never deleted. A process that holds a lock on a deleted file excludes nobody who opens a
    # new one.
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _try_lock(descriptor: int, mode: LockFlags) -> bool:
    try:
        lock(descriptor, mode | LockFlags.NON_BLOCKING)
    except AlreadyLocked:
        return False
    return True
