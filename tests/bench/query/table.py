"""Rounds of measurements, and the table they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.table import Table

from tests.bench.load import Load


@dataclass(frozen=True, slots=True)
class Measured:
    """One server under one load in one round; ``cpu_ms`` and ``mongo_ms`` are for each request."""

    load: Load
    cpu_ms: float
    mongo_ms: float


Rounds = Mapping[str, Sequence[Measured]]
"""What was measured of each server; the n-th of every server are of the same round."""


def table(title: str, rounds: Rounds, against: Sequence[str]) -> Table:
    """Medians over the rounds; ratios are taken within a round, and their spread is shown."""
    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    made.add_column("one process each", no_wrap=True)
    for name in ("per s", "p50 ms", "p99 ms", "CPU ms", "mongod"):
        made.add_column(name, justify="right", no_wrap=True)
    for name in against:
        made.add_column(f"times {name}", justify="right", no_wrap=True)
    for name, measured in rounds.items():
        made.add_row(
            name,
            f"{median(one.load.per_second for one in measured):,.0f}",
            f"{median(one.load.quantile(0.5) for one in measured):.2f}",
            f"{median(one.load.quantile(0.99) for one in measured):.2f}",
            f"{median(one.cpu_ms for one in measured):.3f}",
            f"{median(one.mongo_ms for one in measured):.3f}",
            *(_ratio(measured, rounds[other]) for other in against),
        )
    return made


def _ratio(measured: Sequence[Measured], others: Sequence[Measured]) -> str:
    ratios = [a.load.per_second / b.load.per_second for a, b in zip(measured, others, strict=True)]
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
