"""Long erasure tests: a search of all stored data, thousands of schedules, a kill at every checkpoint.

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
from tests.properties.erasure.crash_points import KillResult, kill_at_points, open_installation
from tests.properties.erasure.population import build_person, open_population
from tests.properties.erasure.schedules import DumpMoment, RoundResult, draw_schedule, play_round
from tests.properties.erasure.search import SearchResult, erase_and_search

WIDTH = 140
MAX_SHOWN_FAULTS = 20
DUMP_MOMENTS = (None, DumpMoment.BEFORE, DumpMoment.DURING)
"""When a round makes the dump that it restores; the rounds go through these in turn."""


class ProgressCallback(Protocol):
    """A callback that receives the number of completed items, and the total if it was not known before."""

    def __call__(self, completed: int, of: int | None = None, /) -> None:
        """Report progress."""


app = typer.Typer(help="Search at length for data of erased people.", no_args_is_help=True)
console = Console(width=None if sys.stdout.isatty() else WIDTH)


@contextmanager
def _show_progress(name: str, total: int | None) -> Iterator[ProgressCallback]:
    """Show a progress bar; yield the function that updates it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(name, total=total)

        def report_progress(completed: int, of: int | None = None, /) -> None:
            progress.update(task, completed=completed, total=of or total)

        yield report_progress


def _build_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    return table


def _exit_with_faults(faults: Sequence[object]) -> None:
    """Print the first faults; exit with 1 if there is any, with 0 otherwise."""
    for fault in faults[:MAX_SHOWN_FAULTS]:
        console.print(fault)
    raise typer.Exit(1 if faults else 0)


@app.command("scan")
def run_scan(people: Annotated[int, typer.Option(min=1, help="Number of people to erase.")] = 1_000) -> None:
    """Erase people while messages about them arrive, and search documents, oplog and files for their data."""
    started_at = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="discretion-scan-") as folder,
        _show_progress("Erasing", people) as report_progress,
    ):
        result: SearchResult = asyncio.run(erase_and_search(Path(folder), people, report_progress))
    columns = (
        "erased",
        "messages",
        "MiB searched",
        "hits",
        "keys tried",
        "keys usable",
        "people found",
        "seconds",
    )
    row = (
        *(
            result.people_erased,
            result.messages_sent,
            result.bytes_searched >> 20,
            len(result.hits),
            result.keys_tried,
        ),
        *(result.keys_opened, result.people_found, int(time.monotonic() - started_at)),
    )
    console.print(_build_table("Search for data of erased people", columns, [row]))
    console.print(
        f"The control value, written in clear, was found in: {', '.join(sorted(result.control_locations))}"
    )
    _exit_with_faults(
        [
            *result.hits,
            *(["a key can be unwrapped"] * result.keys_opened),
            *(["a person is found"] * result.people_found),
        ]
    )


@app.command("schedules")
def run_schedules(
    people: Annotated[
        int, typer.Option(min=1, help="People per round, each with their own schedule.")
    ] = 5_000,
    seed: Annotated[int, typer.Option(help="Seed of the schedules.")] = 1,
    rounds: Annotated[int, typer.Option(min=1, help="Number of rounds; two of three restore a dump.")] = 3,
    seconds: Annotated[
        float, typer.Option(min=0, help="Start no round after this time; 0 means no limit.")
    ] = 0,
) -> None:
    """Send messages before, during and after erasures in random orders; check that no data returns."""
    outcomes: list[tuple[DumpMoment | None, RoundResult, float]] = []
    asyncio.run(_play_rounds(people, seed, rounds, seconds, outcomes))
    columns = (
        *("round", "dump restored", "schedules", "messages", "customers", "remaining", "replayed"),
        *("retained", "unjustified", "seconds"),
    )
    rows = [
        (
            *(number, "-" if dump is None else dump.value, people, played.messages, played.customers),
            *(
                sum(played.remaining.values()),
                played.replayed,
                played.retained,
                len(played.unjustified),
                f"{seconds_taken:.0f}",
            ),
        )
        for number, (dump, played, seconds_taken) in enumerate(outcomes, 1)
    ]
    console.print(_build_table(f"{len(outcomes) * people:,} schedules, seed {seed}", columns, rows))
    _exit_with_faults(
        [fault for _, played, _ in outcomes for fault in (*played.remaining.items(), *played.unjustified)]
    )


async def _play_rounds(
    people: int,
    seed: int,
    rounds: int,
    seconds: float,
    outcomes: list[tuple[DumpMoment | None, RoundResult, float]],
) -> None:
    generator, started_at = random.Random(seed), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="discretion-schedules-") as folder:
        async with open_population(Path(folder)) as population:
            for number in range(rounds):
                round_started_at = time.monotonic()
                if seconds and round_started_at - started_at > seconds:
                    return
                first_number, dump = number * people, DUMP_MOMENTS[number % len(DUMP_MOMENTS)]
                schedules = [
                    draw_schedule(generator, build_person(person_number), person_number)
                    for person_number in range(first_number, first_number + people)
                ]
                with _show_progress(f"Round {number + 1}", people) as report_progress:
                    played = await play_round(population, schedules, dump, report_progress)
                outcomes.append((dump, played, time.monotonic() - round_started_at))


@app.command("crash")
def run_crash(
    right: Annotated[Right, typer.Option(help="The right whose steps are interrupted.")] = Right.ERASURE,
    every: Annotated[int, typer.Option(min=1, help="Kill at every n-th checkpoint only.")] = 1,
) -> None:
    """Kill the process of a request at every checkpoint; check that the request ends as without a kill."""
    started_at = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="discretion-crash-") as folder,
        _show_progress("Killing", None) as report_progress,
    ):
        result = asyncio.run(_kill_at_points(Path(folder), right, every, report_progress))
    row = (
        right.value,
        result.point_count,
        result.kill_count,
        len(result.deviating_points),
        int(time.monotonic() - started_at),
    )
    console.print(
        _build_table(
            "Killed at a checkpoint", ("right", "points", "killed", "different outcome", "seconds"), [row]
        )
    )
    _exit_with_faults(result.deviating_points)


async def _kill_at_points(
    folder: Path, right: Right, every: int, report_progress: ProgressCallback
) -> KillResult:
    async with (
        embedded.run_embedded_mongo(folder / "mongo") as mongo,
        open_installation(mongo.url, folder / "data") as installation,
    ):
        return await kill_at_points(installation, right, lambda points: points[::every], report_progress)


if __name__ == "__main__":
    app()
