"""Measured servers, each in its own process."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fixtures.program import PROGRAM

STARTUP_TIMEOUT_S = 60
OURS = "Discretion"
SERVE_COMMAND = (*PROGRAM, "serve")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    name: str
    port: int
    pid: int


@contextmanager
def run_server(name: str, command: Sequence[str], environ: Mapping[str, str], log: Path) -> Iterator[Server]:
    """Run a server until the block ends, with its port in BENCH_PORT and DISCRETION_PORT."""
    port = _find_free_port()
    process_environ = {**os.environ, **environ, "BENCH_PORT": str(port), "DISCRETION_PORT": str(port)}
    with log.open("ab") as out:
        process = subprocess.Popen(command, env=process_environ, stdout=out, stderr=out)
    try:
        _wait_until_listening(process, port, log)
        yield Server(name, port, process.pid)
    finally:
        process.terminate()
        process.wait(30)


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its threads in seconds (proc(5), ``stat``)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + STARTUP_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"The server did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")
