"""A mistake in the small catalogue, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from discretion.catalogue.load import load
from discretion.errors import Misconfigured
from tests.unit.catalogue.small_catalogue import SMALL, written


@dataclass(frozen=True)
class Break:
    """``old`` becomes ``new``; the message is about the line of ``at`` (by default what is new)."""

    name: str
    old: str
    new: str
    wrong: str
    right: str
    at: str = ""


def assert_told(case: Break, folder: Path) -> None:
    """The catalogue is refused, by file and line, with what is wrong and then what would be right."""
    assert case.old in SMALL
    text = SMALL.replace(case.old, case.new, 1).replace("always:", "retired: [5]\nalways:")
    at = text.index(case.at or _differing_line(case))
    line = text[:at].count("\n") + 1
    with pytest.raises(Misconfigured) as caught:
        load(written(folder, text))
    assert caught.value.code == "CATALOGUE_INVALID"
    told = [
        one for one in str(caught.value).splitlines() if one.startswith(f"{folder / 'small.yaml'}:{line}: ")
    ]
    assert any(case.wrong in one and case.right in one.partition(case.wrong)[2] for one in told), caught.value


def _differing_line(case: Break) -> str:
    """The first line of what is new that was not there before."""
    old = case.old.splitlines()
    return next(line for line in case.new.splitlines() if line not in old)
