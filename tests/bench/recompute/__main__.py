"""Duration of the recomputation of all permissions after a change of law.

Customers are inserted directly into MongoDB, with permissions computed under the shipped lawbook. Then the
law of Texas requires opt-in instead of opt-out (in a second round that of Virginia, and not that of Texas),
and ``discretion consent recompute`` recomputes all permissions in its own process beside MongoDB.
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
from discretion.catalogue.load import load_catalogue
from discretion.law.load import find_shipped_jurisdictions, load_lawbook
from discretion.plan.customer_members import RULES
from discretion.settings import Settings
from tests.bench.installation import run_installation
from tests.bench.recompute.population import CustomerGenerator
from tests.bench.servers import cpu_seconds
from tests.fixtures.program import PROGRAM

WIDTH = 120
LEVELS = (10_000, 100_000, 1_000_000)
INSERT_BATCH = 2_000
STATE_FILES = ("us-va.yaml", "us-tx.yaml")
RECOMPUTE = (*PROGRAM, "consent", "recompute")


@dataclass(frozen=True, slots=True)
class RecomputeMeasurement:
    """The measurement of one recomputation; processor times are in seconds."""

    customers: int
    seconds: float
    cpu_s: float
    mongod_cpu_s: float


class RecomputeBench:
    """An installation with customers."""

    def __init__(self, folder: Path, environ: Mapping[str, str], mongo_url: str, mongod: int) -> None:
        self._environ = {**os.environ, **environ}
        self._folder = folder
        self._mongod = mongod
        self._customers = 0
        self._law_changes = 0
        catalogue = load_catalogue(None)
        self._generator = CustomerGenerator(catalogue, load_lawbook(None, catalogue), now_ms())
        self._database: Any = MongoClient(mongo_url)[Settings().mongo_database]

    def insert_customers(self, customers: int, progress: Progress) -> None:
        """Insert customers until there are ``customers`` of them."""
        missing = customers - self._customers
        task = progress.add_task(f"Inserting {customers:,}", total=missing)
        generated = self._generator.generate_customers(missing)
        fast_write = WriteConcern(w=1, j=False)
        while batch := list(islice(generated, INSERT_BATCH)):
            for name, documents in (
                ("customers", [customer for customer, _ in batch]),
                ("source_records", [record for _, records in batch for record in records]),
            ):
                self._database.get_collection(name, write_concern=fast_write).insert_many(
                    documents, ordered=False
                )
            progress.advance(task, len(batch))
        self._customers = customers
        progress.remove_task(task)

    def recompute(self, kill_after: float | None = None) -> RecomputeMeasurement:
        """Change the law and recompute all permissions.

        With ``kill_after`` (s) the first process is killed after that time, and a second one continues.

        Raises:
            RuntimeError: the command failed, or a customer still has permissions under other rules.
        """
        environ = {**self._environ, "DISCRETION_JURISDICTIONS_DIR": str(self._write_changed_law())}
        started_at, cpu_before, mongod_before = (
            time.monotonic(),
            _read_children_cpu(),
            cpu_seconds(self._mongod),
        )
        if kill_after is not None:
            self._run_and_kill(environ, kill_after)
        result = subprocess.run(RECOMPUTE, env=environ, capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(result.stderr)
        seconds = time.monotonic() - started_at
        rule_versions = self._database["customers"].distinct(RULES)
        if len(rule_versions) != 1:
            raise RuntimeError("The permissions of a customer were not recomputed.")
        return RecomputeMeasurement(
            self._customers,
            seconds,
            _read_children_cpu() - cpu_before,
            cpu_seconds(self._mongod) - mongod_before,
        )

    def _run_and_kill(self, environ: Mapping[str, str], delay_s: float) -> None:
        process = subprocess.Popen(
            RECOMPUTE, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def _write_changed_law(self) -> Path:
        """Write a new lawbook: alternately one of two states requires opt-in instead of opt-out."""
        self._law_changes += 1
        folder = self._folder / f"law-{self._law_changes}"
        shutil.copytree(find_shipped_jurisdictions(), folder)
        state_file = folder / STATE_FILES[self._law_changes % len(STATE_FILES)]
        state_file.write_text(
            state_file.read_text("utf-8").replace("model: opt_out", "model: opt_in"), "utf-8"
        )
        return folder


def _read_children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def build_table(levels: Mapping[int, Sequence[RecomputeMeasurement]]) -> Table:
    """Build the table of medians over the rounds by number of customers."""
    table = Table(
        title="Recomputation of all permissions after a change of law",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("customers", justify="right")
    for name in ("seconds", "customers/s", "CPU ms", "mongod CPU ms", "ratio to the first"):
        table.add_column(name, justify="right", no_wrap=True)
    first_rate = 0.0
    for customers, rounds in levels.items():
        rate = median(measurement.customers / measurement.seconds for measurement in rounds)
        first_rate = first_rate or rate
        mongod_ms = median(1000 * measurement.mongod_cpu_s / measurement.customers for measurement in rounds)
        table.add_row(
            f"{customers:,}",
            f"{median(measurement.seconds for measurement in rounds):,.1f}",
            f"{rate:,.0f}",
            f"{median(measurement.cpu_s * 1000 / measurement.customers for measurement in rounds):.3f}",
            f"{mongod_ms:.3f}",
            f"{rate / first_rate:.2f}",
        )
    return table


async def run(console: Console, levels: Sequence[int], rounds: int, kill_after: float | None) -> None:
    """Start an installation, insert customers, change the law and measure."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    measurements: dict[int, list[RecomputeMeasurement]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder,
        contextlib.ExitStack() as stack,
    ):
        progress = stack.enter_context(Progress(*columns, console=console))
        async with run_installation(Path(folder)) as installation:
            bench = RecomputeBench(
                Path(folder), installation.environ, installation.mongo_url, installation.mongod_pid
            )
            for level in levels:
                bench.insert_customers(level, progress)
                task = progress.add_task(f"Recomputing {level:,}", total=rounds)
                measurements[level] = []
                for _ in range(rounds):
                    measurements[level].append(bench.recompute(kill_after))
                    progress.advance(task)
                progress.remove_task(task)
                progress.console.print(build_table(measurements))


def main(
    customers: Annotated[int, typer.Option(help="Customers.", min=1)] = 100_000,
    rounds: Annotated[int, typer.Option(help="Changes of law. The table shows medians.", min=1)] = 3,
    levels: Annotated[
        bool, typer.Option("--levels", help="Measure 10,000, 100,000 and 1,000,000 customers instead.")
    ] = False,
    kill_after: Annotated[
        float | None,
        typer.Option(help="Kill the command after this many seconds (kill -9) and start it again.", min=0),
    ] = None,
) -> None:
    """Change a law and recompute all permissions with discretion consent recompute.

    The table shows the duration of the command including its startup, and the processor time of the command
    and of mongod in ms per customer.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    try:
        asyncio.run(run(console, LEVELS if levels else (customers,), rounds, kill_after))
    except RuntimeError as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
