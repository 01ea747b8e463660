"""``discretion law``, as it is typed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from discretion.errors import Misconfigured
from discretion.law.command import commands
from tests.unit.law.small_law import SMALL, written

LAW = commands(lambda: date(2026, 11, 24))


def typed(*words: str, jurisdictions: Path | None = None) -> Result:
    """What a command prints."""
    environ = {"COLUMNS": "200", "NO_COLOR": "1"}
    if jurisdictions:
        environ["DISCRETION_JURISDICTIONS_DIR"] = str(jurisdictions)
    return CliRunner().invoke(LAW, words, env=environ)


def test_every_law_has_a_line() -> None:
    lines = typed("show").output.splitlines()
    (california,) = [line for line in lines if " us-ca " in line]
    assert [cell.strip() for cell in california.split("│")][1:-1] == [
        "us-ca",
        "California",
        "opt_out",
        "opt_out",
        "16",
        "bind",
        "45 cd",
    ]


def test_a_day_can_be_asked_for() -> None:
    (colorado,) = [
        line for line in typed("show", "--on", "2024-06-30").output.splitlines() if " us-co " in line
    ]
    assert "bind" not in colorado
    assert " 13 " in colorado


def test_a_law_is_shown_with_its_sources_and_doubts() -> None:
    shown = typed("show", "eu").output
    for words in (
        "GDPR Art. 6(1)",
        "Directive 2002/58/EC Art. 13(1)",
        "does not apply: Ages of single states",
        "1 mo from receipt, to a working day",
        "https://www.edpb.europa.eu/",
    ):
        assert words in " ".join(shown.replace("│", " ").split()), words


def test_a_day_is_said_with_its_rule() -> None:
    shown = typed("due", "eu", "--right", "access", "--received", "2026-01-31T10:00")
    assert shown.exit_code == 0
    assert "Monday, 2026-03-02" in shown.output
    assert "2026-03-02 23:59 Europe/Brussels" in shown.output
    assert "GDPR Art. 12(3)" in shown.output


def test_an_extension_says_by_when_to_tell_of_it() -> None:
    asked = ("due", "us-va", "--right", "access", "--received", "2026-01-31T10:00")
    shown = typed(*asked, "--extended", "2026-03-01T10:00").output
    assert "Friday, 2026-05-01" in shown
    assert "tell of the extension by  2026-03-17" in shown


def test_what_no_law_gives_is_said_so() -> None:
    shown = typed("due", "us-ia", "--right", "correction", "--received", "2026-03-03")
    assert shown.output.strip() == "Iowa gave no right of correction on 2026-03-03."


def test_a_key_nobody_knows_is_told_those_there_are() -> None:
    shown = typed("show", "atlantis")
    assert shown.exit_code == 2
    assert "There is no jurisdiction 'atlantis'; there are br, ca," in shown.output


def test_the_folder_of_jurisdictions_is_a_setting(tmp_path: Path) -> None:
    assert "Small" in typed("show", "at", jurisdictions=written(tmp_path)).output
    broken = typed("show", jurisdictions=written(tmp_path, SMALL.replace("opt_out", "optout")))
    assert isinstance(broken.exception, Misconfigured)
    assert broken.exception.code == "JURISDICTIONS_INVALID"


@pytest.mark.parametrize("command", ["show", "due"])
def test_help_teaches_what_each_option_is_for(command: str) -> None:
    assert "A jurisdiction, such as eu" in typed(command, "--help").output
