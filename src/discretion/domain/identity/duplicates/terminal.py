"""Terminal output of the search for duplicates: progress and result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from discretion.domain.identity.duplicates.suggestion_run import ProgressCallback, SuggestionOutcome

PROBABILITY_BANDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)


@contextmanager
def show_search_progress(console: Console) -> Iterator[ProgressCallback]:
    """Show a bar while customers are read, then a clock while they are compared."""
    count_column = TextColumn("{task.fields[counted]}")
    columns = (TextColumn("{task.description}"), BarColumn(), count_column, TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        reading_task = progress.add_task("Reading customers", total=None, counted="")
        comparing_task = progress.add_task("Comparing", total=None, counted="", visible=False)

        def report_progress(done: int, total: int | None) -> None:
            progress.update(reading_task, completed=done, total=total, counted=f"{done:,}")
            if total is not None and done >= total:
                progress.update(comparing_task, visible=True)

        yield report_progress


def build_suggestion_table(outcome: SuggestionOutcome, threshold: float) -> Table:
    """Build a table of pairs by probability, with the number of new suggestions in each band."""
    noun = "duplicate" if len(outcome.scores) == 1 else "duplicates"
    title = f"{outcome.customers:,} customers compared, {len(outcome.scores):,} likely {noun} found"
    dropped_note = f"{outcome.dropped:,} open suggestions no longer apply and were dropped"
    table = Table(title=title, caption=dropped_note if outcome.dropped else None, min_width=60)
    for column in ("probability", "pairs", "new suggestions"):
        table.add_column(column, justify="right")
    edges = [threshold, *(band for band in PROBABILITY_BANDS if band > threshold)]
    for low, high in zip(edges, [*edges[1:], 2.0], strict=True):
        pairs = _count_between(outcome.scores, low, high)
        new_pairs = _count_between(outcome.new_scores, low, high)
        if low < 1 or pairs:
            table.add_row(f"{low:g} to {high:g}" if high <= 1 else "1", f"{pairs:,}", f"{new_pairs:,}")
    return table


def _count_between(scores: Sequence[float], low: float, high: float) -> int:
    return sum(low <= score < high for score in scores)
