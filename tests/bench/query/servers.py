"""The servers that are compared, each a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fixtures.demo import PROGRAM
from tests.fixtures.node import NODE

JAVASCRIPT = Path(__file__).parent / "mercurius"
WAIT_S = 60
OURS, MERCURIUS, NAIVE = "Discretion", "Mercurius", "Strawberry"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    name: str
    port: int
    pid: int


def commands() -> dict[str, tuple[list[str], dict[str, str]]]:
    """Each server's name with what starts it, and what it is told beside what all are told."""
    return {
        OURS: ([*PROGRAM, "serve"], {}),
        MERCURIUS: ([NODE, str(JAVASCRIPT / "server.js")], {"BENCH_CHECKS": "on"}),
        f"{MERCURIUS}, no checks": ([NODE, str(JAVASCRIPT / "server.js")], {"BENCH_CHECKS": "off"}),
        NAIVE: ([sys.executable, "-m", "tests.bench.query.naive"], {}),
        "bare ASGI": ([sys.executable, "-m", "tests.bench.query.bare"], {}),
    }


@contextmanager
def started(name: str, environ: Mapping[str, str], log: Path) -> Iterator[Server]:
    """A server for as long as the block lasts."""
    command, more = commands()[name]
    port = _free_port()
    told = {**os.environ, **environ, **more, "BENCH_PORT": str(port), "DISCRETION_PORT": str(port)}
    with log.open("ab") as out:
        process = subprocess.Popen(command, env=told, stdout=out, stderr=out)
    try:
        _until_it_listens(process, port, log)
        yield Server(name, port, process.pid)
    finally:
        process.terminate()
        process.wait(30)


def cpu_seconds(pid: int) -> float:
    """Processor time a process has used so far, its threads' too (proc(5), ``stat``)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"The server does not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")
