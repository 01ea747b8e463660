"""Sending letters again, for whoever looks on: a progress bar, and what became of them as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from discretion.domain.ingest.dead_letters.replay import Tally


@contextmanager
def sending(console: Console, waiting: int) -> Iterator[Callable[[Tally], None]]:
    """A bar for so many letters; call what it gives with the tally so far."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Sending again", total=waiting)
        yield lambda so_far: progress.update(task, completed=so_far.met)


def became(tally: Tally, *, dry: bool) -> Table:
    """What became of letters; of a dry run, what would."""
    table = Table("what became of them", "letters", title="Dry run: nothing is changed" if dry else None)
    table.columns[1].justify = "right"
    counts = {"acceptable": tally.taken} if dry else {"taken": tally.taken, "duplicate": tally.duplicate}
    counts |= {f"still refused: {code}": count for code, count in sorted(tally.refused.items())}
    counts |= {f"cannot be opened: {code}": count for code, count in sorted(tally.unreadable.items())}
    for what, count in counts.items():
        table.add_row(what, f"{count:,}")
    return table
