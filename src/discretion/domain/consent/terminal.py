"""Terminal output of a recomputation: its progress and its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from discretion.catalogue.model import Catalogue
from discretion.domain.consent.recompute import RecomputeProgress


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


@contextmanager
def show_recompute_progress(
    console: Console, due_count: int
) -> Iterator[Callable[[RecomputeProgress], None]]:
    """Show a progress bar with the rate and the remaining time."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console) as bar:
        task = bar.add_task("Recomputing customers", total=due_count)

        def report_progress(progress: RecomputeProgress) -> None:
            bar.update(task, completed=progress.processed, total=max(due_count, progress.processed))

        yield report_progress


def build_recompute_table(
    catalogue: Catalogue, progress: RecomputeProgress, remaining: int, *, dry_run: bool
) -> Table:
    """Build a table with the number of customers who gained and lost each purpose."""
    verb = "would change" if dry_run else "changed"
    title = f"{progress.processed:,} customers recomputed, the permissions of {progress.changed:,} {verb}"
    table = Table(
        "purpose",
        "gained by",
        "lost by",
        title=title,
        caption=_build_caption(progress, remaining, dry_run=dry_run),
    )
    for column in table.columns[1:]:
        column.justify = "right"
    purposes_by_bit = {purpose.bit: key for key, purpose in catalogue.purposes.items()}
    for bit in range(63):
        gained, lost = progress.gained(bit), progress.lost(bit)
        if gained or lost:
            table.add_row(
                purposes_by_bit.get(bit, f"bit {bit} (no purpose any more)"), f"{gained:,}", f"{lost:,}"
            )
    return table


def _build_caption(progress: RecomputeProgress, remaining: int, *, dry_run: bool) -> str | None:
    if dry_run:
        return "Dry run: nothing is changed"
    if progress.superseded:
        return (
            f"Other rules were put in force meanwhile; {remaining:,} customers are left to a server with them"
        )
    return f"{remaining:,} were written by a server with other rules; restart it" if remaining else None
