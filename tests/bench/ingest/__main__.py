"""Messages per second that one server process ingests, compared with MongoDB's ``insert_many``.

The messages are about known customers in three channels: mostly track, page and screen messages, and one in
twenty an identify message. Discretion checks every message against the catalogue, resolves its customer,
updates the profile, encrypts the values and stores each message once on disk, however often it is sent.
``insert_many`` stores the same messages as plain documents with the same durability. One request is one
batch.
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
from tests.bench.ingest.senders import (
    BatchSupply,
    build_documents,
    build_encoder,
    insert_plain,
    send_to_discretion,
)
from tests.bench.ingest.table import IngestMeasurement, build_comparison_table, build_growth_table
from tests.bench.ingest.traffic import Batch, Traffic
from tests.bench.installation import Installation, run_installation
from tests.bench.load import LoadResult
from tests.bench.servers import OURS, SERVE_COMMAND, Server, cpu_seconds, run_server

WIDTH = 140
"""Width of the tables in characters when the output is not a terminal."""
CELLS = tuple((size, senders) for size in (1, 100, 1_000) for senders in (1, 4))
LEVELS = (10_000, 100_000, 1_000_000)
STANDARD_LOAD = (100, 4)
FILL_LOAD = (1_000, 4)
INTRODUCTION_BATCH = 500


class IngestBench:
    """A running server and the traffic that it receives."""

    def __init__(self, server: Server, installation: Installation, traffic: Traffic) -> None:
        self._server = server
        self._installation = installation
        self._traffic = traffic
        self._encode = build_encoder(server.port, installation.write_keys)
        self._expected_requests: dict[tuple[str, int, int], int] = {}
        self.stored = 0

    def introduce(self, report_progress: Callable[[int], None]) -> None:
        """Send an identify message for every customer in every channel, before the measurement."""
        for batch in self._traffic.generate_introductions(INTRODUCTION_BATCH):
            send_to_discretion(self._server.port, [iter([self._encode(batch)])], 3600, len(batch.messages))
            report_progress(len(batch.messages))

    def measure_both(
        self, size: int, senders: int, seconds: float
    ) -> tuple[IngestMeasurement, IngestMeasurement]:
        """Measure Discretion, then plain inserts of the same batches."""
        supplies = [BatchSupply(self._traffic.generate_batches(sender, size)) for sender in range(senders)]
        return self._measure_ours(supplies, size, seconds), self._measure_plain(supplies, size, seconds)

    def measure_ours(self, size: int, senders: int, seconds: float) -> IngestMeasurement:
        """Measure Discretion only."""
        return self._measure_ours(
            [BatchSupply(self._traffic.generate_batches(sender, size)) for sender in range(senders)],
            size,
            seconds,
        )

    def fill(self, level: int, deadline: float, report_progress: Callable[[int], None]) -> bool:
        """Send large batches until ``level`` events are stored or the deadline is over.

        Each sender has its own customers, so that no sender waits for another.

        Returns:
            Whether the events were stored before ``deadline``.
        """
        size, senders = FILL_LOAD
        while self.stored < level:
            if time.monotonic() > deadline:
                return False
            share = min(size, -(-(level - self.stored) // senders))
            single_batches = [
                [next(self._traffic.generate_batches(sender, share, senders))] for sender in range(senders)
            ]
            send_to_discretion(
                self._server.port,
                [self._encode_and_count(iter(batch)) for batch in single_batches],
                3600,
                share,
            )
            report_progress(self.stored)
        return True

    def _encode_and_count(self, batches: Iterator[Batch]) -> Iterator[bytes]:
        for batch in batches:
            self.stored += batch.event_count
            yield self._encode(batch)

    def _measure_ours(self, supplies: list[BatchSupply], size: int, seconds: float) -> IngestMeasurement:
        key = ("ours", size, len(supplies))

        def encode_batch(batch: Batch) -> tuple[int, bytes]:
            return batch.event_count, self._encode(batch)

        request_streams = [
            self._count_sent_events(supply.start_stream(encode_batch, self._expected_requests.get(key, 0)))
            for supply in supplies
        ]
        measured = self._measure_load(
            self._server.pid,
            size,
            lambda: send_to_discretion(self._server.port, request_streams, seconds, size),
        )
        self._expected_requests[key] = len(measured.load.latencies) // len(supplies) + 1
        return measured

    def _count_sent_events(self, encoded_batches: Iterator[tuple[int, bytes]]) -> Iterator[bytes]:
        for events, request in encoded_batches:
            self.stored += events
            yield request

    def _measure_plain(self, supplies: list[BatchSupply], size: int, seconds: float) -> IngestMeasurement:
        key = ("plain", size, len(supplies))
        document_streams = [
            supply.start_stream(build_documents, self._expected_requests.get(key, 0)) for supply in supplies
        ]
        measured = self._measure_load(
            os.getpid(), size, lambda: insert_plain(self._installation.mongo_url, document_streams, seconds)
        )
        self._expected_requests[key] = len(measured.load.latencies) // len(supplies) + 1
        return measured

    def _measure_load(self, pid: int, size: int, run_load: Callable[[], LoadResult]) -> IngestMeasurement:
        mongod = self._installation.mongod_pid
        gc.collect()
        gc.disable()
        try:
            cpu_before, mongod_before = cpu_seconds(pid), cpu_seconds(mongod)
            load = run_load()
            ms_per_message = 1000 / (len(load.latencies) * size)
            return IngestMeasurement(
                load,
                size,
                (cpu_seconds(pid) - cpu_before) * ms_per_message,
                (cpu_seconds(mongod) - mongod_before) * ms_per_message,
            )
        finally:
            gc.enable()


def compare_with_inserts(
    bench: IngestBench, progress: Progress, console: Console, rounds: int, seconds: float
) -> None:
    """Measure Discretion and plain inserts for each cell in interleaved rounds.

    The first round is a warm-up.
    """
    measurements: dict[tuple[int, int], list[tuple[IngestMeasurement, IngestMeasurement]]] = {
        cell: [] for cell in CELLS
    }
    task = progress.add_task("Measuring", total=(rounds + 1) * len(CELLS))
    for number in range(rounds + 1):
        for size, senders in CELLS:
            pair = bench.measure_both(size, senders, seconds)
            if number:
                measurements[size, senders].append(pair)
            progress.advance(task)
    progress.stop()
    console.print(build_comparison_table(measurements))


def measure_growth(
    bench: IngestBench,
    progress: Progress,
    console: Console,
    options: tuple[int, float, float, tuple[int, ...]],
) -> None:
    """Measure the same load at several numbers of stored events, within the given minutes."""
    rounds, seconds, minutes, levels = options
    measurements: dict[int, list[IngestMeasurement]] = {}
    deadline = time.monotonic() + minutes * 60
    task = progress.add_task("Filling", total=levels[-1])
    for level in levels:
        reached = bench.fill(level, deadline, lambda stored: progress.update(task, completed=stored))
        stored = bench.stored
        measurements[stored] = [bench.measure_ours(*STANDARD_LOAD, seconds) for _ in range(rounds + 1)][1:]
        if not reached:
            console.print(
                f"{minutes:g} minutes are over and {stored:,} events are stored; "
                f"{level:,} was not reached. Use a larger --minutes."
            )
            break
    progress.stop()
    console.print(build_growth_table(measurements))


async def run(
    console: Console, customers: int, measure: Callable[[IngestBench, Progress, Console], None]
) -> None:
    """Start an installation, identify all customers and measure."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder, contextlib.ExitStack() as stack:
        progress = stack.enter_context(Progress(*columns, console=console))
        async with run_installation(Path(folder)) as installation:
            log = Path(folder) / "server.log"
            with run_server(OURS, SERVE_COMMAND, installation.environ, log) as server:
                bench = IngestBench(server, installation, Traffic(customers, now_ms()))
                task = progress.add_task("Identifying customers", total=customers * 3)
                bench.introduce(lambda count: progress.advance(task, count))
                measure(bench, progress, console)


def main(
    customers: Annotated[
        int, typer.Option(help="Customers, each with records in three channels.", min=1)
    ] = 10_000,
    seconds: Annotated[float, typer.Option(help="Duration of each cell in a round.", min=0.1)] = 3,
    rounds: Annotated[int, typer.Option(help="Rounds. Ratios are computed within a round.", min=1)] = 5,
    stored: Annotated[
        bool,
        typer.Option(
            "--stored", help="Measure the rate at 10,000, 100,000 and 1,000,000 stored events instead."
        ),
    ] = False,
    minutes: Annotated[
        float, typer.Option(help="Time limit for storing the events of --stored.", min=0.01)
    ] = 30,
    quick: Annotated[
        bool, typer.Option("--quick", help="One short round, which checks that the benchmark runs.")
    ] = False,
) -> None:
    """Measure the ingest rate by batch size and senders, compared with insert_many of the same messages.

    One request is one batch. Each sender has its own connection and its own mix of sources. Raw means
    insert_many of the same batches as plain documents, with the same durability and the same number of
    threads.

    The table shows messages per second, the latency of a request, the number of busy answers (429 or 503) in
    a round, and the processor time of the server (raw: of the inserting process) and of mongod in ms per
    message.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    levels: tuple[int, ...] = LEVELS
    if quick:
        customers, seconds, rounds, levels = 100, 0.3, 1, (500, 2_000)

    def measure(bench: IngestBench, progress: Progress, output: Console) -> None:
        if stored:
            measure_growth(bench, progress, output, (rounds, seconds, minutes, levels))
        else:
            compare_with_inserts(bench, progress, output, rounds, seconds)

    try:
        asyncio.run(run(console, customers, measure))
    except RuntimeError as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
