"""Terminal output of an import: a progress bar, and what became of the rows as tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from discretion.domain.ingest.file_import.file_import import ReportProgress
from discretion.domain.ingest.file_import.import_tally import ImportTally
from discretion.domain.ingest.message import IngestStatus

_DRY_LABELS = {IngestStatus.ACCEPTED: "acceptable", IngestStatus.REFUSED: "would be refused"}


@contextmanager
def show_import_progress(console: Console, description: str) -> Iterator[ReportProgress]:
    """Show a progress bar; yields the function that reports how much of the file is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(description, total=None)
        yield lambda position, size: progress.update(task, completed=position, total=max(size, 1))


def build_import_report(tally: ImportTally, *, dry: bool) -> RenderableType:
    """Build the tables: messages by outcome, and what was refused or left out, by code and column."""
    outcomes = Table("outcome", "messages", title="Dry run: nothing is changed" if dry else None)
    outcomes.columns[1].justify = "right"
    for status in IngestStatus:
        if dry and status is IngestStatus.DUPLICATE:  # only the database knows
            continue
        label = _DRY_LABELS[status] if dry else status.value
        outcomes.add_row(label, f"{tally.messages[status]:,}")
    if not tally.faults:
        return outcomes
    faults = Table("effect", "code", "column", "count", "first rows", "why")
    faults.columns[1].no_wrap = True
    faults.columns[3].justify = "right"
    for key, counted in sorted(tally.faults.items(), key=lambda item: item[0]):
        rows = ", ".join(map(str, counted.rows))
        cells = (key.effect, key.code, key.column or "-", f"{counted.count:,}", rows, counted.reason)
        faults.add_row(*map(escape, cells))
    return Group(outcomes, faults)
