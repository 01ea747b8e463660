"""The laws of erasure at length: a search of everything, schedules by the thousand, a kill at every point.

``python -m tests.properties.erasure --help``
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from discretion.law.jurisdiction import Right
from discretion.store.embedded import mongo_server as embedded
from tests.properties.erasure.crash_points import Matrix, matrix, opened
from tests.properties.erasure.population import person, town
from tests.properties.erasure.schedules import Moment, Round, play, schedule
from tests.properties.erasure.search import Found, search

WIDTH = 140
SHOWN = 20
DUMPS = (None, Moment.BEFORE, Moment.DURING)
"""One after the other, by rounds."""


class Told(Protocol):
    """Is told how many are done, and of how many where that was not known."""

    def __call__(self, done: int, of: int | None = None, /) -> None:
        """See the class."""


app = typer.Typer(help="Try at length whether whoever was erased can be found again.", no_args_is_help=True)
console = Console(width=None if sys.stdout.isatty() else WIDTH)


@contextmanager
def _bar(name: str, total: int | None) -> Iterator[Told]:
    """A progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(name, total=total)

        def told(done: int, of: int | None = None, /) -> None:
            progress.update(task, completed=done, total=of or total)

        yield told


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for one in columns:
        made.add_column(one, justify="right")
    for row in rows:
        made.add_row(*(f"{one:,}" if isinstance(one, int) else str(one) for one in row))
    return made


def _end(faults: Sequence[object]) -> None:
    """Print what was found, as far as it is read, and fail if there is any."""
    for one in faults[:SHOWN]:
        console.print(one)
    raise typer.Exit(1 if faults else 0)


@app.command()
def scan(people: Annotated[int, typer.Option(min=1, help="People who are erased.")] = 1_000) -> None:
    """Erase people under messages that keep coming, and search documents, oplog and files for them."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="discretion-scan-") as folder, _bar("Erasing", people) as told:
        found: Found = asyncio.run(search(Path(folder), people, told))
    columns = ("erased", "messages", "MiB searched", "hits", "keys tried", "opened", "alive", "seconds")
    row = (
        *(found.erased, found.messages, found.bytes >> 20, len(found.hits), found.tried),
        *(found.opened, found.alive, int(time.monotonic() - began)),
    )
    console.print(_table("Search for the erased", columns, [row]))
    console.print(f"A value put there in clear was found in: {', '.join(sorted(found.control))}")
    _end([*found.hits, *(["a key opens"] * found.opened), *(["somebody is found"] * found.alive)])


@app.command()
def schedules(
    people: Annotated[int, typer.Option(min=1, help="People of a round, each with their schedule.")] = 5_000,
    seed: Annotated[int, typer.Option(help="Of the schedules.")] = 1,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; two of three restore a dump.")] = 3,
    seconds: Annotated[float, typer.Option(min=0, help="Begin no round after so long; 0 is never.")] = 0,
) -> None:
    """Tell of people before, while and after they are erased, in random orders; see that they stay gone."""
    found: list[tuple[Moment | None, Round, float]] = []
    asyncio.run(_schedules(people, seed, rounds, seconds, found))
    columns = (
        *("round", "dump restored", "schedules", "messages", "customers", "survivors", "replayed"),
        *("held", "astray", "seconds"),
    )
    rows = [
        (
            *(number, "-" if dump is None else dump.value, people, one.messages, one.asked),
            *(sum(one.left.values()), one.replayed, one.held, len(one.astray), f"{took:.0f}"),
        )
        for number, (dump, one, took) in enumerate(found, 1)
    ]
    console.print(_table(f"{len(found) * people:,} schedules, seed {seed}", columns, rows))
    _end([fault for _, one, _ in found for fault in (*one.left.items(), *one.astray)])


async def _schedules(
    people: int, seed: int, rounds: int, seconds: float, found: list[tuple[Moment | None, Round, float]]
) -> None:
    dice, began = random.Random(seed), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="discretion-schedules-") as folder:
        async with town(Path(folder)) as here:
            for number in range(rounds):
                start = time.monotonic()
                if seconds and start - began > seconds:
                    return
                first, dump = number * people, DUMPS[number % len(DUMPS)]
                drawn = [schedule(dice, person(one), one) for one in range(first, first + people)]
                with _bar(f"Round {number + 1}", people) as told:
                    done = await play(here, drawn, dump, told)
                found.append((dump, done, time.monotonic() - start))


@app.command()
def crash(
    right: Annotated[Right, typer.Option(help="Whose steps.")] = Right.ERASURE,
    every: Annotated[int, typer.Option(min=1, help="Kill at every n-th point only.")] = 1,
) -> None:
    """Kill whoever carries a request out at every point it passes; see that it ends as if it never was."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="discretion-crash-") as folder, _bar("Killing", None) as told:
        done = asyncio.run(_crash(Path(folder), right, every, told))
    row = (right.value, done.points, done.killed, len(done.wrong), int(time.monotonic() - began))
    console.print(
        _table("Killed at a point", ("right", "points", "killed", "ended otherwise", "seconds"), [row])
    )
    _end(done.wrong)


async def _crash(folder: Path, right: Right, every: int, told: Told) -> Matrix:
    async with embedded.running(folder / "mongo") as mongo, opened(mongo.url, folder / "data") as here:
        return await matrix(here, right, lambda points: points[::every], told)


if __name__ == "__main__":
    app()
