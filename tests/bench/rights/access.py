"""How long a package of a customer with many events takes: until it is ready, and until it is fetched.

A house behind a socket makes it, as serve does; the client reads it to its end.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from discretion.store.embedded import mongo_server as embedded
from tests.fixtures.busy_customer import happened
from tests.fixtures.package import asked, customer, link
from tests.fixtures.platform import House, open_house

WIDTH = 120
ANN = {"type": "identify", "messageId": "i", "userId": "u", "traits": {"email": "ann@shop.example"}}


@dataclass(frozen=True, slots=True)
class Measured:
    """One package: seconds until it was ready and until it was fetched, and its bytes."""

    ready: float
    fetched: float
    size: int


async def once(house: House, named: bytes, token: str) -> Measured:
    """Ask for a package, and fetch it."""
    start = time.monotonic()
    request = await asked(house, named)
    await house.platform.rights.engine.carry(request.id)
    ready = time.monotonic()
    path = await link(house, request, token)
    size = 0
    async with house.http.stream("GET", path) as response:
        response.raise_for_status()
        async for part in response.aiter_bytes():
            size += len(part)
    return Measured(ready - start, time.monotonic() - ready, size)


async def run(console: Console, events: int, rounds: int) -> list[Measured]:
    """A customer with so many events, and so many packages of them."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder,
        Progress(*columns, console=console) as progress,
    ):
        async with (
            embedded.running(Path(folder) / "mongo") as mongo,
            open_house(mongo.url, Path(folder)) as house,
        ):
            await house.tell("web-shop", ANN)
            named = await customer(house, "email", "ann@shop.example")
            await happened(house, named, events)
            token = await house.own_token("email", "ann@shop.example")
            task = progress.add_task(f"Packages of {events:,} events", total=rounds)
            found = []
            for _ in range(rounds):
                found.append(await once(house, named, token))
                progress.advance(task)
            return found


def table(events: int, found: list[Measured]) -> Table:
    """Median and 95th percentile."""
    made = Table(title=f"Packages of {events:,} events", title_justify="left", box=SIMPLE_HEAD)
    made.add_column("")
    for name in ("median s", "p95 s"):
        made.add_column(name, justify="right")
    for name, told in (
        ("until it is ready", [one.ready for one in found]),
        ("until it is fetched", [one.fetched for one in found]),
        ("both", [one.ready + one.fetched for one in found]),
    ):
        made.add_row(name, f"{statistics.median(told):.2f}", f"{_p95(told):.2f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    made.caption = f"{found[-1].size / 1024:,.0f} KiB each; the process at its most {peak:,.0f} MiB"
    return made


def _p95(told: list[float]) -> float:
    return told[0] if len(told) == 1 else statistics.quantiles(told, n=20, method="inclusive")[-1]


def main(
    events: Annotated[int, typer.Option(help="Events of the customer.", min=1)] = 10_000,
    rounds: Annotated[int, typer.Option(help="Packages.", min=1)] = 20,
) -> None:
    """Make packages of one customer, and fetch each over HTTP."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.print(table(events, asyncio.run(run(console, events, rounds))))


if __name__ == "__main__":
    typer.run(main)
