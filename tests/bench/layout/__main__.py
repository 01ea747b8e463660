"""Measures the stored documents of this release, and with ``--before`` those of another beside it."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.bench.release import MeasuredRelease, list_release_folders, run_release

PROGRAM = Path(__file__).with_name("measure.py")
WIDTH = 110


def build_size_table(releases: list[MeasuredRelease], sizes: list[dict[str, float]]) -> Table:
    """Build the table of stored bytes."""
    table = Table(title="Mean bytes of a stored document")
    for heading in ("", *(release.name for release in releases)):
        table.add_column(heading, justify="right" if heading else "left")
    for name in sizes[-1]:
        table.add_row(name, *(f"{release_sizes[name]:,.0f}" for release_sizes in sizes))
    return table


def build_cost_table(releases: list[MeasuredRelease]) -> Table:
    """Build the table of what reading costs; the ratio is the median of the rounds'."""
    table = Table(title="Reading customers: one connection, medians")
    for heading in ("", "", "queries", "bytes", "mongod ms", "ms", "times less mongod (spread)"):
        table.add_column(heading, justify="right" if heading else "left")
    for case in releases[-1].rounds[0]:
        for release in releases:
            table.add_row(
                case,
                release.name,
                f"{release.compute_median(case, 'queries'):.0f}",
                f"{release.compute_median(case, 'bytes'):,.0f}",
                f"{release.compute_median(case, 'cpu_ms'):.3f}",
                f"{release.compute_median(case, 'latency_ms'):.3f}",
                releases[0].describe_ratio(release, case, "cpu_ms"),
            )
    return table


def main(
    before: Annotated[Path | None, typer.Option(help="A checkout of another release.")] = None,
    rounds: Annotated[int, typer.Option(help="Rounds, in which the releases take turns.", min=1)] = 7,
    customers: Annotated[int, typer.Option(help="Customers in the database.", min=101)] = 1000,
    repeats: Annotated[int, typer.Option(help="How often each query is repeated in a round.", min=10)] = 500,
) -> None:
    """Measure stored bytes, and MongoDB's time for the queries of the server for one and 100 customers."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    with ExitStack() as stack:
        releases = [
            stack.enter_context(run_release(name, folder, PROGRAM, (customers, repeats)))
            for name, folder in list_release_folders(before).items()
        ]
        sizes = [release.read_line() for release in releases]
        for _ in range(rounds):
            for release in releases:
                release.rounds.append(release.measure("all"))
    console.print(build_size_table(releases, sizes), build_cost_table(releases))


if __name__ == "__main__":
    typer.run(main)
