"""A broken variant of the small catalogue, and the problem that must be reported for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from discretion.catalogue.load import load_catalogue
from discretion.errors import Misconfigured
from tests.unit.catalogue.small_catalogue import SMALL_CATALOGUE, write_catalogue


@dataclass(frozen=True)
class BrokenCase:
    """One change of the small catalogue.

    ``valid_text`` becomes ``broken_text``; the problem is reported for the line of ``marker``,
    by default for the first new line."""

    name: str
    valid_text: str
    broken_text: str
    problem: str
    correction: str
    marker: str = ""


def assert_problem_reported(case: BrokenCase, folder: Path) -> None:
    """Assert that the catalogue is refused with file, line, problem and correction."""
    assert case.valid_text in SMALL_CATALOGUE
    text = SMALL_CATALOGUE.replace(case.valid_text, case.broken_text, 1).replace(
        "always:", "retired: [5]\nalways:"
    )
    offset = text.index(case.marker or _differing_line(case))
    line_number = text[:offset].count("\n") + 1
    with pytest.raises(Misconfigured) as refusal:
        load_catalogue(write_catalogue(folder, text))
    assert refusal.value.code == "CATALOGUE_INVALID"
    reported = [
        message
        for message in str(refusal.value).splitlines()
        if message.startswith(f"{folder / 'small.yaml'}:{line_number}: ")
    ]
    assert any(
        case.problem in message and case.correction in message.partition(case.problem)[2]
        for message in reported
    ), refusal.value


def _differing_line(case: BrokenCase) -> str:
    """Return the first line of the broken text that the valid text does not have."""
    valid_lines = case.valid_text.splitlines()
    return next(line for line in case.broken_text.splitlines() if line not in valid_lines)
