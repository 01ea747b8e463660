"""Another release and another catalogue do no harm: refused, or without effect, and never silent.

Each host is a process of its own. ``pytest -s`` prints what each of them was told.
"""

from __future__ import annotations

import base64
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo import MongoClient

import discretion
from tests.fixtures.server_process import run_command, run_refused_command, start_server
from tests.fixtures.waiting import WAIT_S
from tests.journeys.rule_changes import write_other_basis

SOURCE = Path(discretion.__file__).parent
WRITE = ("source", "key", "web-shop")
READ = ("rights", "list")


@pytest.fixture
def settings(mongo_url: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Yield the settings of hosts that share an empty database and a folder of keys."""
    name = f"journey_{secrets.token_hex(6)}"
    yield {
        "DISCRETION_MONGO_URL": mongo_url,
        "DISCRETION_MONGO_DATABASE": name,
        "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode(),
        "DISCRETION_BUCKETS": "64",
        "DISCRETION_DATA_DIR": str(tmp_path / "data"),
    }
    with MongoClient[dict[str, Any]](mongo_url) as client:
        client.drop_database(name)


def write_release(folder: Path, *, version: int) -> Sequence[str]:
    """Write a copy of this release with a changed schema, and return the command that runs it."""
    copy = folder / "src" / "discretion"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for shared in ("schema", "seed"):
        (folder / shared).symlink_to(SOURCE.parents[1] / shared)
    migrate = copy / "store" / "schema" / "migrate.py"
    migrate.write_text(
        migrate.read_text("utf-8").replace("SCHEMA_VERSION = 1", f"SCHEMA_VERSION = {version}"), "utf-8"
    )
    collections = copy / "store" / "schema" / "collections.py"
    text = collections.read_text("utf-8")
    source_key = '{"_id": TEXT, "kind": TEXT, "source": TEXT, "digest": BINARY}'
    assert source_key in text
    collections.write_text(text.replace(source_key, source_key[:-1] + ', "label": TEXT}'), "utf-8")
    program = (
        f"import sys; sys.path.insert(0, {str(folder / 'src')!r}); from discretion.cli import main; main()"
    )
    return (sys.executable, "-c", program)


def read_declared(settings: dict[str, str]) -> dict[str, Any]:
    """Return the options of every collection, and the rules that were put in force."""
    with MongoClient[dict[str, Any]](settings["DISCRETION_MONGO_URL"]) as client:
        database = client[settings["DISCRETION_MONGO_DATABASE"]]
        options: dict[str, Any] = {info["name"]: info["options"] for info in database.list_collections()}
        rulebooks = list(database["rulebooks"].find({}, {"version": 1}))
        return {"options": options, "rulebooks": rulebooks}


def report(case: str, message: str) -> None:
    """Print a row of the table."""
    sys.stdout.write(f"{case:<52} {message.splitlines()[0]}\n")


def test_another_release_changes_nothing_and_does_not_start(settings: dict[str, str], tmp_path: Path) -> None:
    """While a server of this release serves; only ``migrate`` moves the schema, and then this one stops."""
    key = run_command(settings, *WRITE)
    dump = str(tmp_path / "dump")
    run_command(settings, "backup", dump)
    before = read_declared(settings)
    newer = write_release(tmp_path / "newer", version=2)
    unreleased = write_release(tmp_path / "unreleased", version=1)
    with start_server(settings, tmp_path / "log") as server:
        for case, code, program in (
            ("a newer release lists requests", "SCHEMA_OLDER", newer),
            ("a build with other validators lists requests", "SCHEMA_DIFFERS", unreleased),
        ):
            message = run_refused_command(settings, *READ, program=program)
            report(case, message)
            assert message.startswith(code)
        assert read_declared(settings) == before
        sent = {"userId": "u", "messageId": "m", "traits": {"firstName": "Ann"}}
        answer = httpx.post(f"{server.url}/v1/identify", json=sent, auth=(key, ""))
        assert answer.status_code == 200
        moved = run_command(settings, "migrate", program=newer)
        assert moved == "The schema is moved from version 1 to 2."
        deadline = time.monotonic() + WAIT_S
        while server.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert server.process.returncode == 1
        log = (tmp_path / "log").read_text("utf-8")
        report("a running older server after the migration", log[log.rindex("SCHEMA_NEWER") :])
    for arguments in (READ, ("migrate",)):
        message = run_refused_command(settings, *arguments)
        report(f"the older release: {' '.join(arguments)}", message)
        assert message.startswith("SCHEMA_NEWER")
    run_command(settings, *READ, program=newer)
    message = run_refused_command(settings, "restore", dump, "--replace", program=newer)
    assert "BACKUP_SCHEMA_DIFFERS The dump" in message
    # Before it is the progress bar.
    report("a newer release restores an older dump", message[message.index("BACKUP_SCHEMA_DIFFERS") :])
    run_command(settings, *READ, program=newer)


def test_another_catalogue_is_not_put_in_force_by_a_command(settings: dict[str, str], tmp_path: Path) -> None:
    """Only by ``rules activate``, which shows the difference; the earlier rules then take nothing back."""
    run_command(settings, *WRITE)
    other = {**settings, "DISCRETION_CATALOGUE_DIR": str(write_other_basis(tmp_path))}
    before = read_declared(settings)
    message = run_refused_command(other, *WRITE)
    report("a new catalogue: source key", message)
    assert message.startswith("RULES_NOT_IN_FORCE")
    run_refused_command(other, "rules", "activate")  # nobody answers the question
    assert "recomputed" in run_command(other, "consent", "recompute", "--dry-run")
    assert read_declared(settings) == before
    difference = run_command(other, "rules", "activate", "--yes")
    report("a new catalogue: rules activate", "shows the difference and puts it in force")
    assert "basis: legitimate_interest -> consent" in difference
    assert "customers permit essential.service.security now" in difference
    run_command(other, *WRITE)
    active = read_declared(settings)
    assert len(active["rulebooks"]) == 2
    for arguments, code in ((WRITE, "RULES_SUPERSEDED"), (("rules", "activate", "--yes"), "RULES_RETIRED")):
        message = run_refused_command(settings, *arguments)
        report(f"the earlier catalogue: {' '.join(arguments)}", message)
        assert message.startswith(code)
    assert read_declared(settings) == active
    run_command(settings, "rules", "activate", "--yes", "--back")
    run_command(settings, *READ)
