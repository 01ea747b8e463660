"""``discretion notice``, ``ropa`` and ``schema check`` teach whoever changes what people are told."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from discretion.catalogue.load import shipped as shipped_catalogue
from discretion.cli import cli
from discretion.domain.notices.load import shipped
from discretion.domain.notices.wording import fingerprint
from discretion.errors import DiscretionError
from tests.unit.domain.notices.shipped_notices import CATALOGUE

EMAIL = "marketing.communications.email"


@pytest.fixture
def longer(tmp_path: Path) -> Path:
    """A copy of the shipped catalogue in which consent to e-mail lasts nine years."""
    folder = Path(shutil.copytree(shipped_catalogue(), tmp_path / "catalogue"))
    path = folder / "purposes.yaml"
    text = path.read_text("utf-8")
    head, mark, tail = text.partition(f"  {EMAIL}:\n")
    path.write_text(head + mark + tail.replace("lasts: P3Y", "lasts: P9Y", 1), "utf-8")
    return folder


@pytest.fixture
def notices(tmp_path: Path) -> Path:
    """A copy of the shipped notices."""
    return Path(shutil.copytree(shipped(), tmp_path / "notices"))


def run(*words: str, **settings: Path) -> Result:
    """A command, with these settings."""
    environ = {f"DISCRETION_{name.upper()}": str(path) for name, path in settings.items()}
    return CliRunner().invoke(cli, list(words), env={**environ, "COLUMNS": "200"})


def test_show_prints_the_notice_in_the_closest_language() -> None:
    done = run("notice", "show", "--jurisdiction", "ch", "--language", "de-CH")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"# Datenschutzerklärung von {CATALOGUE.controller}\n")
    assert "Federal Data Protection and Information Commissioner" in done.stdout


def test_show_says_which_jurisdictions_there_are() -> None:
    done = run("notice", "show", "--jurisdiction", "atlantis")
    assert isinstance(done.exception, DiscretionError)
    assert done.exception.code == "NOTICE_JURISDICTION_UNKNOWN"
    assert "us-ca" in done.exception.advice


def test_a_catalogue_that_says_something_else_takes_a_new_edition(longer: Path, notices: Path) -> None:
    """The check fails and says what to do; the edition that does it makes it pass."""
    assert run("schema", "check").exit_code == 0
    failed = run("schema", "check", catalogue_dir=longer, notices_dir=notices)
    assert failed.exit_code == 1
    assert "write a new edition" in failed.stderr
    shown = run("notice", "diff", catalogue_dir=longer, notices_dir=notices)
    assert f"purposes > {EMAIL} > lasts" in shown.stdout
    assert "P3Y" in shown.stdout
    assert "P9Y" in shown.stdout
    assert f"Purposes concerned: {EMAIL}\n" in shown.stdout


def test_what_is_to_be_translated_is_told_with_its_fingerprint(longer: Path, notices: Path) -> None:
    """Written beside the translation, it makes it count again."""
    path = longer / "purposes.yaml"
    path.write_text(path.read_text("utf-8").replace("label: Payment\n", "label: Paying\n"), "utf-8")
    told = run("notice", "diff", catalogue_dir=longer, notices_dir=notices).stdout
    key = "purposes > essential.service.payment_processing"
    (german,) = (one for one in told.splitlines() if one.startswith(f"To translate in de.yaml: {key}"))
    mark = german.rpartition("(of: ")[2].rstrip(")")
    old = CATALOGUE.purposes["essential.service.payment_processing"]
    before = fingerprint((old.label, old.description, old.meaning))
    words = notices / "de.yaml"
    words.write_text(words.read_text("utf-8").replace(before, mark), "utf-8")
    assert f"de.yaml: {key}" not in run("notice", "diff", catalogue_dir=longer, notices_dir=notices).stdout


def test_an_edition_that_is_not_printed_yet_is_told(notices: Path) -> None:
    (notices / "printed" / "1.json").unlink()
    failed = run("schema", "check", notices_dir=notices)
    assert failed.exit_code == 1
    assert "1.json is missing" in failed.stderr
    nothing = run("notice", "diff", notices_dir=notices)
    assert isinstance(nothing.exception, DiscretionError)
    assert nothing.exception.code == "NOTICE_NEVER_PRINTED"


def test_diff_compares_with_another_catalogue(longer: Path) -> None:
    done = run("notice", "diff", "--from-catalogue", str(longer), "--jurisdiction", "eu")
    assert f"purposes > {EMAIL} > lasts" in done.stdout
    assert run("notice", "diff").stdout == "The notice says the same.\n"
    unknown = run("notice", "diff", "--jurisdiction", "atlantis")
    assert isinstance(unknown.exception, DiscretionError)
    assert unknown.exception.code == "NOTICE_JURISDICTION_UNKNOWN"


def test_the_record_is_exported_in_each_format(tmp_path: Path) -> None:
    table = list(csv.reader(io.StringIO(run("ropa", "export").stdout, newline="")))
    assert len(table) == len(CATALOGUE.purposes) + 1
    assert len(json.loads(run("ropa", "export", "--format", "json").stdout)) == len(CATALOGUE.purposes)
    path = tmp_path / "record.jsonld"
    assert run("ropa", "export", "--format", "jsonld", "--output", str(path)).exit_code == 0
    assert len(json.loads(path.read_text("utf-8"))["dpv:hasProcess"]) == len(CATALOGUE.purposes)


def test_a_csv_in_a_file_has_the_line_ends_of_its_standard(tmp_path: Path) -> None:
    """RFC 4180: each line ends in CR LF, and only once."""
    path = tmp_path / "record.csv"
    run("ropa", "export", "--output", str(path))
    written = path.read_bytes()
    assert written.count(b"\r\n") == len(CATALOGUE.purposes) + 1
    assert b"\r\r" not in written
