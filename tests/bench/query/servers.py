"""The compared servers and their start commands."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.bench import servers
from tests.bench.servers import OURS, SERVE_COMMAND, Server
from tests.fixtures.node import NODE

MERCURIUS_FOLDER = Path(__file__).parent / "mercurius"
MERCURIUS, NAIVE = "Mercurius", "Strawberry"


def build_commands() -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return the command and the additional environment of each server by name."""
    return {
        OURS: ([*SERVE_COMMAND], {}),
        MERCURIUS: ([NODE, str(MERCURIUS_FOLDER / "server.js")], {"BENCH_CHECKS": "on"}),
        f"{MERCURIUS}, no checks": ([NODE, str(MERCURIUS_FOLDER / "server.js")], {"BENCH_CHECKS": "off"}),
        NAIVE: ([sys.executable, "-m", "tests.bench.query.naive"], {}),
        "bare ASGI": ([sys.executable, "-m", "tests.bench.query.bare"], {}),
    }


@contextmanager
def run_compared_server(name: str, environ: Mapping[str, str], log: Path) -> Iterator[Server]:
    """Run one of the servers until the block ends."""
    command, extra_environ = build_commands()[name]
    with servers.run_server(name, command, {**environ, **extra_environ}, log) as server:
        yield server
