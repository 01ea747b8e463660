"""What signals mean is written down, and a mistake in it is told by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.catalogue.load import load as load_catalogue
from discretion.catalogue.model import Family
from discretion.errors import Misconfigured
from discretion.law.signals.load import load

CATALOGUE = load_catalogue()
GOOD = """\
opt_outs:
  sale: [sharing]
  sharing: [sharing]
  targeted_advertising: [sharing, advertising]
  gpc: [sharing]
purposes:
  personalize.content:
    needs: [1, 5, 6]
    note: Why it is these.
"""


def told(folder: Path, text: str) -> list[str]:
    """What is wrong with a file."""
    (folder / "all.yaml").write_text(text, "utf-8")
    with pytest.raises(Misconfigured) as caught:
        load(CATALOGUE, folder)
    assert caught.value.code == "SIGNALS_INVALID"
    return str(caught.value).splitlines()[1:]


def test_a_file_may_hold_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(GOOD, "utf-8")
    signals = load(CATALOGUE, tmp_path)
    assert signals.opt_outs["targeted_advertising"] == {Family.SHARING, Family.ADVERTISING}
    assert signals.needs == {"personalize.content": {1, 5, 6}}


def test_what_is_shipped_speaks_for_every_signal_and_only_of_purposes_that_exist() -> None:
    signals = load(CATALOGUE)
    assert set(signals.opt_outs) == {"sale", "sharing", "targeted_advertising", "gpc"}
    assert signals.needs.keys() < CATALOGUE.purposes.keys()


@pytest.mark.parametrize(
    ("old", "new", "line", "wrong", "right"),
    [
        (
            "personalize.content",
            "personalise.content",
            7,
            "unknown key 'personalise.content'",
            "'personalize.content'",
        ),
        ("purposes:", "purpose:", 6, "unknown key 'purpose'", "'purposes'"),
        ("  gpc:", "  gcp:", 5, "unknown key 'gcp'", "'gpc'"),
        ("gpc: [sharing]", "gpc: [shareing]", 5, "has 'shareing'", "'sharing'"),
        ("gpc: [sharing]", "gpc: []", 5, "is not a list of some", "such as [sharing]"),
        ("gpc: [sharing]", "gpc: sharing", 5, "is not a list of some", "such as [sharing]"),
        ("[1, 5, 6]", "[1, 5, 12]", 8, "has '12'", "1 to 11"),
        ("[1, 5, 6]", "[1, five]", 8, "has 'five'", "1 to 11"),
        ("[1, 5, 6]", "[1, [5]]", 8, "has ['5']", "1 to 11"),
        ("[1, 5, 6]", "[]", 8, "is not a list of some", "such as [1, 3, 4]"),
        ("    needs: [1, 5, 6]\n", "", 7, "needs is not a list of some", "such as [1, 3, 4]"),
        ("    note: Why it is these.\n", "", 7, "has no 'note'", "Say why"),
        ("    note: Why", "    nota: Why", 9, "unknown key 'nota'", "'note'"),
        ("note: Why it is these.", "note: ' '", 7, "has no 'note'", "Say why"),
        ("  gpc: [sharing]\n", "", 1, "no 'gpc'", "Name the families"),
        ("  gpc: [sharing]\n", "  gpc: [sharing]\n  gpc: [sharing]\n", 6, "stands twice", "keep one"),
        (GOOD[: GOOD.index("purposes")], "opt_outs: none\n", 1, "opt_outs is not a mapping", "a mapping"),
        (GOOD[GOOD.index("    needs") :], "    [1]\n", 7, "is not a mapping", "'needs' and 'note'"),
    ],
)
def test_a_mistake_is_told_where_it_stands(
    tmp_path: Path, old: str, new: str, line: int, wrong: str, right: str
) -> None:
    assert old in GOOD
    place = f"{tmp_path}:" if wrong.startswith("no ") else f"{tmp_path / 'all.yaml'}:{line}: "
    found = [one for one in told(tmp_path, GOOD.replace(old, new, 1)) if one.startswith(place)]
    assert any(wrong in one and right in one.partition(wrong)[2] for one in found), found


def test_a_purpose_in_two_files_has_two_meanings_and_is_refused(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text(GOOD[GOOD.index("purposes") :], "utf-8")
    (problem,) = told(tmp_path, GOOD)
    assert "personalize.content stands in two files" in problem


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        load(CATALOGUE, tmp_path)
    assert "no *.yaml file here" in str(caught.value)
