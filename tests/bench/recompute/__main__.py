"""How long it takes to work out anew what everybody permits, when a law has changed.

Customers are put straight into MongoDB, judged by the law that is shipped. Then sale, sharing and messages
take a yes in Texas (in a second round in Virginia, and not in Texas), and ``discretion consent recompute``
judges everybody by that, as a process of its own beside MongoDB.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from discretion.app.clock import now_ms
from discretion.catalogue.load import load
from discretion.law.load import load as load_law
from discretion.law.load import shipped
from discretion.settings import Settings
from tests.bench.recompute.population import People
from tests.bench.rival_install import installed
from tests.bench.servers import cpu_seconds
from tests.fixtures.demo import PROGRAM

WIDTH = 120
LEVELS = (10_000, 100_000, 1_000_000)
SOWN_TOGETHER = 2_000
STATES = ("us-va.yaml", "us-tx.yaml")
RECOMPUTE = (*PROGRAM, "consent", "recompute")


@dataclass(frozen=True, slots=True)
class Measured:
    """One time everybody was judged anew; processor times are seconds."""

    customers: int
    seconds: float
    cpu: float
    mongo: float


class Bench:
    """An installation with customers in it."""

    def __init__(self, folder: Path, environ: Mapping[str, str], mongo_url: str, mongod: int) -> None:
        self._environ = {**os.environ, **environ}
        self._folder = folder
        self._mongod = mongod
        self._customers = 0
        self._changes = 0
        catalogue = load(None)
        self._people = People(catalogue, load_law(None, catalogue), now_ms())
        self._database: Any = MongoClient(mongo_url)[Settings().mongo_database]

    def sow(self, customers: int, progress: Progress) -> None:
        """Put in as many as are lacking."""
        lacking = customers - self._customers
        task = progress.add_task(f"Sowing {customers:,}", total=lacking)
        people = self._people.some(lacking)
        quick = WriteConcern(w=1, j=False)
        while some := list(islice(people, SOWN_TOGETHER)):
            for name, docs in (
                ("customers", [one for one, _ in some]),
                ("source_records", [record for _, records in some for record in records]),
            ):
                self._database.get_collection(name, write_concern=quick).insert_many(docs, ordered=False)
            progress.advance(task, len(some))
        self._customers = customers
        progress.remove_task(task)

    def recompute(self, kill_after: float | None = None) -> Measured:
        """Change the law and have everybody judged; with ``kill_after`` (s) it is killed then and goes on."""
        environ = {**self._environ, "DISCRETION_JURISDICTIONS_DIR": str(self._changed())}
        start, cpu, mongo = time.monotonic(), _children(), cpu_seconds(self._mongod)
        if kill_after is not None:
            self._killed(environ, kill_after)
        done = subprocess.run(RECOMPUTE, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        seconds = time.monotonic() - start
        rules = self._database["customers"].distinct("rules")
        if len(rules) != 1:
            raise RuntimeError("Somebody was not judged.")
        return Measured(self._customers, seconds, _children() - cpu, cpu_seconds(self._mongod) - mongo)

    def _killed(self, environ: Mapping[str, str], after: float) -> None:
        process = subprocess.Popen(
            RECOMPUTE, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def _changed(self) -> Path:
        """Another law each time: in one state, then in the other, what took no objection takes a yes."""
        self._changes += 1
        folder = self._folder / f"law-{self._changes}"
        shutil.copytree(shipped(), folder)
        state = folder / STATES[self._changes % len(STATES)]
        state.write_text(state.read_text("utf-8").replace("model: opt_out", "model: opt_in"), "utf-8")
        return folder


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(levels: Mapping[int, Sequence[Measured]]) -> Table:
    """Medians over rounds, by how many customers there are."""
    made = Table(
        title="Everybody judged anew after a change of law",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    made.add_column("customers", justify="right")
    for name in ("seconds", "customers per s", "CPU ms", "mongod CPU ms", "times the first"):
        made.add_column(name, justify="right", no_wrap=True)
    first = 0.0
    for customers, rounds in levels.items():
        rate = median(one.customers / one.seconds for one in rounds)
        first = first or rate
        made.add_row(
            f"{customers:,}",
            f"{median(one.seconds for one in rounds):,.1f}",
            f"{rate:,.0f}",
            f"{median(one.cpu * 1000 / one.customers for one in rounds):.3f}",
            f"{median(one.mongo * 1000 / one.customers for one in rounds):.3f}",
            f"{rate / first:.2f}",
        )
    return made


async def run(console: Console, levels: Sequence[int], rounds: int, kill_after: float | None) -> None:
    """Install, sow, change the law, and measure."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    found: dict[int, list[Measured]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder,
        contextlib.ExitStack() as stack,
    ):
        progress = stack.enter_context(Progress(*columns, console=console))
        async with installed(Path(folder)) as installation:
            bench = Bench(Path(folder), installation.environ, installation.mongo_url, installation.mongod)
            for level in levels:
                bench.sow(level, progress)
                task = progress.add_task(f"Judging {level:,}", total=rounds)
                found[level] = []
                for _ in range(rounds):
                    found[level].append(bench.recompute(kill_after))
                    progress.advance(task)
                progress.remove_task(task)
                progress.console.print(table(found))


def main(
    customers: Annotated[int, typer.Option(help="Customers.", min=1)] = 100_000,
    rounds: Annotated[int, typer.Option(help="How often the law changes; medians are told.", min=1)] = 3,
    levels: Annotated[
        bool, typer.Option("--levels", help="Instead: 10 thousand, 100 thousand and 1 million customers.")
    ] = False,
    kill_after: Annotated[
        float | None, typer.Option(help="Kill it after so many seconds (kill -9), and start it again.", min=0)
    ] = None,
) -> None:
    """Change a law, and have everybody judged anew by discretion consent recompute.

    In the table: the time from the command to its end, its start included; the processor time of
    the command and of mongod, in ms for one customer.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    try:
        asyncio.run(run(console, LEVELS if levels else (customers,), rounds, kill_after))
    except RuntimeError as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
