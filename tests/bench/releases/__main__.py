"""Compares rates and processor times of this release with those of another, in interleaved rounds."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.bench.release import MeasuredRelease, list_release_folders, run_release

PROGRAM = Path(__file__).with_name("measure.py")
CASES = ("one customer", "a list of 100", "messages")
WIDTH = 140


def build_table(releases: list[MeasuredRelease], cases: list[str]) -> Table:
    """Build the table of all cases; ratios are computed within a round."""
    table = Table(title="Rates and processor times (medians; ratios within a round, with their spread)")
    for heading in ("", "", "per s", "p50 ms", "server ms", "mongod ms", "rate", "server", "mongod"):
        table.add_column(heading, justify="right" if heading else "left")
    for case in cases:
        for release in releases:
            table.add_row(
                case,
                release.name,
                f"{release.compute_median(case, 'per_second'):,.0f}",
                f"{release.compute_median(case, 'p50_ms'):.1f}",
                f"{release.compute_median(case, 'server_ms'):.3f}",
                f"{release.compute_median(case, 'mongod_ms'):.3f}",
                *(
                    release.describe_ratio(releases[0], case, figure)
                    for figure in ("per_second", "server_ms", "mongod_ms")
                ),
            )
    return table


def main(
    before: Annotated[Path | None, typer.Option(help="A checkout of another release.")] = None,
    rounds: Annotated[int, typer.Option(help="Rounds, in which the releases take turns.", min=1)] = 7,
    seconds: Annotated[float, typer.Option(help="Duration of each load.", min=0.1)] = 2,
    customers: Annotated[int, typer.Option(help="Customers in each database.", min=101)] = 1000,
    connections: Annotated[int, typer.Option(help="Open connections of the queries.", min=1)] = 16,
    case: Annotated[list[str] | None, typer.Option(help=f"Only this case: {', '.join(CASES)}.")] = None,
) -> None:
    """Measure queries for one customer and for a list, and batches of messages, of two releases."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    cases = case or list(CASES)
    with ExitStack() as stack:
        releases = [
            stack.enter_context(run_release(name, folder, PROGRAM, (customers, seconds, connections)))
            for name, folder in list_release_folders(before).items()
        ]
        for release in releases:
            release.read_line()
        # The first round is a warm-up.
        for number in track(range(rounds + 1), "Measuring", console=console):
            for release in releases:
                release.rounds.append({})
            for name in cases:
                for release in releases:
                    release.rounds[-1][name] = release.measure(name)
            if number == 0:
                for release in releases:
                    release.rounds.clear()
    console.print(build_table(releases, cases))


if __name__ == "__main__":
    typer.run(main)
