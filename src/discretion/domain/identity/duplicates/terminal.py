"""What a search for doubles looks like in a terminal: its progress, and what it came to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from discretion.domain.identity.duplicates.suggestion_run import Outcome, Told

BANDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)


@contextmanager
def reading_customers(console: Console) -> Iterator[Told]:
    """A bar for the customers read, then a clock for as long as they are compared."""
    counted = TextColumn("{task.fields[counted]}")
    columns = (TextColumn("{task.description}"), BarColumn(), counted, TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        reading = progress.add_task("Reading customers", total=None, counted="")
        comparing = progress.add_task("Comparing", total=None, counted="", visible=False)

        def told(done: int, of: int | None) -> None:
            progress.update(reading, completed=done, total=of, counted=f"{done:,}")
            if of is not None and done >= of:
                progress.update(comparing, visible=True)

        yield told


def found(outcome: Outcome, threshold: float) -> Table:
    """Pairs by how likely they are, and how many of them are new."""
    doubles = "double" if len(outcome.scores) == 1 else "doubles"
    title = f"{outcome.customers:,} customers compared, {len(outcome.scores):,} likely {doubles} found"
    dropped = f"{outcome.dropped:,} open suggestions no longer hold and are dropped"
    table = Table(title=title, caption=dropped if outcome.dropped else None, min_width=60)
    for name in ("probability", "pairs", "new suggestions"):
        table.add_column(name, justify="right")
    edges = [threshold, *(band for band in BANDS if band > threshold)]
    for low, high in zip(edges, [*edges[1:], 2.0], strict=True):
        pairs, new = _within(outcome.scores, low, high), _within(outcome.new, low, high)
        if low < 1 or pairs:
            table.add_row(f"{low:g} to {high:g}" if high <= 1 else "1", f"{pairs:,}", f"{new:,}")
    return table


def _within(scores: Sequence[float], low: float, high: float) -> int:
    return sum(low <= score < high for score in scores)
