"""The servers that are compared, and what starts each."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.bench import servers
from tests.bench.servers import OURS, SERVE, Server
from tests.fixtures.node import NODE

JAVASCRIPT = Path(__file__).parent / "mercurius"
MERCURIUS, NAIVE = "Mercurius", "Strawberry"


def commands() -> dict[str, tuple[list[str], dict[str, str]]]:
    """Each server's name with what starts it, and what it is told beside what all are told."""
    return {
        OURS: ([*SERVE], {}),
        MERCURIUS: ([NODE, str(JAVASCRIPT / "server.js")], {"BENCH_CHECKS": "on"}),
        f"{MERCURIUS}, no checks": ([NODE, str(JAVASCRIPT / "server.js")], {"BENCH_CHECKS": "off"}),
        NAIVE: ([sys.executable, "-m", "tests.bench.query.naive"], {}),
        "bare ASGI": ([sys.executable, "-m", "tests.bench.query.bare"], {}),
    }


@contextmanager
def started(name: str, environ: Mapping[str, str], log: Path) -> Iterator[Server]:
    """One of them for as long as the block lasts."""
    command, more = commands()[name]
    with servers.started(name, command, {**environ, **more}, log) as server:
        yield server
