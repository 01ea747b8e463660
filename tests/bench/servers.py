"""Servers under measurement, each a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fixtures.demo import PROGRAM

WAIT_S = 60
OURS = "Discretion"
SERVE = (*PROGRAM, "serve")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    name: str
    port: int
    pid: int


@contextmanager
def started(name: str, command: Sequence[str], environ: Mapping[str, str], log: Path) -> Iterator[Server]:
    """A server for as long as the block lasts; it is told its port as BENCH_PORT and DISCRETION_PORT."""
    port = _free_port()
    told = {**os.environ, **environ, "BENCH_PORT": str(port), "DISCRETION_PORT": str(port)}
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
