"""Precision and recall of duplicate detection on FEBRL's datasets 3 and 4.

The match model is the one with which `discretion identity suggest` compares customers, with two more
comparisons for attributes that FEBRL has and customers have not. It is trained without labels; the labels
only evaluate it.
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

from discretion.domain.identity.duplicates.comparison import Backend, MatchedPair, compare_records
from discretion.domain.identity.duplicates.match_rules import DEFAULT_THRESHOLD
from tests.bench.identity.febrl import Dataset, load_datasets
from tests.bench.identity.measure import SPLINK, THRESHOLDS, Counts, compute_curve, count_pairs, meets_target

WIDTH = 120
MIN_PROBABILITY = 0.001
"""The lowest match probability of a pair that is included in the curve."""


def build_counts_table(dataset: Dataset, pairs: list[MatchedPair]) -> Table:
    """Build the table of the counts of one dataset at each threshold, beside Splink's published figures."""
    has_splink_figures = any(name == dataset.name for name, _ in SPLINK)
    columns = ["threshold", "TP", "FP", "FN", "precision", "recall", "F1"]
    columns += ["Splink's precision", "Splink's recall", "Splink's F1"] if has_splink_figures else []
    table = Table(title=f"{dataset.name}: {len(dataset.true_pairs):,} true pairs")
    for name in columns:
        table.add_column(name, justify="right")
    for threshold in THRESHOLDS:
        counts = count_pairs(pairs, dataset.true_pairs, threshold)
        mark = "*" if threshold == DEFAULT_THRESHOLD else ""
        count_cells = [f"{pair_count:,}" for pair_count in (counts.tp, counts.fp, counts.fn)]
        splink_cells = format_figures(SPLINK.get((dataset.name, threshold))) if has_splink_figures else []
        table.add_row(f"{mark}{threshold}", *count_cells, *format_figures(counts), *splink_cells)
    return table


def format_figures(counts: Counts | None) -> list[str]:
    """Return precision, recall and F1 as text, or empty cells without counts."""
    if counts is None:
        return ["", "", ""]
    return [f"{figure:.4f}" for figure in (counts.precision, counts.recall, counts.f1)]


def draw_curves(path: Path, results: list[tuple[Dataset, list[MatchedPair]]]) -> None:
    """Draw the precision-recall curve of each dataset and Splink's published points."""
    mpl.use("agg")
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes: Any = figure.subplots()
    for dataset, pairs in results:
        axes.plot(*compute_curve(pairs, dataset.true_pairs), label=dataset.name)
        default_counts = count_pairs(pairs, dataset.true_pairs, DEFAULT_THRESHOLD)
        axes.plot(default_counts.recall, default_counts.precision, "k.")
    for (name, threshold), counts in SPLINK.items():
        axes.plot(counts.recall, counts.precision, "x", label=f"Splink, {name} at {threshold}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0.9, 1.001), ylim=(0.9, 1.002))
    axes.legend(loc="lower left", fontsize="small")
    figure.savefig(path)


def main(
    plot: Annotated[Path, typer.Option(help="File for the curve: .png or .svg.")] = Path("identity.svg"),
    backend: Annotated[Backend, typer.Option(help="Engine that compares the records.")] = Backend.DUCKDB,
) -> None:
    """Measure precision and recall on FEBRL 3 and 4 beside Splink's published figures.

    The exit status is 1 if a target is missed.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    results, missed_targets = [], []
    for dataset in load_datasets():
        with console.status(f"Comparing {dataset.name}"):
            pairs = compare_records(dataset.tables, dataset.match_model, MIN_PROBABILITY, backend)
        console.print(build_counts_table(dataset, pairs))
        results.append((dataset, pairs))
        if not meets_target(dataset.name, count_pairs(pairs, dataset.true_pairs, DEFAULT_THRESHOLD)):
            missed_targets.append(dataset.name)
    draw_curves(plot, results)
    console.print(f"* The default threshold, which was fixed before the measurement. The curve is in {plot}.")
    if missed_targets:
        console.print(f"[red]Below the target: {', '.join(missed_targets)}[/red]")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
