"""How well records are linked: TPC-DS customers go in through three channels, and are asked for.

Each channel has ids of its own; the customer number that TPC-DS shares between them is the truth,
and never sent. Nine in ten gave their channels the same address or number, in any spelling; one in
ten gave each something else, whom exact identifiers cannot put together.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from discretion.app.clock import now_ms
from discretion.catalogue.load import load
from discretion.errors import DiscretionError
from discretion.seeding.send import sow
from discretion.seeding.tpcds import MOST, shoppers, truth
from tests.bench.linking.evidence import records
from tests.bench.linking.queries import customers as asked
from tests.bench.linking.score import REASONS, Score, score
from tests.bench.rival_install import installed
from tests.bench.servers import OURS, SERVE, cpu_seconds, started

WIDTH = 120
"""Columns of the table where there is no terminal to ask."""


async def run(console: Console, customers: int, senders: int) -> None:
    """Make everybody, send, ask, and print."""
    catalogue = load(None)
    console.print(f"Making {customers:,} customers of TPC-DS and their purchases.")
    made = await asyncio.to_thread(lambda: list(shoppers(customers, now_ms())))
    who, known = await asyncio.to_thread(truth, customers), records(made, catalogue)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder,
        Progress(*columns, console=console) as progress,
    ):
        async with installed(Path(folder)) as ours:
            with started(OURS, SERVE, ours.environ, Path(folder) / "server.log") as server:
                url = f"http://127.0.0.1:{server.port}"
                sending = progress.add_task("Sending", total=len(made))
                cpu, mongo, began = cpu_seconds(server.pid), cpu_seconds(ours.mongod), time.perf_counter()
                sown = await sow(
                    url,
                    ours.keys,
                    made,
                    lambda so_far: progress.update(sending, completed=so_far.total),
                    concurrency=senders,
                )
                took = time.perf_counter() - began
                used = cpu_seconds(server.pid) - cpu, cpu_seconds(ours.mongod) - mongo
                asking = progress.add_task("Asking who it is", total=len(known))
                began = time.perf_counter()
                found = await asked(
                    url, ours.token, known, lambda done: progress.update(asking, completed=done)
                )
                looked = time.perf_counter() - began
    intake = _table("Taking in", "messages")
    _row(intake, "accepted", f"{sown.accepted:,}")
    _row(intake, "refused", f"{sown.refused:,}")
    _row(intake, "seconds", f"{took:,.1f}")
    _row(intake, "per second", f"{sown.total / took:,.0f}")
    _row(intake, "CPU ms for each, server", f"{used[0] / sown.total * 1000:.3f}")
    _row(intake, "CPU ms for each, mongod", f"{used[1] / sown.total * 1000:.3f}")
    _row(intake, "records looked up, per second", f"{len(known) / looked:,.0f}")
    console.print(intake)
    console.print(linked(score(who, found, known, catalogue)))


def linked(scored: Score) -> Table:
    """Persons, pairs, and why some are missing."""
    made = _table("Linking, against the true customer number", "records, persons, pairs of records")
    _row(made, "records", f"{scored.records:,}")
    _row(made, "persons, truly", f"{scored.persons:,}")
    _row(made, "customers found", f"{scored.found:,}")
    _row(made, "persons found whole", f"{scored.whole:,}")
    made.add_section()
    _row(made, "pairs linked that are one person", f"{scored.right:,}")
    _row(made, "pairs linked that are not", f"{scored.wrong:,}")
    _row(made, "precision", f"{scored.precision:.4f}")
    _row(made, "recall, of pairs that share an identifier", f"{scored.deterministic_recall:.4f}")
    _row(made, "recall, of all pairs of one person", f"{scored.recall:.4f}")
    made.add_section()
    for reason in REASONS:
        _row(made, f"missing: {reason}", f"{scored.missing.get(reason, 0):,}")
    return made


def _table(title: str, first: str) -> Table:
    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    made.add_column(first, no_wrap=True)
    made.add_column("", justify="right", no_wrap=True)
    return made


def _row(table: Table, name: str, figure: str) -> None:
    table.add_row(name, figure)


def main(
    customers: Annotated[int, typer.Option(help="Customers of TPC-DS.", min=1, max=MOST)] = 1_000,
    senders: Annotated[int, typer.Option(help="Batches on their way at once.", min=1)] = 4,
) -> None:
    """Pairwise precision and recall of exact links, and why the rest is missing.

    Customers go in through the public API as three channels know them. Then a steward asks who each
    record is, by its own id. A pair is two records; it is right if both are one customer of TPC-DS.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    try:
        asyncio.run(run(console, customers, senders))
    except (RuntimeError, DiscretionError) as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
