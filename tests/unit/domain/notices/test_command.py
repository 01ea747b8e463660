"""``discretion notice``, ``ropa`` and ``schema check`` guide a change of what the privacy notice states."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from discretion.catalogue.load import find_shipped_catalogue
from discretion.cli import cli
from discretion.domain.notices.load import find_shipped_notices
from discretion.domain.notices.wording import compute_fingerprint
from discretion.errors import DiscretionError
from tests.unit.domain.notices.shipped_notices import CATALOGUE, TEMPLATES

EMAIL = "marketing.communications.email"


@pytest.fixture
def longer_catalogue(tmp_path: Path) -> Path:
    """A copy of the shipped catalogue in which consent to e-mail lasts nine years."""
    folder = Path(shutil.copytree(find_shipped_catalogue(), tmp_path / "catalogue"))
    path = folder / "purposes.yaml"
    text = path.read_text("utf-8")
    head, mark, tail = text.partition(f"  {EMAIL}:\n")
    path.write_text(head + mark + tail.replace("lasts: P3Y", "lasts: P9Y", 1), "utf-8")
    return folder


@pytest.fixture
def notices(tmp_path: Path) -> Path:
    """A copy of the shipped notices."""
    return Path(shutil.copytree(find_shipped_notices(), tmp_path / "notices"))


def run_command(*arguments: str, **settings: Path) -> Result:
    """Run a command with these settings."""
    environ = {f"DISCRETION_{name.upper()}": str(path) for name, path in settings.items()}
    return CliRunner().invoke(cli, list(arguments), env={**environ, "COLUMNS": "200"})


def test_show_prints_the_notice_in_the_closest_language() -> None:
    result = run_command("notice", "show", "--jurisdiction", "ch", "--language", "de-CH")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"# Datenschutzerklärung von {CATALOGUE.controller}\n")
    assert "Federal Data Protection and Information Commissioner" in result.stdout


def test_show_lists_the_known_jurisdictions() -> None:
    result = run_command("notice", "show", "--jurisdiction", "atlantis")
    assert isinstance(result.exception, DiscretionError)
    assert result.exception.code == "NOTICE_JURISDICTION_UNKNOWN"
    assert "us-ca" in result.exception.advice


def test_a_changed_catalogue_requires_a_new_edition(longer_catalogue: Path, notices: Path) -> None:
    """The check fails and advises a new edition; the comparison lists the changed fact."""
    assert run_command("schema", "check").exit_code == 0
    check = run_command("schema", "check", catalogue_dir=longer_catalogue, notices_dir=notices)
    assert check.exit_code == 1
    assert "add a new edition" in check.stderr
    diff = run_command("notice", "diff", catalogue_dir=longer_catalogue, notices_dir=notices)
    assert f"purposes > {EMAIL} > lasts" in diff.stdout
    assert "P3Y" in diff.stdout
    assert "P9Y" in diff.stdout
    assert f"Purposes concerned: {EMAIL}\n" in diff.stdout


def test_a_missing_translation_is_reported_with_its_fingerprint(
    longer_catalogue: Path, notices: Path
) -> None:
    """Written beside the translation, the fingerprint makes it current again."""
    path = longer_catalogue / "purposes.yaml"
    path.write_text(path.read_text("utf-8").replace("label: Payment\n", "label: Paying\n"), "utf-8")
    output = run_command("notice", "diff", catalogue_dir=longer_catalogue, notices_dir=notices).stdout
    key = "purposes > essential.service.payment_processing"
    (german_line,) = (
        line for line in output.splitlines() if line.startswith(f"To translate in de.yaml: {key}")
    )
    fingerprint = german_line.rpartition("(of: ")[2].rstrip(")")
    purpose = CATALOGUE.purposes["essential.service.payment_processing"]
    old_fingerprint = compute_fingerprint((purpose.label, purpose.description, purpose.meaning))
    wording_path = notices / "de.yaml"
    wording_path.write_text(wording_path.read_text("utf-8").replace(old_fingerprint, fingerprint), "utf-8")
    assert (
        f"de.yaml: {key}"
        not in run_command("notice", "diff", catalogue_dir=longer_catalogue, notices_dir=notices).stdout
    )


def test_an_edition_that_is_not_printed_yet_is_reported(notices: Path) -> None:
    for printed in (notices / "printed").iterdir():
        printed.unlink()
    check = run_command("schema", "check", notices_dir=notices)
    assert check.exit_code == 1
    assert f"{TEMPLATES.editions[-1].version}.json is missing" in check.stderr
    diff = run_command("notice", "diff", notices_dir=notices)
    assert isinstance(diff.exception, DiscretionError)
    assert diff.exception.code == "NOTICE_NEVER_PRINTED"


def test_diff_compares_with_another_catalogue(longer_catalogue: Path) -> None:
    result = run_command("notice", "diff", "--from-catalogue", str(longer_catalogue), "--jurisdiction", "eu")
    assert f"purposes > {EMAIL} > lasts" in result.stdout
    assert run_command("notice", "diff").stdout == "The notice has the same facts.\n"
    unknown = run_command("notice", "diff", "--jurisdiction", "atlantis")
    assert isinstance(unknown.exception, DiscretionError)
    assert unknown.exception.code == "NOTICE_JURISDICTION_UNKNOWN"


def test_the_record_is_exported_in_each_format(tmp_path: Path) -> None:
    table = list(csv.reader(io.StringIO(run_command("ropa", "export").stdout, newline="")))
    assert len(table) == len(CATALOGUE.purposes) + 1
    assert len(json.loads(run_command("ropa", "export", "--format", "json").stdout)) == len(
        CATALOGUE.purposes
    )
    path = tmp_path / "record.jsonld"
    assert run_command("ropa", "export", "--format", "jsonld", "--output", str(path)).exit_code == 0
    assert len(json.loads(path.read_text("utf-8"))["dpv:hasProcess"]) == len(CATALOGUE.purposes)


def test_a_csv_file_has_the_line_ends_of_rfc_4180(tmp_path: Path) -> None:
    """Each line ends in CR LF, and only once."""
    path = tmp_path / "record.csv"
    run_command("ropa", "export", "--output", str(path))
    content = path.read_bytes()
    assert content.count(b"\r\n") == len(CATALOGUE.purposes) + 1
    assert b"\r\r" not in content
