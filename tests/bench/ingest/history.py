"""Rows per second of ``discretion ingest import`` and of the tracking API, for the same rows.

``python -m tests.bench.ingest.history --help``
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from pymongo import MongoClient
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from discretion.catalogue.load import load_catalogue
from discretion.domain.ingest.file_import.row_file import Row
from discretion.domain.ingest.file_import.row_messages import RowMessageBuilder
from discretion.seal.blind_index import BlindIndex
from discretion.seeding.message import TILLS
from tests.bench.ingest.senders import build_encoder, send_to_discretion
from tests.bench.ingest.traffic import Batch
from tests.bench.installation import run_installation
from tests.bench.servers import OURS, SERVE_COMMAND, run_server
from tests.fixtures.program import PROGRAM
from tests.journeys.file_imports import build_receipt, write_receipts

MAPPING = "till-receipts"
SEED = 20_261_130
SENDS = ((100, 4), (1_000, 1))
"""Messages a request and senders: those of the other ingest tables that stand for usual and for best."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Rows per second of one way in one round."""

    way: str
    per_second: float


def generate_receipts(rows: int, customers: int) -> list[dict[str, str]]:
    """Return receipts of customers in the order of their numbers, as a till writes them."""
    draw = random.Random(SEED)
    return [
        build_receipt(number, draw.randrange(customers), articles="A1|B2", paid_by="card", store="lyon")
        for number in range(rows)
    ]


def build_batches(receipts: Sequence[dict[str, str]], size: int) -> list[Batch]:
    """Return the same rows as messages in requests of a size."""
    catalogue = load_catalogue(None)
    builder = RowMessageBuilder(catalogue, catalogue.imports[MAPPING], BlindIndex(bytes(32)))
    messages = [
        message for number, row in enumerate(receipts) for message in builder.build(Row(number, row)).messages
    ]
    return [Batch(TILLS, tuple(messages[start : start + size])) for start in range(0, len(messages), size)]


async def measure_sending(receipts: Sequence[dict[str, str]], size: int, senders: int) -> Rate:
    """Send the rows to a server with an empty database."""
    with tempfile.TemporaryDirectory(prefix="discretion-bench-") as name:
        folder = Path(name)
        async with run_installation(folder) as installation:
            with run_server(OURS, SERVE_COMMAND, installation.environ, folder / "log") as server:
                encode = build_encoder(server.port, installation.write_keys)
                requests = [encode(batch) for batch in build_batches(receipts, size)]
                streams: list[Iterator[bytes]] = [
                    iter(requests[sender::senders]) for sender in range(senders)
                ]
                started = time.perf_counter()
                await asyncio.to_thread(send_to_discretion, server.port, streams, 3600, size)
                return Rate(f"HTTP, {size:,} x {senders}", len(receipts) / (time.perf_counter() - started))


async def measure_import(receipts: Sequence[dict[str, str]]) -> tuple[Rate, Rate]:
    """Import the rows into an empty database: the rate of the whole command, and without its start."""
    with tempfile.TemporaryDirectory(prefix="discretion-bench-") as name:
        folder = Path(name)
        path = write_receipts(folder / "receipts.csv", receipts)
        async with run_installation(folder) as installation:
            command = [*PROGRAM, "ingest", "import", str(path), "--mapping", MAPPING]
            started = time.perf_counter()
            await asyncio.to_thread(
                subprocess.run,
                command,
                env={**os.environ, **installation.environ},
                check=True,
                capture_output=True,
            )
            elapsed = time.perf_counter() - started
            with MongoClient[dict[str, int]](installation.mongo_url) as client:
                [database] = [each for each in client.list_database_names() if each.startswith("discretion")]
                [progress] = client[database]["imports"].find()
        whole = Rate("import, whole command", len(receipts) / elapsed)
        seconds = (progress["finished"] - progress["started"]) / 1000
        return whole, Rate("import, without its start", len(receipts) / seconds)


async def measure_round(receipts: Sequence[dict[str, str]]) -> list[Rate]:
    """Measure every way once, one after the other."""
    rates = [await measure_sending(receipts, size, senders) for size, senders in SENDS]
    return [*rates, *await measure_import(receipts)]


def build_history_table(rounds: Sequence[Sequence[Rate]]) -> Table:
    """Build the table of medians; ratios are to the first way of the same round, with their range."""
    table = Table("way", box=SIMPLE_HEAD, title="The same rows by the tracking API and from a file")
    for name in ("rows/s", "ratio"):
        table.add_column(name, justify="right")
    for position, rate in enumerate(rounds[0]):
        ratios = [each[position].per_second / each[0].per_second for each in rounds]
        per_second = median(each[position].per_second for each in rounds)
        table.add_row(
            rate.way, f"{per_second:,.0f}", f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        )
    return table


def main(
    rows: Annotated[int, typer.Option(help="Receipts in the file; a multiple of 1,000.", min=1_000)] = 40_000,
    customers: Annotated[int, typer.Option(help="Customers who have them.", min=1)] = 5_000,
    rounds: Annotated[int, typer.Option(help="Rounds, each on empty databases.", min=1)] = 3,
) -> None:
    """Compare ``discretion ingest import`` with the tracking API, one server process, on the same rows."""
    receipts = generate_receipts(rows - rows % 1_000, customers)
    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(build_history_table([asyncio.run(measure_round(receipts)) for _ in range(rounds)]))


if __name__ == "__main__":
    typer.run(main)
