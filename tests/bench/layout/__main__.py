"""Measures the stored documents of this release, and with ``--before`` those of another beside it."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("measure.py")
WIDTH = 110


@dataclass(slots=True)
class MeasuredRelease:
    """A release under measurement: its process, the sizes of its documents, and its rounds."""

    name: str
    input: IO[str]
    output: IO[str]
    sizes: dict[str, float] = field(default_factory=dict)
    rounds: list[dict[str, dict[str, float]]] = field(default_factory=list)

    def read(self) -> Any:
        """Return the next line of output.

        Raises:
            RuntimeError: The process has ended.
        """
        line = self.output.readline()
        if not line:
            raise RuntimeError(f"The measurement of {self.name} ended early.")
        return json.loads(line)

    def measure_round(self) -> None:
        """Measure one round."""
        self.input.write("\n")
        self.input.flush()
        self.rounds.append(self.read())

    def compute_median(self, case: str, figure: str) -> float:
        """Return the median of a figure over all rounds."""
        return statistics.median(costs[case][figure] for costs in self.rounds)


@contextmanager
def run_release(name: str, folder: Path, customers: int, repeats: int) -> Iterator[MeasuredRelease]:
    """Run the measurement of one release with the code in its folder and the packages of this one."""
    process = subprocess.Popen(
        [sys.executable, PROGRAM, str(customers), str(repeats)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder / 'src'}:{folder}"},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield MeasuredRelease(name, process.stdin, process.stdout)
    finally:
        process.stdin.close()
        process.wait(60)


def build_size_table(releases: list[MeasuredRelease]) -> Table:
    """Build the table of stored bytes."""
    table = Table(title="Mean bytes of a stored document")
    for heading in ("", *(release.name for release in releases)):
        table.add_column(heading, justify="right" if heading else "left")
    for name in releases[-1].sizes:
        table.add_row(name, *(f"{release.sizes[name]:,.0f}" for release in releases))
    return table


def build_cost_table(releases: list[MeasuredRelease]) -> Table:
    """Build the table of what reading costs; the ratio is the median of the rounds'."""
    table = Table(title="Reading customers: one connection, medians")
    for heading in ("", "", "queries", "bytes", "mongod ms", "ms", "times less mongod (spread)"):
        table.add_column(heading, justify="right" if heading else "left")
    for case in releases[-1].rounds[0]:
        for release in releases:
            ratios = [
                first[case]["cpu_ms"] / own[case]["cpu_ms"]
                for first, own in zip(releases[0].rounds, release.rounds, strict=True)
            ]
            table.add_row(
                case,
                release.name,
                f"{release.compute_median(case, 'queries'):.0f}",
                f"{release.compute_median(case, 'bytes'):,.0f}",
                f"{release.compute_median(case, 'cpu_ms'):.3f}",
                f"{release.compute_median(case, 'latency_ms'):.3f}",
                f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
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
    folders = ({"before": before.resolve()} if before else {}) | {"this": ROOT}
    with ExitStack() as stack:
        releases = [
            stack.enter_context(run_release(name, folder, customers, repeats))
            for name, folder in folders.items()
        ]
        for release in releases:
            release.sizes = release.read()
        for _ in range(rounds):
            for release in releases:
                release.measure_round()
    console.print(build_size_table(releases), build_cost_table(releases))


if __name__ == "__main__":
    typer.run(main)
