"""Releases that are measured side by side, each in a process with its own code."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
END_TIMEOUT_S = 60

Figures = dict[str, dict[str, float]]
"""The figures of one round: by case, then by name."""


@dataclass(slots=True)
class MeasuredRelease:
    """A release under measurement: its process, and the figures of its rounds.

    The process writes a line of JSON when it is ready, and then one for each line that it reads.
    """

    name: str
    input: IO[str]
    output: IO[str]
    rounds: list[Figures] = field(default_factory=list)

    def read_line(self) -> Any:
        """Return the next line of output.

        Raises:
            RuntimeError: The process has ended.
        """
        line = self.output.readline()
        if not line:
            raise RuntimeError(f"The measurement of {self.name} ended early.")
        return json.loads(line)

    def measure(self, case: str) -> Any:
        """Let the process measure one case, and return its figures."""
        self.input.write(case + "\n")
        self.input.flush()
        return self.read_line()

    def compute_median(self, case: str, figure: str) -> float:
        """Return the median of a figure over all rounds."""
        return statistics.median(figures[case][figure] for figures in self.rounds)

    def describe_ratio(self, other: MeasuredRelease, case: str, figure: str) -> str:
        """Return the median and the spread of the ratios of this release to another, round by round."""
        ratios = [
            own[case][figure] / others[case][figure]
            for own, others in zip(self.rounds, other.rounds, strict=True)
        ]
        return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


@contextmanager
def run_release(
    name: str, folder: Path, program: Path, arguments: Sequence[object]
) -> Iterator[MeasuredRelease]:
    """Run a program with the code of a release, in its folder, and the packages of this one."""
    process = subprocess.Popen(
        [sys.executable, program, *map(str, arguments)],
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
        process.wait(END_TIMEOUT_S)


def list_release_folders(before: Path | None) -> dict[str, Path]:
    """Return the folders of the measured releases by name; this release comes last."""
    return ({} if before is None else {"before": before.resolve()}) | {"this": ROOT}
