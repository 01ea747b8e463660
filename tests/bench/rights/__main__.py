"""How long an erasure takes from end to end, and what it does to others' reads meanwhile.

Customers are put straight into MongoDB, with keys wrapped under the bucket keys of the installation. A
process of its own, ``discretion serve``, takes requests over HTTP and carries them out. Beside the table
stands what Edna says of itself (Tsai et al., SOSP 2023): 9.7 to 13.4 ms in the median for a disguise of one
user, whose data one MySQL holds, and at most 7 % less throughput for others. It has no keys to destroy in
files, no certificate and no ledger to sync.
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

from discretion.app import Platform, platform
from discretion.app.clock import now_ms
from discretion.catalogue.load import load
from discretion.law.load import load as load_law
from discretion.settings import Settings
from tests.bench.load import Load, ask, query
from tests.bench.recompute.population import People
from tests.bench.rights.erase import ONE, Erased, Eraser
from tests.bench.rights.population import Whole
from tests.bench.rival_install import CLIENT, ROOT, installed
from tests.bench.servers import OURS, SERVE, started

WIDTH = 140
LEVELS = (10_000, 100_000, 1_000_000)
SOWN_TOGETHER = 2_000
SPARE = 2_000
"""Customers of each level who may be erased; the others are read."""

READ, CONNECTIONS = 100, 4
TOGETHER = 20
NONE, PACED, FULL = "none", "one a second", "one after the other"
EDNA = "Edna (SOSP 2023): 9.7 to 13.4 ms in the median, at most 7 % less for others"


@dataclass(frozen=True, slots=True)
class How:
    """How much is measured: erasures alone, times that 20 go together, rounds of windows of ``seconds``."""

    alone: int
    together: int
    rounds: int
    seconds: float


@dataclass(slots=True)
class Level:
    """What was measured with so many customers; windows by what went on in them."""

    customers: int
    alone: list[Erased] = field(default_factory=list)
    together: list[Erased] = field(default_factory=list)
    windows: dict[str, list[tuple[Load, int]]] = field(default_factory=lambda: defaultdict(list))


class Bench:
    """An installation with customers in it, and its server."""

    def __init__(
        self, ours: Platform, database: Any, eraser: Eraser, port: int, token: str, progress: Progress
    ) -> None:
        catalogue, now = load(None), now_ms()
        self._pairwise = ours.conductor.revealer.pairwise
        people = People(catalogue, load_law(None, catalogue), now)
        self._people = Whole(people, ours.conductor.revealer.buckets, now)
        self._database = database
        self._eraser = eraser
        self._port = port
        self._token = token
        self._progress = progress
        self._customers = 0
        self._spare: list[bytes] = []
        self._read: list[bytes] = []

    async def sow(self, customers: int) -> None:
        """Put in as many as are lacking."""
        lacking = customers - self._customers
        task = self._progress.add_task(f"Sowing {customers:,}", total=lacking)
        made, names = self._people.some(lacking, SPARE), list[bytes]()
        quick = WriteConcern(w=1, j=False)
        while some := list(islice(made, SOWN_TOGETHER)):
            names += [one["customers"][0]["_id"] for one in some]
            for name in some[0]:
                documents = [document for one in some for document in one[name]]
                if documents:
                    collection = self._database.get_collection(name, write_concern=quick)
                    await collection.insert_many(documents, ordered=False)
            self._progress.advance(task, len(some))
        self._customers, self._spare, self._read = customers, names[:SPARE], names[-READ:]
        self._progress.remove_task(task)

    async def measure(self, how: How) -> Level:
        """All of it at the present number of customers."""
        found, spare = Level(self._customers), iter(self._spare)
        total = how.alone + how.together + how.rounds * 3
        task = self._progress.add_task(f"Measuring {self._customers:,}", total=total)
        await self._eraser(next(spare))  # the first one warms up
        for _ in range(how.alone):
            found.alone.append(await self._eraser(next(spare)))
            self._progress.advance(task)
        for _ in range(how.together):
            found.together += await self._eraser.together(list(islice(spare, TOGETHER)))
            self._progress.advance(task)
        for number in range(how.rounds):
            turn = number % 3
            for kind in ((NONE, PACED, FULL) * 2)[turn : turn + 3]:
                found.windows[kind].append(await self._window(kind, spare, how.seconds))
                self._progress.advance(task)
        self._progress.remove_task(task)
        return found

    async def _window(self, kind: str, spare: Iterator[bytes], seconds: float) -> tuple[Load, int]:
        """Others' reads while there are such erasures; and how many there were."""
        bodies = [
            orjson.dumps({"query": ONE, "variables": {"id": self._pairwise.shut(CLIENT, b"customer", one)}})
            for one in self._read
        ]
        requests = [query(self._port, one, self._token) for one in bodies]
        reading = asyncio.create_task(asyncio.to_thread(ask, self._port, requests, seconds, CONNECTIONS))
        begun: list[asyncio.Task[Erased]] = []
        while kind != NONE and not reading.done():
            start = time.monotonic()
            begun.append(asyncio.create_task(self._eraser(next(spare))))
            if kind == FULL:
                await asyncio.wait([begun[-1], reading], return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.wait([reading], timeout=max(0.0, start + 1 - time.monotonic()))
        read = await reading
        await asyncio.gather(*begun)
        return read, len(begun)


def durations(levels: Sequence[Level]) -> Table:
    """Median and 95th percentile."""
    made = Table(title="Until an erasure is ...", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    made.add_column("customers", justify="right")
    made.add_column("erasures")
    for name in ("acknowledged", "out of every read", "certified"):
        made.add_column(f"{name}, ms", justify="right")
        made.add_column("p95", justify="right")
    for level in levels:
        for name, told in (("alone", level.alone), (f"{TOGETHER} together", level.together)):
            figures = [
                figure
                for member in ("acknowledged", "gone", "signed")
                for figure in middle([getattr(one, member) for one in told])
            ]
            made.add_row(f"{level.customers:,}", name, *(f"{one:,.1f}" for one in figures))
    made.caption = EDNA
    made.caption_justify = "left"
    return made


def steps(levels: Sequence[Level]) -> Table:
    """What each step takes, in the median of those alone."""
    made = Table(title="Steps, median ms, alone", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    names = list(levels[0].alone[0].steps)
    for name in ("customers", *names):
        made.add_column(name, justify="right")
    for level in levels:
        took = (median(one.steps[name] for one in level.alone) for name in names)
        made.add_row(f"{level.customers:,}", *(f"{one:,.1f}" for one in took))
    return made


def effect(levels: Sequence[Level]) -> Table:
    """Others' reads; ratios are medians over rounds, each to the window without erasures of its round."""
    made = Table(
        title=f"Reads of {READ} others over {CONNECTIONS} connections, while there are erasures",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    made.add_column("customers", justify="right")
    made.add_column("erasures")
    for name in ("erasures per s", "reads per s", "ratio", "median ms", "p95 ms", "ratio of medians"):
        made.add_column(name, justify="right")
    for level in levels:
        quiet = [load for load, _ in level.windows[NONE]]
        for kind, windows in level.windows.items():
            loads = [load for load, _ in windows]
            rate = median(many / load.seconds for load, many in windows)
            made.add_row(
                f"{level.customers:,}",
                kind,
                f"{rate:.2f}",
                f"{median(one.per_second for one in loads):,.0f}",
                f"{median(a.per_second / b.per_second for a, b in zip(loads, quiet, strict=True)):.3f}",
                f"{median(one.quantile(0.5) for one in loads):.2f}",
                f"{median(one.quantile(0.95) for one in loads):.2f}",
                f"{median(a.quantile(0.5) / b.quantile(0.5) for a, b in zip(loads, quiet, strict=True)):.3f}",
            )
    return made


def middle(told: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    return median(told), told[0] if len(told) == 1 else quantiles(told, n=20, method="inclusive")[-1]


async def run(console: Console, levels: Sequence[int], how: How) -> None:
    """Install, sow, erase, and print."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    found: list[Level] = []
    with (
        tempfile.TemporaryDirectory(prefix="discretion-bench-") as name,
        Progress(*columns, console=console) as progress,
        ExitStack() as stack,
    ):
        folder = Path(name)
        async with installed(folder) as installation:
            settings = replace(Settings(), data_dir=folder, mongo_url=installation.mongo_url, root_key=ROOT)
            async with platform(settings, idle=True) as ours:
                server = stack.enter_context(
                    started(OURS, SERVE, installation.environ, folder / "server.log")
                )
                async with (
                    httpx.AsyncClient(
                        base_url=f"http://127.0.0.1:{server.port}", timeout=60, trust_env=False
                    ) as http,
                    AsyncMongoClient[dict[str, Any]](installation.mongo_url) as mongo,
                ):
                    database = mongo[Settings().mongo_database]
                    eraser = Eraser(http, ours)
                    bench = Bench(ours, database, eraser, server.port, installation.token, progress)
                    for level in levels:
                        await bench.sow(level)
                        found.append(await bench.measure(how))
                        for table in (durations(found), steps(found), effect(found)):
                            progress.console.print(table)
                stack.close()


def main(
    customers: Annotated[int, typer.Option(help="Customers.", min=3_000)] = 10_000,
    levels: Annotated[
        bool, typer.Option("--levels", help="Instead: 10 thousand, 100 thousand and 1 million customers.")
    ] = False,
    most: Annotated[int, typer.Option(help="With --levels: none with more customers than this.")] = 1_000_000,
    alone: Annotated[int, typer.Option(help="Erasures one after the other.", min=1)] = 50,
    together: Annotated[int, typer.Option(help=f"Times that {TOGETHER} are erased together.", min=1)] = 5,
    rounds: Annotated[int, typer.Option(help="Rounds of three windows of reads.", min=1)] = 6,
    seconds: Annotated[float, typer.Option(help="How long a window is.", min=0.5)] = 4,
) -> None:
    """Erase customers alone and 20 together, and read others with erasures going on and without.

    In the first table: medians and 95th percentiles from sending the request, until it is answered,
    until no read finds the person, until the certificate is signed. In the last: what others get, and
    its ratio to what they get without erasures, windows taking turns.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    chosen = [one for one in LEVELS if one <= most] if levels else [customers]
    try:
        asyncio.run(run(console, chosen, How(alone, together, rounds, seconds)))
    except RuntimeError as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
