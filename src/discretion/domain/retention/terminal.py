"""What a sweep looks like in a terminal: its progress, and what it deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from discretion.domain.retention.sweep import Told
from discretion.domain.retention.sweep_run import Run


@contextmanager
def looking(console: Console, customers: int) -> Iterator[Told]:
    """A bar for the customers that were looked at."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Looking at customers", total=customers)
        yield lambda run: progress.update(task, completed=run.met)


def deleted(run: Run, *, dry: bool) -> Table:
    """How many values of each attribute and events of each type went, or would."""
    renewed = "would be renewed" if dry else "renewed"
    held = f", {run.held:,} left as they are: restricted" if run.held else ""
    table = Table(
        "would be deleted" if dry else "deleted",
        "how many",
        title="Dry run: nothing is changed" if dry else f"Sweep {run.number}",
        caption=f"{run.met:,} customers looked at, {run.changed:,} {renewed}{held}",
        min_width=60,
    )
    table.columns[1].justify = "right"
    for key, count in sorted(run.values.items()):
        table.add_row(key.replace("/", "."), f"{count:,}")
    for kind, count in sorted(run.events.items()):
        table.add_row(f"event: {kind}", f"{count:,}")
    if not run.values and not run.events:
        table.add_row("nothing has lapsed", "0")
    return table
