"""Duration of an access package of a customer with many events, until it is ready and until it is fetched.

A platform that is served on a socket creates the package, and a client reads it completely.
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
from tests.fixtures.busy_customer import insert_events
from tests.fixtures.package import create_link, file_request, find_customer_id
from tests.fixtures.platform import PlatformUnderTest, open_platform

WIDTH = 120
ANN_MESSAGE = {"type": "identify", "messageId": "i", "userId": "u", "traits": {"email": "ann@shop.example"}}


@dataclass(frozen=True, slots=True)
class PackageMeasurement:
    """The measurement of one package: the seconds of its creation and of its download, and its size."""

    ready_s: float
    fetched_s: float
    size_bytes: int


async def measure_package(platform: PlatformUnderTest, customer_id: bytes, token: str) -> PackageMeasurement:
    """Request a package and fetch it."""
    started_at = time.monotonic()
    request = await file_request(platform, customer_id)
    await platform.internals.requests.workflow_runner.run_request(request.id)
    ready_at = time.monotonic()
    path = await create_link(platform, request, token)
    size_bytes = 0
    async with platform.http.stream("GET", path) as response:
        response.raise_for_status()
        async for part in response.aiter_bytes():
            size_bytes += len(part)
    return PackageMeasurement(ready_at - started_at, time.monotonic() - ready_at, size_bytes)


async def run(console: Console, events: int, rounds: int) -> list[PackageMeasurement]:
    """Insert a customer with ``events`` events and measure ``rounds`` packages."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder,
        Progress(*columns, console=console) as progress,
    ):
        async with (
            embedded.run_embedded_mongo(Path(folder) / "mongo") as mongo,
            open_platform(mongo.url, Path(folder)) as platform,
        ):
            await platform.send_messages("web-shop", ANN_MESSAGE)
            customer_id = await find_customer_id(platform, "email", "ann@shop.example")
            await insert_events(platform, customer_id, events)
            token = await platform.issue_customer_token("email", "ann@shop.example")
            task = progress.add_task(f"Packages of {events:,} events", total=rounds)
            measurements = []
            for _ in range(rounds):
                measurements.append(await measure_package(platform, customer_id, token))
                progress.advance(task)
            return measurements


def build_table(events: int, measurements: list[PackageMeasurement]) -> Table:
    """Build the table of medians and 95th percentiles."""
    table = Table(title=f"Packages of {events:,} events", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("")
    for name in ("median s", "p95 s"):
        table.add_column(name, justify="right")
    for name, durations in (
        ("creation", [measurement.ready_s for measurement in measurements]),
        ("download", [measurement.fetched_s for measurement in measurements]),
        ("total", [measurement.ready_s + measurement.fetched_s for measurement in measurements]),
    ):
        table.add_row(name, f"{statistics.median(durations):.2f}", f"{_compute_p95(durations):.2f}")
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table.caption = (
        f"{measurements[-1].size_bytes / 1024:,.0f} KiB each; peak memory of the process: {peak_mib:,.0f} MiB"
    )
    return table


def _compute_p95(durations: list[float]) -> float:
    return (
        durations[0] if len(durations) == 1 else statistics.quantiles(durations, n=20, method="inclusive")[-1]
    )


def main(
    events: Annotated[int, typer.Option(help="Events of the customer.", min=1)] = 10_000,
    rounds: Annotated[int, typer.Option(help="Number of packages.", min=1)] = 20,
) -> None:
    """Create packages of one customer and fetch each over HTTP."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.print(build_table(events, asyncio.run(run(console, events, rounds))))


if __name__ == "__main__":
    typer.run(main)
