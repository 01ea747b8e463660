"""How many messages a second one server process takes in, beside MongoDB's own ``insert_many``.

Known customers in three channels; mostly tracks, pages and screens, one in twenty an identify.
Discretion checks every message against the catalogue, decides who it is about, folds it into the
profile, seals it and has it on disk, once however often it comes. ``insert_many`` keeps the same
messages as plain documents, as durably. One request is one batch.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from discretion.app.clock import now_ms
from tests.bench.ingest.senders import Supply, documents, encoded, ours, plain
from tests.bench.ingest.table import Measured, beside, growing
from tests.bench.ingest.traffic import Batch, Traffic
from tests.bench.load import Load
from tests.bench.rival_install import Installation, installed
from tests.bench.servers import OURS, SERVE, Server, cpu_seconds, started

WIDTH = 120
"""Columns of the table where there is no terminal to ask."""
CELLS = tuple((size, senders) for size in (1, 100, 1_000) for senders in (1, 4))
LEVELS = (10_000, 100_000, 1_000_000)
STANDARD = (100, 4)
FILL = (1_000, 4)
INTRODUCED_TOGETHER = 500


class Bench:
    """A server that runs, and what it is sent."""

    def __init__(self, server: Server, installation: Installation, traffic: Traffic) -> None:
        self._server = server
        self._installation = installation
        self._traffic = traffic
        self._ready = encoded(server.port, installation.keys)
        self._expected: dict[tuple[str, int, int], int] = {}
        self.stored = 0

    def introduce(self, told: Callable[[int], None]) -> None:
        """Everybody is identified, before anything is counted."""
        for batch in self._traffic.introductions(INTRODUCED_TOGETHER):
            ours(self._server.port, [iter([self._ready(batch)])], 3600, len(batch.messages))
            told(len(batch.messages))

    def both(self, size: int, senders: int, seconds: float) -> tuple[Measured, Measured]:
        """Ours, then the plain way with the same batches."""
        supplies = [Supply(self._traffic.batches(sender, size)) for sender in range(senders)]
        return self._ours(supplies, size, seconds), self._plain(supplies, size, seconds)

    def one(self, size: int, senders: int, seconds: float) -> Measured:
        """Ours alone."""
        return self._ours(
            [Supply(self._traffic.batches(sender, size)) for sender in range(senders)], size, seconds
        )

    def fill(self, level: int, until: float, told: Callable[[int], None]) -> bool:
        """Send large batches until ``level`` events are stored; whether they were before ``until``.

        No two senders speak of the same customer, so that none waits for another.
        """
        size, senders = FILL
        while self.stored < level:
            if time.monotonic() > until:
                return False
            share = min(size, -(-(level - self.stored) // senders))
            made = [[next(self._traffic.batches(sender, share, senders))] for sender in range(senders)]
            ours(self._server.port, [self._counting(iter(one)) for one in made], 3600, share)
            told(self.stored)
        return True

    def _counting(self, batches: Iterator[Batch]) -> Iterator[bytes]:
        for batch in batches:
            self.stored += batch.events
            yield self._ready(batch)

    def _ours(self, supplies: list[Supply], size: int, seconds: float) -> Measured:
        key = ("ours", size, len(supplies))

        def ready(batch: Batch) -> tuple[int, bytes]:
            return batch.events, self._ready(batch)

        turns = [self._sent(one.turn(ready, self._expected.get(key, 0))) for one in supplies]
        measured = self._measured(
            self._server.pid, size, lambda: ours(self._server.port, turns, seconds, size)
        )
        self._expected[key] = len(measured.load.latencies) // len(supplies) + 1
        return measured

    def _sent(self, told: Iterator[tuple[int, bytes]]) -> Iterator[bytes]:
        for events, request in told:
            self.stored += events
            yield request

    def _plain(self, supplies: list[Supply], size: int, seconds: float) -> Measured:
        key = ("plain", size, len(supplies))
        turns = [one.turn(documents, self._expected.get(key, 0)) for one in supplies]
        measured = self._measured(
            os.getpid(), size, lambda: plain(self._installation.mongo_url, turns, seconds)
        )
        self._expected[key] = len(measured.load.latencies) // len(supplies) + 1
        return measured

    def _measured(self, pid: int, size: int, work: Callable[[], Load]) -> Measured:
        mongod = self._installation.mongod
        gc.collect()
        gc.disable()
        try:
            cpu, mongo = cpu_seconds(pid), cpu_seconds(mongod)
            load = work()
            each = 1000 / (len(load.latencies) * size)
            return Measured(load, size, (cpu_seconds(pid) - cpu) * each, (cpu_seconds(mongod) - mongo) * each)
        finally:
            gc.enable()


def compare(bench: Bench, progress: Progress, console: Console, rounds: int, seconds: float) -> None:
    """Both ways in, cell by cell in interleaved rounds; the first warms up."""
    found: dict[tuple[int, int], list[tuple[Measured, Measured]]] = {cell: [] for cell in CELLS}
    task = progress.add_task("Measuring", total=(rounds + 1) * len(CELLS))
    for number in range(rounds + 1):
        for size, senders in CELLS:
            pair = bench.both(size, senders, seconds)
            if number:
                found[size, senders].append(pair)
            progress.advance(task)
    progress.stop()
    console.print(beside(found))


def grow(
    bench: Bench, progress: Progress, console: Console, how: tuple[int, float, float, tuple[int, ...]]
) -> None:
    """The same load at several sizes of the store, as far as the minutes go."""
    rounds, seconds, minutes, levels = how
    found: dict[int, list[Measured]] = {}
    until = time.monotonic() + minutes * 60
    task = progress.add_task("Filling", total=levels[-1])
    for level in levels:
        reached = bench.fill(level, until, lambda stored: progress.update(task, completed=stored))
        stored = bench.stored
        found[stored] = [bench.one(*STANDARD, seconds) for _ in range(rounds + 1)][1:]
        if not reached:
            console.print(
                f"{minutes:g} minutes are over with {stored:,} events stored; "
                f"{level:,} was not reached. More with --minutes."
            )
            break
    progress.stop()
    console.print(growing(found))


async def run(console: Console, customers: int, measure: Callable[[Bench, Progress, Console], None]) -> None:
    """Install, introduce everybody, and measure."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder, contextlib.ExitStack() as stack:
        progress = stack.enter_context(Progress(*columns, console=console))
        async with installed(Path(folder)) as installation:
            log = Path(folder) / "server.log"
            with started(OURS, SERVE, installation.environ, log) as server:
                bench = Bench(server, installation, Traffic(customers, now_ms()))
                task = progress.add_task("Introducing", total=customers * 3)
                bench.introduce(lambda many: progress.advance(task, many))
                measure(bench, progress, console)


def main(
    customers: Annotated[int, typer.Option(help="Customers, each known in three channels.", min=1)] = 10_000,
    seconds: Annotated[float, typer.Option(help="How long each cell is sent to in a round.", min=0.1)] = 3,
    rounds: Annotated[int, typer.Option(help="Rounds; ratios are taken within one.", min=1)] = 5,
    stored: Annotated[
        bool,
        typer.Option("--stored", help="Instead: the rate at 10 thousand, 100 thousand, 1 million events."),
    ] = False,
    minutes: Annotated[float, typer.Option(help="How long --stored may take to fill.", min=0.01)] = 30,
    quick: Annotated[bool, typer.Option("--quick", help="One short round, to see that it runs.")] = False,
) -> None:
    """The rate of taking in, by batch size and senders, beside insert_many of the same messages.

    One request is one batch; each sender has a connection and a mix of sources of its own. Raw is
    insert_many of the same batches as plain documents, as durable, by as many threads.

    In the table: messages per second; a request's time; how often a round's requests were told to come
    again; the processor time of the server (raw: of who inserts) and of mongod, in ms for one message.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    levels: tuple[int, ...] = LEVELS
    if quick:
        customers, seconds, rounds, levels = 100, 0.3, 1, (500, 2_000)

    def measure(bench: Bench, progress: Progress, out: Console) -> None:
        if stored:
            grow(bench, progress, out, (rounds, seconds, minutes, levels))
        else:
            compare(bench, progress, out, rounds, seconds)

    try:
        asyncio.run(run(console, customers, measure))
    except RuntimeError as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
