"""The commands of ``discretion law``."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from discretion.errors import Misconfigured
from discretion.law.command import build_commands
from tests.unit.law.small_law import SMALL_LAW, write_jurisdictions

COMMANDS = build_commands(lambda: date(2026, 11, 24))


def run_command(*arguments: str, jurisdictions: Path | None = None) -> Result:
    """Run a command, with its output as a terminal of 200 columns without colour shows it."""
    environ = {"COLUMNS": "200", "NO_COLOR": "1"}
    if jurisdictions:
        environ["DISCRETION_JURISDICTIONS_DIR"] = str(jurisdictions)
    return CliRunner().invoke(COMMANDS, arguments, env=environ)


def test_every_law_has_a_line() -> None:
    lines = run_command("show").output.splitlines()
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


def test_the_laws_of_a_day_are_shown() -> None:
    (colorado,) = [
        line for line in run_command("show", "--on", "2024-06-30").output.splitlines() if " us-co " in line
    ]
    assert "bind" not in colorado
    assert " 13 " in colorado


def test_a_law_is_shown_with_its_sources_and_uncertainties() -> None:
    shown = run_command("show", "eu").output
    for expected in (
        "GDPR Art. 6(1)",
        "Directive 2002/58/EC Art. 13(1)",
        "does not apply: Ages of single states",
        "1 mo from receipt, to a working day",
        "https://www.edpb.europa.eu/",
    ):
        assert expected in " ".join(shown.replace("│", " ").split()), expected


def test_a_due_date_is_shown_with_its_rule() -> None:
    shown = run_command("due", "eu", "--right", "access", "--received", "2026-01-31T10:00")
    assert shown.exit_code == 0
    assert "Monday, 2026-03-02" in shown.output
    assert "2026-03-02 23:59 Europe/Brussels" in shown.output
    assert "GDPR Art. 12(3)" in shown.output


def test_an_extension_is_shown_with_the_last_day_to_announce_it() -> None:
    arguments = ("due", "us-va", "--right", "access", "--received", "2026-01-31T10:00")
    shown = run_command(*arguments, "--extended", "2026-03-01T10:00").output
    assert "Friday, 2026-05-01" in shown
    assert "announce an extension by  2026-03-17" in shown


def test_a_right_that_the_law_does_not_give_is_reported() -> None:
    shown = run_command("due", "us-ia", "--right", "correction", "--received", "2026-03-03")
    assert shown.output.strip() == "Iowa gave no right of correction on 2026-03-03."


def test_an_unknown_jurisdiction_is_refused_with_the_known_ones() -> None:
    shown = run_command("show", "atlantis")
    assert shown.exit_code == 2
    assert "There is no jurisdiction 'atlantis'; there are br, ca," in shown.output


def test_the_folder_of_jurisdictions_is_a_setting(tmp_path: Path) -> None:
    assert "Small" in run_command("show", "at", jurisdictions=write_jurisdictions(tmp_path)).output
    broken = run_command(
        "show", jurisdictions=write_jurisdictions(tmp_path, SMALL_LAW.replace("opt_out", "optout"))
    )
    assert isinstance(broken.exception, Misconfigured)
    assert broken.exception.code == "JURISDICTIONS_INVALID"


@pytest.mark.parametrize("command", ["show", "due"])
def test_help_explains_each_option(command: str) -> None:
    assert "A jurisdiction, such as eu" in run_command(command, "--help").output
