"""Compares one customer and a list of customers, 13 attributes each, over several servers.

All have one process each, the same MongoDB and the same people. Discretion does all it does:
token, decision, unsealing, disclosure on record before the answer. The others read the same
values from plain documents and record nothing.
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

from tests.bench.load import ask, query
from tests.bench.query.data import Data, prepared
from tests.bench.query.operation import MANY, ONE
from tests.bench.query.servers import JAVASCRIPT, MERCURIUS, NAIVE, commands, started
from tests.bench.query.table import Measured, table
from tests.bench.servers import Server, cpu_seconds
from tests.fixtures.node import npm_install

WIDTH = 120
"""Columns of the table where there is no terminal to ask."""


def cases(data: Data, first: int) -> dict[str, list[bytes]]:
    """The bodies that are sent in turn, for each kind of question."""
    one = [json.dumps({"query": ONE, "variables": {"id": known}}).encode() for known in data.ids]
    return {
        "one customer": one,
        f"a list of {first} customers": [json.dumps({"query": MANY, "variables": {"first": first}}).encode()],
    }


def answer(server: Server, body: bytes, token: str) -> Any:
    """The data of one answer."""
    response = httpx.post(
        f"http://127.0.0.1:{server.port}/graphql",
        content=body,
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
        timeout=60,
    )
    if response.status_code != httpx.codes.OK or "errors" in response.json():
        raise RuntimeError(f"{server.name} answers {response.status_code}: {response.text[:2000]}")
    return response.json()["data"]


def compare(servers: list[Server], data: Data, first: int) -> None:
    """Raise RuntimeError unless all servers answer alike; what differs could not be compared in time."""
    for bodies in cases(data, first).values():
        for body in bodies[:5]:
            wanted = answer(servers[0], body, data.token)
            for server in servers[1:]:
                told = answer(server, body, data.token)
                if told != wanted:
                    raise RuntimeError(f"{server.name} says {told}, {servers[0].name} {wanted}"[:2000])


def measure(server: Server, bodies: list[bytes], data: Data, seconds: float, connections: int) -> Measured:
    """One server under load."""
    asked = [query(server.port, body, data.token) for body in bodies]
    cpu, mongo = cpu_seconds(server.pid), cpu_seconds(data.mongod)
    load = ask(server.port, asked, seconds, connections)
    each = 1000 / len(load.latencies)
    return Measured(load, (cpu_seconds(server.pid) - cpu) * each, (cpu_seconds(data.mongod) - mongo) * each)


async def run(
    console: Console, rounds: int, seconds: float, customers: int, first: int, connections: int
) -> None:
    """Prepare, compare, measure in interleaved rounds, and print a table for each kind of question."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder, contextlib.ExitStack() as stack:
        progress = stack.enter_context(Progress(*columns, console=console))
        sowing = progress.add_task("Sowing", total=None)
        told = lambda done, total: progress.update(sowing, completed=done, total=total)  # noqa: E731
        async with prepared(Path(folder), customers, told) as data:
            running = contextlib.ExitStack()
            with running:
                log = Path(folder) / "servers.log"
                servers = [running.enter_context(started(name, data.environ, log)) for name in commands()]
                compare(servers, data, first)
                found = _rounds(progress, servers, data, (rounds, seconds, first, connections))
            progress.stop()
    for case, measured in found.items():
        console.print(table(case, measured, (NAIVE, MERCURIUS)))


def _rounds(
    progress: Progress, servers: list[Server], data: Data, how: tuple[int, float, int, int]
) -> dict[str, dict[str, list[Measured]]]:
    rounds, seconds, first, connections = how
    bodies = cases(data, first)
    found: dict[str, dict[str, list[Measured]]] = {
        case: {server.name: [] for server in servers} for case in bodies
    }
    task = progress.add_task("Measuring", total=(rounds + 1) * len(bodies) * len(servers))
    for number in range(rounds + 1):
        for case, sent in bodies.items():
            for server in servers:
                measured = measure(server, sent, data, seconds, connections)
                if number:  # the first round warms up
                    found[case][server.name].append(measured)
                progress.advance(task)
    return found


def main(
    rounds: Annotated[int, typer.Option(help="Rounds; ratios are taken within one.", min=1)] = 7,
    seconds: Annotated[float, typer.Option(help="How long each server is asked in a round.", min=0.1)] = 3,
    customers: Annotated[int, typer.Option(help="Customers in the database.", min=1)] = 1000,
    first: Annotated[int, typer.Option(help="Customers in a list.", min=1, max=100)] = 100,
    connections: Annotated[int, typer.Option(help="Connections, kept open.", min=1)] = 16,
    quick: Annotated[bool, typer.Option("--quick", help="One short round, to see that it runs.")] = False,
) -> None:
    """Discretion beside Mercurius + graphql-jit, naive Strawberry and a bare ASGI app."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    if quick:
        rounds, seconds, customers = 1, 0.3, 120
    try:
        npm_install(JAVASCRIPT)
        asyncio.run(run(console, rounds, seconds, customers, first, connections))
    except RuntimeError as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
