"""Duration of an erasure from end to end, and its effect on reads of other customers.

Customers are inserted directly into MongoDB, with keys wrapped under the bucket keys of the installation.
``discretion serve`` runs in its own process, accepts the requests over HTTP and executes them. The table also
shows the published figures of Edna (Tsai et al., SOSP 2023): a median of 9.7 to 13.4 ms for a disguise of one
user, whose data is in one MySQL, and at most 7 % less throughput for other users. Edna has no key files to
destroy, no certificate and no ledger to sync.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated, Any

import httpx
import orjson
import typer
from pymongo import AsyncMongoClient
from pymongo.write_concern import WriteConcern
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from discretion.app import Platform, open_platform
from discretion.app.clock import now_ms
from discretion.catalogue.load import load_catalogue
from discretion.domain.kit.workflow.step_name import StepName
from discretion.law.load import load_lawbook
from discretion.settings import Settings
from tests.bench.installation import CLIENT, ROOT_KEY, run_installation
from tests.bench.load import LoadResult, encode_query, measure_queries
from tests.bench.recompute.population import CustomerGenerator
from tests.bench.rights.erase import READ_CUSTOMER, ErasureClient, ErasureTimes
from tests.bench.rights.population import CustomerDocumentGenerator
from tests.bench.servers import OURS, SERVE_COMMAND, run_server

WIDTH = 150
LEVELS = (10_000, 100_000, 1_000_000)
INSERT_BATCH = 2_000
ERASABLE = 2_000
"""Customers of each level that may be erased; others are read."""

READ_CUSTOMERS, CONNECTIONS = 100, 4
CONCURRENT_ERASURES = 20
NO_ERASURES, ONE_PER_SECOND, BACK_TO_BACK = "none", "one per second", "back to back"
EDNA = "Edna (SOSP 2023): median of 9.7 to 13.4 ms, at most 7 % less throughput for others"


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """Numbers of single erasures, of concurrent groups and of rounds, and the duration of a window."""

    single_erasures: int
    concurrent_rounds: int
    rounds: int
    seconds: float


@dataclass(slots=True)
class LevelResults:
    """The measurements with a number of customers.

    Attributes:
        windows: Kind of erasures in the window -> reads of other customers and number of erasures.
    """

    customers: int
    single: list[ErasureTimes] = field(default_factory=list)
    concurrent: list[ErasureTimes] = field(default_factory=list)
    windows: dict[str, list[tuple[LoadResult, int]]] = field(default_factory=lambda: defaultdict(list))


class ErasureBench:
    """An installation with customers, and its server."""

    def __init__(
        self,
        platform: Platform,
        database: Any,
        erasure_client: ErasureClient,
        port: int,
        token: str,
        progress: Progress,
    ) -> None:
        catalogue, now = load_catalogue(None), now_ms()
        self._pairwise = platform.discloser.revealer.pairwise
        generator = CustomerGenerator(catalogue, load_lawbook(None, catalogue), now)
        self._generator = CustomerDocumentGenerator(
            generator,
            platform.discloser.revealer.buckets,
            platform.discloser.login_reaches.blind_index,
            now,
        )
        self._database = database
        self._erasure_client = erasure_client
        self._port = port
        self._token = token
        self._progress = progress
        self._customers = 0
        self._erasable_ids: list[bytes] = []
        self._read_ids: list[bytes] = []

    async def insert_customers(self, customers: int) -> None:
        """Insert customers until there are ``customers`` of them."""
        missing = customers - self._customers
        task = self._progress.add_task(f"Inserting {customers:,}", total=missing)
        generated, customer_ids = self._generator.generate_documents(missing, ERASABLE), list[bytes]()
        fast_write = WriteConcern(w=1, j=False)
        while batch := list(islice(generated, INSERT_BATCH)):
            customer_ids += [customer_documents["customers"][0]["_id"] for customer_documents in batch]
            for name in batch[0]:
                documents = [
                    document for customer_documents in batch for document in customer_documents[name]
                ]
                if documents:
                    collection = self._database.get_collection(name, write_concern=fast_write)
                    await collection.insert_many(documents, ordered=False)
            self._progress.advance(task, len(batch))
        self._customers, self._erasable_ids, self._read_ids = (
            customers,
            customer_ids[:ERASABLE],
            customer_ids[-READ_CUSTOMERS:],
        )
        self._progress.remove_task(task)

    async def measure(self, options: BenchOptions) -> LevelResults:
        """Measure all erasures and windows at the present number of customers."""
        results, erasable_ids = LevelResults(self._customers), iter(self._erasable_ids)
        total = options.single_erasures + options.concurrent_rounds + options.rounds * 3
        task = self._progress.add_task(f"Measuring {self._customers:,}", total=total)
        await self._erasure_client.erase(next(erasable_ids))  # warm-up
        for _ in range(options.single_erasures):
            results.single.append(await self._erasure_client.erase(next(erasable_ids)))
            self._progress.advance(task)
        for _ in range(options.concurrent_rounds):
            results.concurrent += await self._erasure_client.erase_concurrently(
                list(islice(erasable_ids, CONCURRENT_ERASURES))
            )
            self._progress.advance(task)
        for number in range(options.rounds):
            offset = number % 3
            for kind in ((NO_ERASURES, ONE_PER_SECOND, BACK_TO_BACK) * 2)[offset : offset + 3]:
                results.windows[kind].append(await self._measure_window(kind, erasable_ids, options.seconds))
                self._progress.advance(task)
        self._progress.remove_task(task)
        return results

    async def _measure_window(
        self, kind: str, erasable_ids: Iterator[bytes], seconds: float
    ) -> tuple[LoadResult, int]:
        """Return the reads of other customers during erasures of a kind, and the number of those erasures."""
        bodies = [
            orjson.dumps(
                {
                    "query": READ_CUSTOMER,
                    "variables": {"id": self._pairwise.encode(CLIENT, b"customer", customer)},
                }
            )
            for customer in self._read_ids
        ]
        requests = [encode_query(self._port, body, self._token) for body in bodies]
        reading = asyncio.create_task(
            asyncio.to_thread(measure_queries, self._port, requests, seconds, CONNECTIONS)
        )
        erasures: list[asyncio.Task[ErasureTimes]] = []
        while kind != NO_ERASURES and not reading.done():
            started_at = time.monotonic()
            erasures.append(asyncio.create_task(self._erasure_client.erase(next(erasable_ids))))
            if kind == BACK_TO_BACK:
                await asyncio.wait([erasures[-1], reading], return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.wait([reading], timeout=max(0.0, started_at + 1 - time.monotonic()))
        load_result = await reading
        await asyncio.gather(*erasures)
        return load_result, len(erasures)


def build_duration_table(levels: Sequence[LevelResults]) -> Table:
    """Build the table of the medians and 95th percentiles of the durations."""
    table = Table(
        title="Time from the erasure request until ...", title_justify="left", box=SIMPLE_HEAD, pad_edge=False
    )
    table.add_column("customers", justify="right")
    table.add_column("erasures")
    for label in ("acknowledged", "unreadable", "certified"):
        table.add_column(f"{label}, ms", justify="right")
        table.add_column("p95", justify="right")
    for level in levels:
        for label, erasures in (
            ("single", level.single),
            (f"{CONCURRENT_ERASURES} concurrent", level.concurrent),
        ):
            figures = [
                figure
                for durations in (
                    [erasure.acknowledged_ms for erasure in erasures],
                    [erasure.unreadable_ms for erasure in erasures],
                    [erasure.certified_ms for erasure in erasures],
                )
                for figure in compute_median_and_p95(durations)
            ]
            table.add_row(f"{level.customers:,}", label, *(f"{figure:,.1f}" for figure in figures))
    table.caption = EDNA
    table.caption_justify = "left"
    return table


def build_step_table(levels: Sequence[LevelResults]) -> Table:
    """Build the table of the median durations of the steps of single erasures."""
    table = Table(
        title="Steps of a single erasure, median ms", title_justify="left", box=SIMPLE_HEAD, pad_edge=False
    )
    names = list(levels[0].single[0].step_ms)
    table.add_column("customers", justify="right")
    for name in names:
        table.add_column(StepName(name).name.lower().replace("_", " "), justify="right")
    for level in levels:
        medians = (median(erasure.step_ms[name] for erasure in level.single) for name in names)
        table.add_row(f"{level.customers:,}", *(f"{duration:,.1f}" for duration in medians))
    return table


def build_effect_table(levels: Sequence[LevelResults]) -> Table:
    """Build the table of reads of other customers.

    Ratios are to the window without erasures of the same round.
    """
    table = Table(
        title=f"Reads of {READ_CUSTOMERS} other customers over {CONNECTIONS} connections during erasures",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("customers", justify="right")
    table.add_column("erasures")
    for name in ("erasures/s", "reads/s", "ratio", "median ms", "p95 ms", "ratio of medians"):
        table.add_column(name, justify="right")
    for level in levels:
        quiet_loads = [load for load, _ in level.windows[NO_ERASURES]]
        for kind, windows in level.windows.items():
            loads = [load for load, _ in windows]
            pairs = list(zip(loads, quiet_loads, strict=True))
            rate = median(count / load.seconds for load, count in windows)
            table.add_row(
                f"{level.customers:,}",
                kind,
                f"{rate:.2f}",
                f"{median(load.per_second for load in loads):,.0f}",
                f"{median(load.per_second / quiet.per_second for load, quiet in pairs):.3f}",
                f"{median(load.quantile_ms(0.5) for load in loads):.2f}",
                f"{median(load.quantile_ms(0.95) for load in loads):.2f}",
                f"{median(load.quantile_ms(0.5) / quiet.quantile_ms(0.5) for load, quiet in pairs):.3f}",
            )
    return table


def compute_median_and_p95(durations: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 95th percentile."""
    return median(durations), durations[0] if len(durations) == 1 else quantiles(
        durations, n=20, method="inclusive"
    )[-1]


async def run(console: Console, levels: Sequence[int], options: BenchOptions) -> None:
    """Start an installation, insert customers, measure erasures and print the tables."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    results: list[LevelResults] = []
    with (
        tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder_name,
        Progress(*columns, console=console) as progress,
        ExitStack() as stack,
    ):
        folder = Path(folder_name)
        async with run_installation(folder) as installation:
            settings = replace(
                Settings(), data_dir=folder, mongo_url=installation.mongo_url, root_key=ROOT_KEY
            )
            async with open_platform(settings, idle=True) as platform:
                server = stack.enter_context(
                    run_server(OURS, SERVE_COMMAND, installation.environ, folder / "server.log")
                )
                async with (
                    httpx.AsyncClient(
                        base_url=f"http://127.0.0.1:{server.port}", timeout=60, trust_env=False
                    ) as http,
                    AsyncMongoClient[dict[str, Any]](installation.mongo_url) as mongo,
                ):
                    database = mongo[Settings().mongo_database]
                    erasure_client = ErasureClient(http, platform)
                    bench = ErasureBench(
                        platform, database, erasure_client, server.port, installation.token, progress
                    )
                    for level in levels:
                        await bench.insert_customers(level)
                        results.append(await bench.measure(options))
                        for table in (
                            build_duration_table(results),
                            build_step_table(results),
                            build_effect_table(results),
                        ):
                            progress.console.print(table)
                stack.close()


def main(
    customers: Annotated[int, typer.Option(help="Customers.", min=3_000)] = 10_000,
    levels: Annotated[
        bool, typer.Option("--levels", help="Measure 10,000, 100,000 and 1,000,000 customers instead.")
    ] = False,
    most: Annotated[int, typer.Option(help="With --levels: the largest number of customers.")] = 1_000_000,
    alone: Annotated[int, typer.Option(help="Single erasures, one after another.", min=1)] = 50,
    together: Annotated[
        int, typer.Option(help=f"Groups of {CONCURRENT_ERASURES} concurrent erasures.", min=1)
    ] = 5,
    rounds: Annotated[int, typer.Option(help="Rounds of three windows of reads.", min=1)] = 6,
    seconds: Annotated[float, typer.Option(help="Duration of a window.", min=0.5)] = 4,
) -> None:
    """Measure single and concurrent erasures, and reads of other customers with and without erasures.

    The first table shows medians and 95th percentiles of the time from sending the request until it is
    answered, until no read finds the customer and until the certificate is signed. The last table shows the
    reads of other customers and their ratio to the reads without erasures; the kinds of windows alternate.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    chosen_levels = (
        [customer_count for customer_count in LEVELS if customer_count <= most] if levels else [customers]
    )
    try:
        asyncio.run(run(console, chosen_levels, BenchOptions(alone, together, rounds, seconds)))
    except RuntimeError as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
