"""The embedded MongoDB server: this process starts it, makes it a replica set, waits for it and stops it.

A data folder belongs to one process at a time, by a lock that the operating system releases when the process
ends. What a killed process leaves behind, a running mongod or an unclean database, is cleaned up at the next
start.
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
from typing import IO

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

# Linux can end a child with its parent (prctl 1, PR_SET_PDEATHSIG). The child requests this itself before it
# becomes mongod, because code between fork and exec may deadlock in a process that has threads.
DIE_WITH_PARENT = (
    "import ctypes,os,sys;ctypes.CDLL(None).prctl(1,15);"
    "os.getppid()==int(sys.argv[1]) and os.execv(sys.argv[2],sys.argv[2:])"
)


class EmbeddedMongo:
    """A running mongod that belongs to this process until ``stop``."""

    def __init__(self, folder: Path, port: int, process: subprocess.Popen[bytes], lock: IO[bytes]) -> None:
        self.folder = folder
        self.port = port
        self._process = process
        self._lock = lock

    @property
    def url(self) -> str:
        """The connection string for clients."""
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet={REPLICA_SET}"

    @property
    def pid(self) -> int:
        """The process id of mongod."""
        return self._process.pid

    async def stop(self) -> None:
        """Stop mongod cleanly and release the folder. A second call has no effect.

        On Windows mongod is terminated as in a crash; its journal restores all acknowledged writes.
        """
        await _stop(self._process)
        self._lock.close()


@contextlib.asynccontextmanager
async def run_embedded_mongo(folder: Path, *, port: int = 0) -> AsyncIterator[EmbeddedMongo]:
    """Run MongoDB for the duration of the block."""
    mongo = await start_embedded_mongo(folder, port=port)
    try:
        yield mongo
    finally:
        await mongo.stop()


async def start_embedded_mongo(
    folder: Path, *, port: int = 0, machine: Machine | None = None, extra_arguments: Sequence[str] = ()
) -> EmbeddedMongo:
    """Start MongoDB on the data in ``folder`` and wait until it accepts writes.

    Args:
        folder: Everything that mongod writes is below it; created if it does not exist.
        port: On 127.0.0.1. With 0, the port of the last start if it is free, else any free one.
        machine: The machine to assume; for tests.
        extra_arguments: Passed to mongod after the default ones.

    Raises:
        Misconfigured: ``MONGO_UNSUPPORTED_PLATFORM``, ``EXTRA_MISSING``, ``MONGO_FOLDER_IN_USE``,
            ``MONGO_PORT_TAKEN`` or ``MONGO_START_FAILED``.
    """
    machine = machine or mongod.detect_machine()
    program = mongod.find_mongod(machine)
    folder = _prepare_folder(folder)
    lock = _lock_folder(folder / "lock")
    try:
        await _stop_orphan(folder / "data")
        for attempt in range(PORTS_TRIED):
            chosen_port = _choose_port(port, folder / "port", first=attempt == 0)
            log = _MongodLog(folder)
            arguments = mongod.build_arguments(folder / "data", log.path, chosen_port, machine)
            process = _spawn([str(program), *arguments, *extra_arguments], log, machine)
            try:
                await _until_ready(process, chosen_port, log)
            except _PortLost:
                continue  # another program took the port between the check and mongod's start
            except BaseException:
                await _stop(process)
                raise
            _write_text(folder / "port", str(chosen_port))
            return EmbeddedMongo(folder, chosen_port, process, lock)
        raise _port_taken(port)
    except BaseException:
        lock.close()
        raise


def ensure_folder_free(folder: Path) -> None:
    """Check that no process runs MongoDB on the data in ``folder``.

    Raises:
        Misconfigured: ``MONGO_FOLDER_IN_USE``.
    """
    if (folder / "lock").exists():
        _lock_folder(folder / "lock").close()


class _PortLost(Exception):
    """Raised when mongod finds its port in use."""


class _MongodLog:
    """The log of mongod. It is kept over restarts up to a size, with one older file beside it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mongod.log"
        self.console = folder / "mongod.out"  # output before mongod has opened its log
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_size > LOG_BYTES_KEPT:
                self.path.replace(folder / "mongod.log.1")
        self._start_offset = self.path.stat().st_size if self.path.exists() else 0

    def read_lines(self) -> list[str]:
        """Return the lines that were written since this start."""
        text = self.console.read_text("utf-8", "replace") if self.console.exists() else ""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._start_offset)
                text += file.read(LOG_BYTES_KEPT).decode("utf-8", "replace")
        return [line for line in text.splitlines() if line.strip()]


def _prepare_folder(folder: Path) -> Path:
    # Resolved, because ``_serves_folder`` compares the path with the text that mongod was started with.
    folder = folder.resolve()
    try:
        (folder / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            "MONGO_START_FAILED",
            f"The folder {folder} cannot be created: {error.strerror}.",
            "Use another folder.",
        ) from error
    return folder


def _lock_folder(path: Path) -> IO[bytes]:
    """Lock the folder; the operating system releases the lock when this process ends, however it ends."""
    file = path.open("ab")
    try:
        if sys.platform == "win32":
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise _folder_in_use(path.parent) from None
    return file


def _folder_in_use(folder: Path) -> Misconfigured:
    return Misconfigured(
        "MONGO_FOLDER_IN_USE",
        f"Another process uses the data in {folder}.",
        "Stop it, or choose another folder with --data-dir or DISCRETION_DATA_DIR.",
    )


async def _stop_orphan(data: Path) -> None:
    """Stop the mongod of a killed process.

    This process holds the folder's lock, so that mongod has no owner.
    """
    try:
        pid = int((data / "mongod.lock").read_text("ascii"))
    except (OSError, ValueError):
        return
    for signal_number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        if not _is_mongod_on(data, pid):
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal_number)
        if await _wait_until(lambda: not _is_mongod_on(data, pid), STOP_SECONDS):
            return
    raise _folder_in_use(data.parent)


def _is_mongod_on(data: Path, pid: int) -> bool:
    """Return whether a process id is a mongod on this data folder.

    Ids are reused, so a weaker check is not enough.
    """
    try:
        if sys.platform == "linux":
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            return os.fsencode(data) in arguments and any(
                argument.endswith(b"mongod") for argument in arguments
            )
        if sys.platform == "win32":
            return False  # mongod itself refuses a folder that is in use
        command = subprocess.run(  # noqa: S603 - no user input in it
            ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
        ).stdout
    except OSError:
        return False
    return b"mongod " in command and os.fsencode(data) in command


def _choose_port(requested: int, remembered: Path, *, first: bool) -> int:
    if requested:
        if not _is_free(requested):
            raise _port_taken(requested)
        return requested
    if first:
        # The same port as last time spares the replica set a change of its configuration.
        with contextlib.suppress(OSError, ValueError):
            last_port = int(remembered.read_text("ascii"))
            if _is_free(last_port):
                return last_port
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
    subject = f"Port {port} on 127.0.0.1 is" if port else "All ports tried on 127.0.0.1 are"
    return Misconfigured(
        "MONGO_PORT_TAKEN", f"{subject} taken.", "Free it, or use port 0 to select a free one."
    )


def _spawn(command: list[str], log: _MongodLog, machine: Machine) -> subprocess.Popen[bytes]:
    if machine.system == "linux" and sys.executable:
        command = [sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), *command]
    with log.console.open("wb") as console:
        try:
            return subprocess.Popen(  # noqa: S603 - a program from the installed environment
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,  # Ctrl-C is for this process, which stops mongod after its last write
            )
        except OSError as error:
            raise mongod.build_start_error(EXIT_NO_LIBRARY, [str(error.strerror)]) from error


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, "ascii")


async def _until_ready(process: subprocess.Popen[bytes], port: int, log: _MongodLog) -> None:
    """Wait until mongod accepts writes.

    Raises:
        _PortLost: Its port is in use.
        Misconfigured: ``MONGO_START_FAILED``.
    """
    election = asyncio.create_task(_elect_primary(port, log.path.parent / "data"))
    deadline = time.monotonic() + START_SECONDS
    try:
        while not election.done():
            await asyncio.wait([election], timeout=POLL_SECONDS)
            if process.poll() is not None:
                if process.returncode == EXIT_PORT_TAKEN:
                    raise _PortLost
                raise mongod.build_start_error(process.returncode, log.read_lines())
            if time.monotonic() > deadline:
                raise mongod.build_start_error(None, log.read_lines())
        try:
            election.result()
        except PyMongoError as error:
            raise mongod.build_start_error(None, [*log.read_lines(), type(error).__name__]) from error
    finally:
        election.cancel()
        await asyncio.gather(election, return_exceptions=True)


async def _elect_primary(port: int, data: Path) -> None:
    """Make the single member the primary of its replica set, under its present port."""
    while not await _is_listening(port):  # noqa: ASYNC110 - another process cannot set an event
        await asyncio.sleep(POLL_SECONDS)
    async with AsyncMongoClient[dict[str, object]](
        "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=5_000
    ) as client:
        while not await _is_primary(client.admin, port, data):  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)


async def _is_primary(admin: AsyncDatabase[dict[str, object]], port: int, data: Path) -> bool:
    """Return whether the member is primary; initiate or reconfigure the replica set if necessary."""
    try:
        if (await admin.command("hello"))["isWritablePrimary"]:
            return await _serves_folder(admin, data)
        if not await _serves_folder(admin, data):
            return False  # another mongod has the port; the one started here is about to exit
        try:
            config = (await admin.command("replSetGetConfig"))["config"]
        except OperationFailure as error:
            if error.code != NOT_YET_INITIALIZED:
                raise
            config = {"_id": REPLICA_SET, "members": [_build_member(port)]}
            await admin.command({"replSetInitiate": config})
            return False
        if config["members"][0]["host"] != _build_member(port)["host"]:
            # Forced: the configured address is not served any more, so no primary exists that could accept
            # the change.
            config.update(members=[_build_member(port)], version=config["version"] + 1)
            await admin.command({"replSetReconfig": config, "force": True})
    except AutoReconnect:
        pass  # mongod drops connections when its role in the set changes
    return False


async def _serves_folder(admin: AsyncDatabase[dict[str, object]], data: Path) -> bool:
    options = await admin.command("getCmdLineOpts")
    return bool(options["parsed"]["storage"]["dbPath"] == str(data))


def _build_member(port: int) -> dict[str, object]:
    return {"_id": 0, "host": f"127.0.0.1:{port}"}


async def _is_listening(port: int) -> bool:
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
    if not await _wait_until(lambda: process.poll() is not None, STOP_SECONDS):
        process.kill()
        process.wait()


async def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until a condition is true, and return whether it became true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True
