"""Room, MongoDB's processor time and time until durable of ledger entries, in two layouts side by side.

Both layouts are measured in turn in each round, in the same database. The figures of the packed layout
include the postings, which are written behind each second and finished before the clock stops.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from discretion.app.clock import now_ms
from discretion.background import run_alongside
from discretion.ledger.append import Ledger, LedgerBackend
from discretion.ledger.posting_writer import PostingWriter
from discretion.store.driver.connection import connect_database
from discretion.store.driver.database import Database
from discretion.store.schema.apply import apply_schema
from tests.bench.installation import run_installation
from tests.bench.ledger.layouts import EntryGenerator, open_layouts
from tests.bench.load import LoadResult
from tests.bench.servers import cpu_seconds

WIDTH = 120
POSTING_INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True)
class LedgerMeasurement:
    """The measurement of one layout in one round; ``mongod_ms`` is processor time per entry."""

    load: LoadResult
    mongod_ms: float


Rounds = Mapping[str, Sequence[LedgerMeasurement]]


class LedgerBench:
    """Appends entries from several tasks at once, and measures MongoDB meanwhile."""

    def __init__(self, database: Database, mongod_pid: int) -> None:
        self._posting_writer = PostingWriter(database, now_ms)
        self._mongod_pid = mongod_pid
        self._generator = EntryGenerator()

    async def measure(
        self, storage: LedgerBackend, people: int, tasks: int, seconds: float, *, with_postings: bool
    ) -> LedgerMeasurement:
        """Append entries about ``people`` people for some seconds."""
        ledger, latencies = Ledger(storage), list[float]()
        cpu_before, started_at = cpu_seconds(self._mongod_pid), time.perf_counter()

        async def append() -> None:
            while time.perf_counter() - started_at < seconds:
                entry = self._generator.build_entry(people)
                appended_at = time.perf_counter()
                await ledger.append(entry)
                latencies.append(time.perf_counter() - appended_at)

        async with run_alongside(self._write_postings()) if with_postings else nullcontext():
            await asyncio.gather(*(append() for _ in range(tasks)))
            elapsed = time.perf_counter() - started_at
        while with_postings and await self._posting_writer.run():
            pass
        mongod_ms = 1000 * (cpu_seconds(self._mongod_pid) - cpu_before) / len(latencies)
        return LedgerMeasurement(LoadResult(elapsed, tuple(sorted(latencies))), mongod_ms)

    async def _write_postings(self) -> None:
        while True:
            await asyncio.sleep(POSTING_INTERVAL_S)
            while await self._posting_writer.run():
                pass


def build_table(title: str, rounds: Rounds) -> Table:
    """Build the table of medians over the rounds; the ratio is within a round."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("layout", no_wrap=True)
    for name in ("entries/s", "p50 ms", "p99 ms", "mongod ms an entry", "mongod: indexed / this"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, measured in rounds.items():
        ratios = [
            other.mongod_ms / measurement.mongod_ms
            for measurement, other in zip(measured, rounds["indexed"], strict=True)
        ]
        table.add_row(
            name,
            f"{median(measurement.load.per_second for measurement in measured):,.0f}",
            f"{median(measurement.load.quantile_ms(0.5) for measurement in measured):.2f}",
            f"{median(measurement.load.quantile_ms(0.99) for measurement in measured):.2f}",
            f"{median(measurement.mongod_ms for measurement in measured):.3f}",
            f"{median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})",
        )
    return table


async def measure_sizes(database: Database, collections: Sequence[str]) -> Table:
    """Build the table of bytes per entry, of documents and of all indexes on disk."""
    table = Table(title="Bytes an entry", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("collection", "entries", "document", "indexes"):
        table.add_column(name, justify="left" if name == "collection" else "right")
    for name in collections:
        stats = await database.command({"collStats": name})
        count = max(stats["count"], 1)
        table.add_row(
            name, f"{count:,}", f"{stats['avgObjSize']:,.0f}", f"{stats['totalIndexSize'] / count:,.0f}"
        )
    return table


async def run(
    console: Console, people: Sequence[int], tasks: Sequence[int], rounds: int, seconds: float
) -> None:
    """Start an installation and measure both layouts under each load."""
    with tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder:
        async with run_installation(Path(folder)) as installation:
            for people_count in people:
                # A database for each number of people: to empty the index of the other layout takes minutes.
                name = f"bench_{people_count}"
                database = await connect_database(installation.mongo_url, name, "pymongo", [])
                await apply_schema(database)
                bench = LedgerBench(database, installation.mongod_pid)
                layouts = await open_layouts(database)
                for task_count in tasks:
                    measured: dict[str, list[LedgerMeasurement]] = {layout: [] for layout in layouts}
                    for _ in range(rounds):
                        for layout, (_, storage) in layouts.items():
                            measurement = await bench.measure(
                                storage, people_count, task_count, seconds, with_postings=layout == "packed"
                            )
                            measured[layout].append(measurement)
                    title = f"{people_count} people an entry, {task_count} at once"
                    console.print(build_table(title, measured))
                console.print(await measure_sizes(database, [name for name, _ in layouts.values()]))
                await database.close()


def main(
    people: Annotated[list[int] | None, typer.Option(help="People an entry; may be repeated.")] = None,
    tasks: Annotated[list[int] | None, typer.Option(help="Entries at once; may be repeated.")] = None,
    rounds: Annotated[int, typer.Option(help="Rounds. The table shows medians.", min=1)] = 5,
    seconds: Annotated[float, typer.Option(help="Seconds for each layout in a round.")] = 3.0,
) -> None:
    """Measure the ledger beside a layout with an index over the people of each entry."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    asyncio.run(run(console, people or [1, 100], tasks or [1, 16, 64], rounds, seconds))


if __name__ == "__main__":
    typer.run(main)
