"""Finds the doubles in FEBRL's datasets 3 and 4 and says how many it found and how many it made up.

The likeness is the one `discretion identity suggest` compares customers by, with two comparisons more
for what FEBRL's people have besides. It is trained on the records alone; the labels only judge.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import matplotlib as mpl
import typer
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from discretion.domain.identity.duplicates.comparison import Backend, Pair, compare
from discretion.domain.identity.duplicates.match_rules import THRESHOLD
from tests.bench.identity.febrl import Dataset, datasets
from tests.bench.identity.measure import SPLINK, THRESHOLDS, Counts, count, curve, met

WIDTH = 120
LEAST = 0.001
"""The lowest match probability that is looked at, for the curve."""


def shown(dataset: Dataset, pairs: list[Pair]) -> Table:
    """The counts of one dataset at each threshold, beside Splink's own."""
    beside = any(name == dataset.name for name, _ in SPLINK)
    columns = ["threshold", "TP", "FP", "FN", "precision", "recall", "F1"]
    columns += ["Splink's precision", "recall", "F1"] if beside else []
    table = Table(title=f"{dataset.name}: {len(dataset.truth):,} pairs are one person")
    for name in columns:
        table.add_column(name, justify="right")
    for threshold in THRESHOLDS:
        counts = count(pairs, dataset.truth, threshold)
        mark = "*" if threshold == THRESHOLD else ""
        told = [f"{one:,}" for one in (counts.tp, counts.fp, counts.fn)]
        splink = figures(SPLINK.get((dataset.name, threshold))) if beside else []
        table.add_row(f"{mark}{threshold}", *told, *figures(counts), *splink)
    return table


def figures(counts: Counts | None) -> list[str]:
    """Precision, recall and F1 as text."""
    if counts is None:
        return ["", "", ""]
    return [f"{one:.4f}" for one in (counts.precision, counts.recall, counts.f1)]


def draw(path: Path, found: list[tuple[Dataset, list[Pair]]]) -> None:
    """The precision-recall curve of each dataset, and Splink's published points."""
    mpl.use("agg")
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes: Any = figure.subplots()
    for dataset, pairs in found:
        axes.plot(*curve(pairs, dataset.truth), label=dataset.name)
        at = count(pairs, dataset.truth, THRESHOLD)
        axes.plot(at.recall, at.precision, "k.")
    for (name, threshold), counts in SPLINK.items():
        axes.plot(counts.recall, counts.precision, "x", label=f"Splink, {name} at {threshold}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0.9, 1.001), ylim=(0.9, 1.002))
    axes.legend(loc="lower left", fontsize="small")
    figure.savefig(path)


def main(
    plot: Annotated[Path, typer.Option(help="Where the curve is drawn: .png or .svg.")] = Path(
        "identity.svg"
    ),
    backend: Annotated[Backend, typer.Option(help="Where the comparing is done.")] = Backend.DUCKDB,
) -> None:
    """Precision and recall on FEBRL 3 and 4, beside what Splink publishes; exit 1 if a target is missed."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    found, missed = [], []
    for dataset in datasets():
        with console.status(f"Comparing {dataset.name}"):
            pairs = compare(dataset.tables, dataset.likeness, LEAST, backend)
        console.print(shown(dataset, pairs))
        found.append((dataset, pairs))
        if not met(dataset.name, count(pairs, dataset.truth, THRESHOLD)):
            missed.append(dataset.name)
    draw(plot, found)
    console.print(f"* the threshold of the product, fixed beforehand. The curve is in {plot}.")
    if missed:
        console.print(f"[red]Below its target: {', '.join(missed)}[/red]")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
