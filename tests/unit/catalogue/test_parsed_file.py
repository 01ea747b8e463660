"""Merge protection that cannot be is told like any other mistake of a catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.catalogue.load import load
from discretion.errors import Misconfigured
from tests.unit.catalogue.small_catalogue import SMALL, written

RULE = "  email: {normalise: email"


@pytest.mark.parametrize(
    ("protection", "wrong", "right"),
    [
        ("most: 0", "most is '0'", "a number of at least 1"),
        ("most: 5, within: a week", "email counts within 'a week'", "such as P7D"),
        ("within: P7D", "email says 'within' and not how many", "Add 'most'"),
        ("blocked: ['guest@(']", "is no regular expression", "Write one"),
    ],
)
def test_what_protects_nobody_is_told_with_its_line(
    tmp_path: Path, protection: str, wrong: str, right: str
) -> None:
    """The line of the entry, what is wrong and what would be right."""
    text = SMALL.replace(RULE, f"{RULE}, {protection}")
    line = next(n for n, one in enumerate(text.splitlines(), 1) if RULE in one)
    with pytest.raises(Misconfigured) as caught:
        load(written(tmp_path, text))
    told = str(caught.value)
    assert f":{line}" in told
    assert wrong in told
    assert right in told
