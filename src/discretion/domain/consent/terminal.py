"""What recomputing looks like in a terminal: how far it is, and what it came to."""

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
from discretion.domain.consent.recompute import Progress


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


@contextmanager
def judging_customers(console: Console, waiting: int) -> Iterator[Callable[[Progress], None]]:
    """A bar with the rate and the time that is left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console) as bar:
        task = bar.add_task("Judging customers", total=waiting)

        def told(so_far: Progress) -> None:
            bar.update(task, completed=so_far.met, total=max(waiting, so_far.met))

        yield told


def judged(catalogue: Catalogue, outcome: Progress, left: int, *, dry: bool) -> Table:
    """Who was judged, and for each purpose that anybody gained or lost how many did."""
    tense = "would permit" if dry else "permit"
    title = f"{outcome.met:,} customers judged, {outcome.changed:,} {tense} something else now"
    made = Table("purpose", "gained by", "lost by", title=title, caption=_caption(outcome, left, dry=dry))
    for column in made.columns[1:]:
        column.justify = "right"
    known = {one.bit: key for key, one in catalogue.purposes.items()}
    for bit in range(63):
        gained, lost = outcome.gained(bit), outcome.lost(bit)
        if gained or lost:
            made.add_row(known.get(bit, f"bit {bit}, which is no purpose now"), f"{gained:,}", f"{lost:,}")
    return made


def _caption(outcome: Progress, left: int, *, dry: bool) -> str | None:
    if dry:
        return "Dry run: nothing is changed"
    if outcome.superseded:
        return f"Other rules were put in force meanwhile; {left:,} are left to whoever has them"
    return f"{left:,} were written by a server with other rules; start it anew" if left else None
