"""Measurements of ingestion and their tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.table import Table

from tests.bench.load import LoadResult


@dataclass(frozen=True, slots=True)
class IngestMeasurement:
    """The measurement of one way under one load.

    Attributes:
        cpu_ms: Processor time of the server or of the inserting process, in ms per message.
        mongo_ms: Processor time of mongod, in ms per message.
    """

    load: LoadResult
    size: int
    cpu_ms: float
    mongo_ms: float

    @property
    def per_second(self) -> float:
        """Messages per second."""
        return self.load.per_second * self.size


MeasurementPairs = Sequence[tuple[IngestMeasurement, IngestMeasurement]]
"""The measurements of Discretion and of plain inserts in each round."""


def build_comparison_table(cells: Mapping[tuple[int, int], MeasurementPairs]) -> Table:
    """Build the table of medians by (batch size, senders); ratios are within a round, with their range."""
    table = _build_table(
        "Ingestion by one server process, compared with insert_many of the same messages", "batch x senders"
    )
    for name in ("messages/s", "p50 ms", "p99 ms", "busy", "CPU ms", "mongod ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("raw msgs/s", "CPU ms", "mongod ms", "raw/ours"):
        table.add_column(name, justify="right", no_wrap=True)
    for (size, senders), rounds in cells.items():
        our_measurements, raw_measurements = (
            [measurement for measurement, _ in rounds],
            [measurement for _, measurement in rounds],
        )
        ratios = [
            raw_measurement.per_second / our_measurement.per_second
            for our_measurement, raw_measurement in rounds
        ]
        table.add_row(
            f"{size:,} x {senders}",
            *_format_figures(our_measurements),
            f"{_compute_median(raw_measurements, lambda measurement: measurement.per_second):,.0f}",
            *_format_costs(raw_measurements),
            f"{median(ratios):.3g} ({min(ratios):.3g}-{max(ratios):.3g})",
        )
    return table


def build_growth_table(levels: Mapping[int, Sequence[IngestMeasurement]]) -> Table:
    """Build the table of medians by the number of stored events; ratios are to the first row."""
    table = _build_table("Ingestion by the number of stored events", "stored events")
    for name in ("messages/s", "p50 ms", "p99 ms", "busy", "CPU ms", "mongod ms", "ratio to the first"):
        table.add_column(name, justify="right", no_wrap=True)
    first_rate = next(
        (
            _compute_median(level_rounds, lambda measurement: measurement.per_second)
            for level_rounds in levels.values()
        ),
        0,
    )
    for stored, rounds in levels.items():
        rate = _compute_median(rounds, lambda level_rounds: level_rounds.per_second)
        table.add_row(f"{stored:,}", *_format_figures(rounds), f"{rate / first_rate:.2f}")
    return table


def _build_table(title: str, first_column: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first_column, no_wrap=True)
    return table


def _format_figures(rounds: Sequence[IngestMeasurement]) -> tuple[str, ...]:
    return (
        f"{_compute_median(rounds, lambda measurement: measurement.per_second):,.0f}",
        f"{_compute_median(rounds, lambda measurement: measurement.load.quantile_ms(0.5)):.1f}",
        f"{_compute_median(rounds, lambda measurement: measurement.load.quantile_ms(0.99)):.1f}",
        f"{_compute_median(rounds, lambda measurement: measurement.load.busy_count):.0f}",
        *_format_costs(rounds),
    )


def _format_costs(rounds: Sequence[IngestMeasurement]) -> tuple[str, str]:
    return (
        f"{_compute_median(rounds, lambda measurement: measurement.cpu_ms):.3f}",
        f"{_compute_median(rounds, lambda measurement: measurement.mongo_ms):.3f}",
    )


def _compute_median(
    rounds: Sequence[IngestMeasurement], figure: Callable[[IngestMeasurement], float]
) -> float:
    return median(map(figure, rounds))
