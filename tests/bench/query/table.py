"""Measurements of servers by round, and their table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.table import Table

from tests.bench.load import LoadResult


@dataclass(frozen=True, slots=True)
class QueryMeasurement:
    """The measurement of one server in one round; ``cpu_ms`` and ``mongo_ms`` are ms per request."""

    load: LoadResult
    cpu_ms: float
    mongo_ms: float


Rounds = Mapping[str, Sequence[QueryMeasurement]]
"""The measurements of each server; the n-th measurements of all servers belong to the same round."""


def build_table(title: str, rounds: Rounds, baselines: Sequence[str]) -> Table:
    """Build the table of medians over the rounds; ratios are within a round, with their range."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("server (one process)", no_wrap=True)
    for name in ("requests/s", "p50 ms", "p99 ms", "CPU ms", "mongod ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in baselines:
        table.add_column(f"ratio to {name}", justify="right", no_wrap=True)
    for name, measured in rounds.items():
        table.add_row(
            name,
            f"{median(measurement.load.per_second for measurement in measured):,.0f}",
            f"{median(measurement.load.quantile_ms(0.5) for measurement in measured):.2f}",
            f"{median(measurement.load.quantile_ms(0.99) for measurement in measured):.2f}",
            f"{median(measurement.cpu_ms for measurement in measured):.3f}",
            f"{median(measurement.mongo_ms for measurement in measured):.3f}",
            *(_format_ratio(measured, rounds[other]) for other in baselines),
        )
    return table


def _format_ratio(measured: Sequence[QueryMeasurement], others: Sequence[QueryMeasurement]) -> str:
    ratios = [
        measurement.load.per_second / other.load.per_second
        for measurement, other in zip(measured, others, strict=True)
    ]
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
