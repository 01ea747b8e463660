"""The table of the benchmark."""

from __future__ import annotations

import io

from rich.console import Console

from tests.bench.release import MeasuredRelease
from tests.bench.releases.__main__ import build_table


def _build_release(name: str, rate: float) -> MeasuredRelease:
    figures = {"per_second": rate, "p50_ms": 7.0, "server_ms": 0.4, "mongod_ms": 0.2}
    return MeasuredRelease(name, io.StringIO(), io.StringIO(), [{"one customer": figures}])


def test_ratios_are_those_of_each_release_to_the_first() -> None:
    """A release with twice the rate has the ratio 2."""
    console = Console(width=140, file=io.StringIO(), record=True)
    console.print(
        build_table([_build_release("before", 1000), _build_release("this", 2000)], ["one customer"])
    )
    text = console.export_text()
    assert "1,000" in text
    assert "2.00 (2.00-2.00)" in text
