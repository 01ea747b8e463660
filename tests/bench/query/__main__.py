"""Compares several servers with queries for 13 attributes of one customer and of a list of customers.

Each server has one process, and all use the same MongoDB and the same customers. Discretion does its full
work: it verifies the token, decides, decrypts the values and records the disclosure before it answers. The
other servers read the same values from plain documents and record nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench.load import encode_query, measure_queries
from tests.bench.query.data import BenchmarkData, prepare_data
from tests.bench.query.operation import CUSTOMER_PAGE, ONE_CUSTOMER
from tests.bench.query.servers import MERCURIUS, MERCURIUS_FOLDER, NAIVE, build_commands, run_compared_server
from tests.bench.query.table import QueryMeasurement, build_table
from tests.bench.servers import Server, cpu_seconds
from tests.fixtures.node import npm_install

WIDTH = 120
"""Width of the tables in characters when the output is not a terminal."""


def build_request_bodies(data: BenchmarkData, first: int) -> dict[str, list[bytes]]:
    """Return the request bodies of each case; a load sends them in turn."""
    single_bodies = [
        json.dumps({"query": ONE_CUSTOMER, "variables": {"id": customer_id}}).encode()
        for customer_id in data.ids
    ]
    return {
        "one customer": single_bodies,
        f"a list of {first} customers": [
            json.dumps({"query": CUSTOMER_PAGE, "variables": {"first": first}}).encode()
        ],
    }


def fetch_answer(server: Server, body: bytes, token: str) -> Any:
    """Return the data of one answer.

    Raises:
        RuntimeError: the answer is an error.
    """
    response = httpx.post(
        f"http://127.0.0.1:{server.port}/graphql",
        content=body,
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
        timeout=60,
    )
    if response.status_code != httpx.codes.OK or "errors" in response.json():
        raise RuntimeError(f"{server.name} answered {response.status_code}: {response.text[:2000]}")
    return response.json()["data"]


def check_equal_answers(servers: list[Server], data: BenchmarkData, first: int) -> None:
    """Check that all servers give equal answers, without which their times could not be compared.

    Raises:
        RuntimeError: two answers differ.
    """
    for bodies in build_request_bodies(data, first).values():
        for body in bodies[:5]:
            expected = fetch_answer(servers[0], body, data.token)
            for server in servers[1:]:
                actual = fetch_answer(server, body, data.token)
                if actual != expected:
                    raise RuntimeError(
                        f"{server.name} answered {actual}, {servers[0].name} answered {expected}"[:2000]
                    )


def measure_server(
    server: Server, bodies: list[bytes], data: BenchmarkData, seconds: float, connections: int
) -> QueryMeasurement:
    """Measure one server under load."""
    requests = [encode_query(server.port, body, data.token) for body in bodies]
    cpu_before, mongod_before = cpu_seconds(server.pid), cpu_seconds(data.mongod_pid)
    load = measure_queries(server.port, requests, seconds, connections)
    ms_per_request = 1000 / len(load.latencies)
    return QueryMeasurement(
        load,
        (cpu_seconds(server.pid) - cpu_before) * ms_per_request,
        (cpu_seconds(data.mongod_pid) - mongod_before) * ms_per_request,
    )


async def run(
    console: Console, rounds: int, seconds: float, customers: int, first: int, connections: int
) -> None:
    """Prepare the data, check the answers, measure in interleaved rounds and print a table for each case."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder, contextlib.ExitStack() as stack:
        progress = stack.enter_context(Progress(*columns, console=console))
        seeding_task = progress.add_task("Sending messages", total=None)
        report_progress = lambda sent, total: progress.update(seeding_task, completed=sent, total=total)  # noqa: E731
        async with prepare_data(Path(folder), customers, report_progress) as data:
            running_servers = contextlib.ExitStack()
            with running_servers:
                log = Path(folder) / "servers.log"
                servers = [
                    running_servers.enter_context(run_compared_server(name, data.environ, log))
                    for name in build_commands()
                ]
                check_equal_answers(servers, data, first)
                measurements = _measure_rounds(progress, servers, data, (rounds, seconds, first, connections))
            progress.stop()
    for case, measured in measurements.items():
        console.print(build_table(case, measured, (NAIVE, MERCURIUS)))


def _measure_rounds(
    progress: Progress, servers: list[Server], data: BenchmarkData, options: tuple[int, float, int, int]
) -> dict[str, dict[str, list[QueryMeasurement]]]:
    rounds, seconds, first, connections = options
    bodies = build_request_bodies(data, first)
    measurements: dict[str, dict[str, list[QueryMeasurement]]] = {
        case: {server.name: [] for server in servers} for case in bodies
    }
    task = progress.add_task("Measuring", total=(rounds + 1) * len(bodies) * len(servers))
    for number in range(rounds + 1):
        for case, case_bodies in bodies.items():
            for server in servers:
                measured = measure_server(server, case_bodies, data, seconds, connections)
                if number:  # the first round is a warm-up
                    measurements[case][server.name].append(measured)
                progress.advance(task)
    return measurements


def main(
    rounds: Annotated[int, typer.Option(help="Rounds. Ratios are computed within a round.", min=1)] = 7,
    seconds: Annotated[
        float, typer.Option(help="Duration of the load on each server in a round.", min=0.1)
    ] = 3,
    customers: Annotated[int, typer.Option(help="Customers in the database.", min=1)] = 1000,
    first: Annotated[int, typer.Option(help="Customers in a list.", min=1, max=100)] = 100,
    connections: Annotated[int, typer.Option(help="Open connections.", min=1)] = 16,
    quick: Annotated[
        bool, typer.Option("--quick", help="One short round, which checks that the benchmark runs.")
    ] = False,
) -> None:
    """Compare Discretion with Mercurius and graphql-jit, with Strawberry and with a bare ASGI application."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    if quick:
        rounds, seconds, customers = 1, 0.3, 120
    try:
        npm_install(MERCURIUS_FOLDER)
        asyncio.run(run(console, rounds, seconds, customers, first, connections))
    except RuntimeError as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
