"""Invalid merge protection is reported like any other mistake in a catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.catalogue.load import load_catalogue
from discretion.errors import Misconfigured
from tests.unit.catalogue.small_catalogue import SMALL_CATALOGUE, write_catalogue

RULE = "  email: {normalise: email"


@pytest.mark.parametrize(
    ("protection", "problem", "correction"),
    [
        ("most: 0", "most is '0'", "a number of at least 1"),
        ("most: 5", "email has 'most' and is no number", "add 'number: true'"),
        ("blocked: ['guest@(']", "is no regular expression", "Write a valid one"),
    ],
)
def test_invalid_merge_protection_is_reported_with_its_line(
    tmp_path: Path, protection: str, problem: str, correction: str
) -> None:
    """The message has the line of the entry, the problem and the correction."""
    text = SMALL_CATALOGUE.replace(RULE, f"{RULE}, {protection}")
    line_number = next(number for number, text_line in enumerate(text.splitlines(), 1) if RULE in text_line)
    with pytest.raises(Misconfigured) as refusal:
        load_catalogue(write_catalogue(tmp_path, text))
    message = str(refusal.value)
    assert f":{line_number}" in message
    assert problem in message
    assert correction in message
