"""The meaning of signals is configured in files; a mistake is reported by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Family
from discretion.errors import Misconfigured
from discretion.law.signals.load import load_signals

CATALOGUE = load_catalogue()
VALID_TEXT = """\
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


def load_problems(folder: Path, text: str) -> list[str]:
    """Return the problems that are reported for a file."""
    (folder / "all.yaml").write_text(text, "utf-8")
    with pytest.raises(Misconfigured) as refusal:
        load_signals(CATALOGUE, folder)
    assert refusal.value.code == "SIGNALS_INVALID"
    return str(refusal.value).splitlines()[1:]


def test_one_file_may_contain_everything(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(VALID_TEXT, "utf-8")
    signals = load_signals(CATALOGUE, tmp_path)
    assert signals.families_by_opt_out["targeted_advertising"] == {Family.SHARING, Family.ADVERTISING}
    assert signals.tcf_purposes_by_purpose == {"personalize.content": {1, 5, 6}}


def test_the_shipped_meanings_cover_every_signal_and_only_known_purposes() -> None:
    signals = load_signals(CATALOGUE)
    assert set(signals.families_by_opt_out) == {"sale", "sharing", "targeted_advertising", "gpc"}
    assert signals.tcf_purposes_by_purpose.keys() < CATALOGUE.purposes.keys()


@pytest.mark.parametrize(
    ("valid", "broken", "line", "problem", "correction"),
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
        ("gpc: [sharing]", "gpc: []", 5, "is not a list of choices", "such as [sharing]"),
        ("gpc: [sharing]", "gpc: sharing", 5, "is not a list of choices", "such as [sharing]"),
        ("[1, 5, 6]", "[1, 5, 12]", 8, "has '12'", "1 to 11"),
        ("[1, 5, 6]", "[1, five]", 8, "has 'five'", "1 to 11"),
        ("[1, 5, 6]", "[1, [5]]", 8, "has ['5']", "1 to 11"),
        ("[1, 5, 6]", "[]", 8, "is not a list of choices", "such as [1, 3, 4]"),
        ("    needs: [1, 5, 6]\n", "", 7, "needs is not a list of choices", "such as [1, 3, 4]"),
        ("    note: Why it is these.\n", "", 7, "has no 'note'", "Say why"),
        ("    note: Why", "    nota: Why", 9, "unknown key 'nota'", "'note'"),
        ("note: Why it is these.", "note: ' '", 7, "has no 'note'", "Say why"),
        ("  gpc: [sharing]\n", "", 1, "no 'gpc'", "Name the families"),
        ("  gpc: [sharing]\n", "  gpc: [sharing]\n  gpc: [sharing]\n", 6, "is declared twice", "keep one"),
        (
            VALID_TEXT[: VALID_TEXT.index("purposes")],
            "opt_outs: none\n",
            1,
            "opt_outs is not a mapping",
            "a mapping",
        ),
        (
            VALID_TEXT[VALID_TEXT.index("    needs") :],
            "    [1]\n",
            7,
            "is not a mapping",
            "'needs' and 'note'",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_line(
    tmp_path: Path, valid: str, broken: str, line: int, problem: str, correction: str
) -> None:
    assert valid in VALID_TEXT
    prefix = f"{tmp_path}:" if problem.startswith("no ") else f"{tmp_path / 'all.yaml'}:{line}: "
    reported = [
        message
        for message in load_problems(tmp_path, VALID_TEXT.replace(valid, broken, 1))
        if message.startswith(prefix)
    ]
    assert any(problem in message and correction in message.partition(problem)[2] for message in reported), (
        reported
    )


def test_a_purpose_in_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text(VALID_TEXT[VALID_TEXT.index("purposes") :], "utf-8")
    (problem,) = load_problems(tmp_path, VALID_TEXT)
    assert "personalize.content is declared in two files" in problem


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refusal:
        load_signals(CATALOGUE, tmp_path)
    assert "no *.yaml file here" in str(refusal.value)
