"""Terminal output of a sweep: a progress bar, and the deletions as a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from discretion.domain.retention.sweep import ReportSweepProgress
from discretion.store.sweeps import SweepRun


@contextmanager
def show_sweep_progress(console: Console, customers: int) -> Iterator[ReportSweepProgress]:
    """Show a progress bar of examined customers; yields the function that reports progress."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Examining customers", total=customers)
        yield lambda run: progress.update(task, completed=run.examined)


def build_sweep_table(run: SweepRun, *, dry: bool) -> Table:
    """Build the table of deleted values and events; for a dry run, of those that would be deleted."""
    changed = "would be changed" if dry else "changed"
    restricted_note = f", {run.restricted:,} unchanged: restricted" if run.restricted else ""
    table = Table(
        "would be deleted" if dry else "deleted",
        "how many",
        title="Dry run: nothing is changed" if dry else f"Sweep {run.number}",
        caption=f"{run.examined:,} customers examined, {run.changed:,} {changed}{restricted_note}",
        min_width=60,
    )
    table.columns[1].justify = "right"
    for path, count in sorted(run.values.items()):
        table.add_row(path, f"{count:,}")
    for event_type, count in sorted(run.events.items()):
        table.add_row(f"event: {event_type}", f"{count:,}")
    if not run.values and not run.events:
        table.add_row("nothing has expired", "0")
    return table
