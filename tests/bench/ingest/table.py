"""What was measured, and the tables it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.table import Table

from tests.bench.load import Load


@dataclass(frozen=True, slots=True)
class Measured:
    """One way in under one load; ``cpu_ms`` of who takes in or inserts and ``mongo_ms`` are for a message."""

    load: Load
    size: int
    cpu_ms: float
    mongo_ms: float

    @property
    def per_second(self) -> float:
        """Messages in a second."""
        return self.load.per_second * self.size


Pairs = Sequence[tuple[Measured, Measured]]
"""Ours and the plain way, round by round."""


def beside(cells: Mapping[tuple[int, int], Pairs]) -> Table:
    """Medians over rounds by (batch size, senders); ratios are taken within a round, with their spread."""
    made = _table(
        "Messages taken in by one server process, beside insert_many of the same", "batch x senders"
    )
    for name in ("per s", "p50 ms", "p99 ms", "busy", "CPU ms", "mongod"):
        made.add_column(name, justify="right", no_wrap=True)
    for name in ("raw per s", "CPU ms", "mongod", "raw / ours"):
        made.add_column(name, justify="right", no_wrap=True)
    for (size, senders), rounds in cells.items():
        mine, raw = [one for one, _ in rounds], [one for _, one in rounds]
        ratios = [theirs.per_second / own.per_second for own, theirs in rounds]
        made.add_row(
            f"{size:,} x {senders}",
            *_figures(mine),
            f"{_median(raw, lambda one: one.per_second):,.0f}",
            *_costs(raw),
            f"{median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})",
        )
    return made


def growing(levels: Mapping[int, Sequence[Measured]]) -> Table:
    """Medians over rounds by how many events are stored; ratios are to the first."""
    made = _table("Messages taken in while this many events are stored", "stored")
    for name in ("per s", "p50 ms", "p99 ms", "busy", "CPU ms", "mongod", "times the first"):
        made.add_column(name, justify="right", no_wrap=True)
    first = next((_median(one, lambda m: m.per_second) for one in levels.values()), 0)
    for stored, rounds in levels.items():
        here = _median(rounds, lambda one: one.per_second)
        made.add_row(f"{stored:,}", *_figures(rounds), f"{here / first:.2f}")
    return made


def _table(title: str, first: str) -> Table:
    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    made.add_column(first, no_wrap=True)
    return made


def _figures(rounds: Sequence[Measured]) -> tuple[str, ...]:
    return (
        f"{_median(rounds, lambda one: one.per_second):,.0f}",
        f"{_median(rounds, lambda one: one.load.quantile(0.5)):.1f}",
        f"{_median(rounds, lambda one: one.load.quantile(0.99)):.1f}",
        f"{_median(rounds, lambda one: one.load.busy):.0f}",
        *_costs(rounds),
    )


def _costs(rounds: Sequence[Measured]) -> tuple[str, str]:
    return (
        f"{_median(rounds, lambda one: one.cpu_ms):.3f}",
        f"{_median(rounds, lambda one: one.mongo_ms):.3f}",
    )


def _median(rounds: Sequence[Measured], figure: Callable[[Measured], float]) -> float:
    return median(map(figure, rounds))
