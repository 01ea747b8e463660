"""One release under load. A program of its own, because it runs with the code of each release (PYTHONPATH).

It prints an empty line of JSON when it is ready. For each line of input, the name of a case, it measures the
case once and prints the figures as a line of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from discretion.app.clock import now_ms
from tests.bench.ingest.__main__ import IngestBench
from tests.bench.ingest.traffic import Traffic
from tests.bench.installation import run_installation
from tests.bench.load import encode_query, measure_queries
from tests.bench.query.data import BenchmarkData, prepare_data
from tests.bench.query.operation import CUSTOMER_PAGE, ONE_CUSTOMER
from tests.bench.servers import OURS, SERVE_COMMAND, Server, cpu_seconds, run_server

PAGE_SIZE = 100
BATCH_SIZE, SENDERS = 100, 4

Figures = dict[str, float]


def measure_requests(
    server: Server, data: BenchmarkData, bodies: list[bytes], seconds: float, connections: int
) -> Figures:
    """Send queries to a server, and return its rate and the processor time of a request."""
    requests = [encode_query(server.port, body, data.token) for body in bodies]
    server_before, mongod_before = cpu_seconds(server.pid), cpu_seconds(data.mongod_pid)
    load = measure_queries(server.port, requests, seconds, connections)
    ms_per_request = 1000 / len(load.latencies)
    return {
        "per_second": load.per_second,
        "p50_ms": load.quantile_ms(0.5),
        "server_ms": (cpu_seconds(server.pid) - server_before) * ms_per_request,
        "mongod_ms": (cpu_seconds(data.mongod_pid) - mongod_before) * ms_per_request,
    }


def measure_ingest(bench: IngestBench, seconds: float) -> Figures:
    """Send batches of messages, and return the rate and the processor time of a message."""
    measured = bench.measure_ours(BATCH_SIZE, SENDERS, seconds)
    return {
        "per_second": measured.per_second,
        "p50_ms": measured.load.quantile_ms(0.5),
        "server_ms": measured.cpu_ms,
        "mongod_ms": measured.mongo_ms,
    }


async def run(customers: int, seconds: float, connections: int) -> None:
    """Send customers to two installations of this release, one to query and one to send messages to."""
    with tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder, contextlib.ExitStack() as stack:
        queried, filled = Path(folder) / "queried", Path(folder) / "filled"
        queried.mkdir()
        filled.mkdir()
        async with (
            prepare_data(queried, customers, lambda *_: None) as data,
            run_installation(filled) as installation,
        ):
            log = Path(folder) / "servers.log"
            server = stack.enter_context(run_server(OURS, SERVE_COMMAND, data.environ, log))
            ingest_server = stack.enter_context(run_server(OURS, SERVE_COMMAND, installation.environ, log))
            bench = IngestBench(ingest_server, installation, Traffic(customers, now_ms()))
            bench.introduce(lambda _count: None)
            ones = [
                json.dumps({"query": ONE_CUSTOMER, "variables": {"id": customer_id}}).encode()
                for customer_id in data.ids
            ]
            page = [json.dumps({"query": CUSTOMER_PAGE, "variables": {"first": PAGE_SIZE}}).encode()]
            cases: dict[str, Callable[[], Figures]] = {
                "one customer": lambda: measure_requests(server, data, ones, seconds, connections),
                "a list of 100": lambda: measure_requests(server, data, page, seconds, connections),
                "messages": lambda: measure_ingest(bench, seconds),
            }
            _report({})
            for line in sys.stdin:
                _report(cases[line.rstrip("\n")]())


def _report(figures: Figures) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
