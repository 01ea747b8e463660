"""The tables of the benchmark."""

from __future__ import annotations

import io

from rich.console import Console

from tests.bench.layout.__main__ import build_cost_table, build_size_table
from tests.bench.release import MeasuredRelease


def _build_release(name: str, cpu_ms: float) -> MeasuredRelease:
    costs = {"cpu_ms": cpu_ms, "latency_ms": 1.0, "bytes": 1200.0, "queries": 1.0}
    return MeasuredRelease(name, io.StringIO(), io.StringIO(), [{"one customer": costs}])


def test_a_release_that_costs_half_as_much_is_twice_as_good() -> None:
    """The first release is the one that the others are compared with."""
    releases = [_build_release("before", 1.0), _build_release("this", 0.5)]
    console = Console(width=110, file=io.StringIO(), record=True)
    console.print(
        build_size_table(releases, [{"customers": 3841.4}, {"customers": 1795.2}]), build_cost_table(releases)
    )
    text = console.export_text()
    assert "3,841" in text
    assert "2.00 (2.00-2.00)" in text
