"""A MongoDB of our own for evaluation and tests: started, made a replica set, waited for, stopped.

A folder belongs to one process at a time, by a lock that dies with it. What a killed process
left behind, a running mongod or an unclean database, is cleared up at the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import IO, Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from discretion.errors import Misconfigured
from discretion.store.embedded import mongod
from discretion.store.embedded.mongod import EXIT_NO_LIBRARY, EXIT_PORT_TAKEN, REPLICA_SET, Machine

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PORTS_TRIED = 5
POLL_SECONDS = 0.02
START_SECONDS = 60.0  # recovery after a crash reads the whole journal
STOP_SECONDS = 20.0
LOG_BYTES_KEPT = 4 * 1024 * 1024
NOT_YET_INITIALIZED = 94

# Linux can end a child with its parent (prctl 1, PR_SET_PDEATHSIG). Asked for by the child itself, before it
# becomes mongod, because code between fork and exec may deadlock in a process that has threads.
DIE_WITH_PARENT = (
    "import ctypes,os,sys;ctypes.CDLL(None).prctl(1,15);"
    "os.getppid()==int(sys.argv[1]) and os.execv(sys.argv[2],sys.argv[2:])"
)


class EmbeddedMongo:
    """A running mongod, ours until ``stop``."""

    def __init__(self, folder: Path, port: int, process: subprocess.Popen[bytes], lock: IO[bytes]) -> None:
        self.folder = folder
        self.port = port
        self._process = process
        self._lock = lock

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet={REPLICA_SET}"

    @property
    def pid(self) -> int:
        """Process id of mongod."""
        return self._process.pid

    async def stop(self) -> None:
        """Stop mongod cleanly and give the folder back. A second call does nothing.

        On Windows mongod is ended as a crash would; its journal brings everything acknowledged back.
        """
        await _stop(self._process)
        self._lock.close()


@contextlib.asynccontextmanager
async def running(folder: Path, *, port: int = 0) -> AsyncIterator[EmbeddedMongo]:
    """MongoDB for as long as the block lasts."""
    mongo = await start(folder, port=port)
    try:
        yield mongo
    finally:
        await mongo.stop()


async def start(
    folder: Path, *, port: int = 0, machine: Machine | None = None, extra_arguments: Sequence[str] = ()
) -> EmbeddedMongo:
    """Start MongoDB on the data in ``folder`` and wait until it takes writes.

    Args:
        folder: Everything mongod writes goes below it; made if it is not there.
        port: On 127.0.0.1. With 0, the one of last time if it is free, else any free one.
        machine: What to pretend to run on; for tests.
        extra_arguments: Told to mongod after our own.

    Raises:
        Misconfigured: ``MONGO_UNSUPPORTED_PLATFORM``, ``MONGO_FOLDER_IN_USE``, ``MONGO_PORT_TAKEN``
            or ``MONGO_START_FAILED``.
    """
    machine = machine or mongod.this_machine()
    program = mongod.find(machine)
    folder = _prepare(folder)
    lock = _lock(folder / "lock")
    try:
        await _stop_orphan(folder / "data")
        for attempt in range(PORTS_TRIED):
            chosen = _port(port, folder / "port", first=attempt == 0)
            log = _Log(folder)
            told = mongod.arguments(folder / "data", log.path, chosen, machine)
            process = _spawn([str(program), *told, *extra_arguments], log, machine)
            try:
                await _until_ready(process, chosen, log)
            except _PortLost:
                continue  # somebody else took it between our look and mongod's
            except BaseException:
                await _stop(process)
                raise
            _write(folder / "port", str(chosen))
            return EmbeddedMongo(folder, chosen, process, lock)
        raise _port_taken(port)
    except BaseException:
        lock.close()
        raise


def ensure_free(folder: Path) -> None:
    """See that nobody runs MongoDB on the data in ``folder``.

    Raises:
        Misconfigured: ``MONGO_FOLDER_IN_USE``.
    """
    if (folder / "lock").exists():
        _lock(folder / "lock").close()


class _PortLost(Exception):
    """mongod found its port in use."""


class _Log:
    """What mongod writes. Kept over restarts up to a size, one older file beside it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mongod.log"
        self.console = folder / "mongod.out"  # what it says before it has opened its log
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_size > LOG_BYTES_KEPT:
                self.path.replace(folder / "mongod.log.1")
        self._from = self.path.stat().st_size if self.path.exists() else 0

    def lines(self) -> list[str]:
        """Everything written since this start."""
        told = self.console.read_text("utf-8", "replace") if self.console.exists() else ""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._from)
                told += file.read(LOG_BYTES_KEPT).decode("utf-8", "replace")
        return [line for line in told.splitlines() if line.strip()]


def _prepare(folder: Path) -> Path:
    folder = folder.resolve()
    try:
        (folder / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            "MONGO_START_FAILED",
            f"The folder {folder} cannot be made: {error.strerror}.",
            "Use another folder.",
        ) from error
    return folder


def _lock(path: Path) -> IO[bytes]:
    """Hold the folder; the system lets go of it when this process ends, however it ends."""
    file = path.open("ab")
    try:
        if sys.platform == "win32":
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise _in_use(path.parent) from None
    return file


def _in_use(folder: Path) -> Misconfigured:
    return Misconfigured(
        "MONGO_FOLDER_IN_USE",
        f"Another process uses the data in {folder}.",
        "Stop it, or choose another folder with --data-dir or DISCRETION_DATA_DIR.",
    )


async def _stop_orphan(data: Path) -> None:
    """End the mongod of a process that was killed. We hold the folder, so it has no owner."""
    try:
        pid = int((data / "mongod.lock").read_text("ascii"))
    except (OSError, ValueError):
        return
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        if not _is_mongod_on(data, pid):
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
        if await _until(lambda: not _is_mongod_on(data, pid), STOP_SECONDS):
            return
    raise _in_use(data.parent)


def _is_mongod_on(data: Path, pid: int) -> bool:
    """Whether this process id is a mongod on our data; ids are used again, so nothing less will do."""
    try:
        if sys.platform == "linux":
            told = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            return os.fsencode(data) in told and any(one.endswith(b"mongod") for one in told)
        if sys.platform == "win32":
            return False  # mongod itself refuses a folder that is in use
        command = subprocess.run(  # noqa: S603 - nothing of a user's in it
            ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
        ).stdout
    except OSError:
        return False
    return b"mongod " in command and os.fsencode(data) in command


def _port(wanted: int, remembered: Path, *, first: bool) -> int:
    if wanted:
        if not _is_free(wanted):
            raise _port_taken(wanted)
        return wanted
    if first:
        # The same port as last time spares the replica set a change of its configuration.
        with contextlib.suppress(OSError, ValueError):
            last = int(remembered.read_text("ascii"))
            if _is_free(last):
                return last
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as mongod does
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def _port_taken(port: int) -> Misconfigured:
    which = f"Port {port} on 127.0.0.1 is" if port else "All ports tried on 127.0.0.1 are"
    return Misconfigured("MONGO_PORT_TAKEN", f"{which} taken.", "Free it, or let us choose with port 0.")


def _spawn(command: list[str], log: _Log, machine: Machine) -> subprocess.Popen[bytes]:
    if machine.system == "linux" and sys.executable:
        command = [sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), *command]
    with log.console.open("wb") as console:
        try:
            return subprocess.Popen(  # noqa: S603 - a program from our own environment
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,  # Ctrl-C is for us; we stop mongod after our last write
            )
        except OSError as error:
            raise mongod.start_failed(EXIT_NO_LIBRARY, [str(error.strerror)]) from error


def _write(path: Path, text: str) -> None:
    path.write_text(text, "ascii")


async def _until_ready(process: subprocess.Popen[bytes], port: int, log: _Log) -> None:
    """Wait until mongod takes writes.

    Raises:
        _PortLost: Its port is somebody else's.
        Misconfigured: ``MONGO_START_FAILED``.
    """
    leading = asyncio.create_task(_lead(port, log.path.parent / "data"))
    deadline = time.monotonic() + START_SECONDS
    try:
        while not leading.done():
            await asyncio.wait([leading], timeout=POLL_SECONDS)
            if process.poll() is not None:
                if process.returncode == EXIT_PORT_TAKEN:
                    raise _PortLost
                raise mongod.start_failed(process.returncode, log.lines())
            if time.monotonic() > deadline:
                raise mongod.start_failed(None, log.lines())
        try:
            leading.result()
        except PyMongoError as error:
            raise mongod.start_failed(None, [*log.lines(), type(error).__name__]) from error
    finally:
        leading.cancel()
        await asyncio.gather(leading, return_exceptions=True)


async def _lead(port: int, data: Path) -> None:
    """Make the single member a primary of its replica set, under the port it has today."""
    while not await _listens(port):  # noqa: ASYNC110 - another process cannot set an event
        await asyncio.sleep(POLL_SECONDS)
    async with AsyncMongoClient[dict[str, Any]](
        "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=5_000
    ) as client:
        while not await _leads(client.admin, port, data):  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)


async def _leads(admin: AsyncDatabase[dict[str, Any]], port: int, data: Path) -> bool:
    """Whether the member is primary; if nothing makes it one yet, do."""
    try:
        if (await admin.command("hello"))["isWritablePrimary"]:
            return await _is_ours(admin, data)
        if not await _is_ours(admin, data):
            return False  # ours is about to end, for want of its port
        try:
            config = (await admin.command("replSetGetConfig"))["config"]
        except OperationFailure as error:
            if error.code != NOT_YET_INITIALIZED:
                raise
            config = {"_id": REPLICA_SET, "members": [_member(port)]}
            await admin.command({"replSetInitiate": config})
            return False
        if config["members"][0]["host"] != _member(port)["host"]:
            config.update(members=[_member(port)], version=config["version"] + 1)
            await admin.command({"replSetReconfig": config, "force": True})
    except AutoReconnect:
        pass  # it drops connections when its part in the set changes
    return False


async def _is_ours(admin: AsyncDatabase[dict[str, Any]], data: Path) -> bool:
    options = await admin.command("getCmdLineOpts")
    return bool(options["parsed"]["storage"]["dbPath"] == str(data))


def _member(port: int) -> dict[str, Any]:
    return {"_id": 0, "host": f"127.0.0.1:{port}"}


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


async def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    if not await _until(lambda: process.poll() is not None, STOP_SECONDS):
        process.kill()
        process.wait()


async def _until(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait until something holds; whether it does."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True
