"""Terminal output of a replay: a progress bar, and the outcomes as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from discretion.domain.ingest.dead_letters.replay import ReplayTally


@contextmanager
def show_replay_progress(console: Console, dead_letter_count: int) -> Iterator[Callable[[ReplayTally], None]]:
    """Show a progress bar for a number of letters; yields the function that reports progress."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Replaying dead letters", total=dead_letter_count)
        yield lambda tally: progress.update(task, completed=tally.processed)


def build_replay_table(tally: ReplayTally, *, dry: bool) -> Table:
    """Build the table of outcomes; of a dry run, of the outcomes that a run would have."""
    table = Table("outcome", "dead letters", title="Dry run: nothing is changed" if dry else None)
    table.columns[1].justify = "right"
    counts = (
        {"acceptable": tally.accepted} if dry else {"ingested": tally.accepted, "duplicate": tally.duplicate}
    )
    counts |= {f"still refused: {code}": count for code, count in sorted(tally.refused.items())}
    counts |= {f"cannot be decrypted: {code}": count for code, count in sorted(tally.unreadable.items())}
    for label, count in counts.items():
        table.add_row(label, f"{count:,}")
    return table
