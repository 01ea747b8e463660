"""``discretion demo`` on an empty folder: it serves, prints its access data, stops cleanly and restarts."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from discretion import __version__
from discretion.demo.roles import SHOWN_ACCOUNT
from tests.fixtures.demo import demo
from tests.fixtures.program import run_program
from tests.fixtures.waiting import WAIT_S


def test_the_demo_serves_its_data_and_restarts(tmp_path: Path) -> None:
    """Tokens and write keys work, ids and data survive a restart, MongoDB ends with the demo."""
    with (
        demo(tmp_path, "--customers", "20") as first_demo,
        httpx.Client(base_url=first_demo["url"], timeout=WAIT_S) as http,
    ):
        assert http.get("/readyz").status_code == 200
        assert set(first_demo["tokens"]) == {
            "frontend", "support", "marketing", "analytics", "partner", "customer", "steward",
        }  # fmt: skip
        assert set(first_demo["writeKeys"]) == {"web", "store", "app"}
        for role, token in first_demo["tokens"].items():
            answer = http.post(
                "/graphql",
                json={
                    "query": "{ customers(first: 500) { totalCount nodes { id identity { givenName } } } }"
                },
                headers={"authorization": f"Bearer {token}"},
            ).json()
            assert "errors" not in answer, role
            assert answer["data"]["customers"]["totalCount"] > 0, role
        own_query = {"query": "{ me { id contact { email } } }"}
        bearer = {"authorization": f"Bearer {first_demo['tokens']['customer']}"}
        own_data = http.post("/graphql", json=own_query, headers=bearer).json()["data"]["me"]
        message = {"userId": "new", "traits": {"firstName": "New"}}
        response = http.post("/v1/identify", json=message, auth=(first_demo["writeKeys"]["web"], ""))
        assert response.json()["accepted"] == 1
    assert not (tmp_path / "demo.json").exists()
    with (
        demo(tmp_path, "--customers", "20", stop=signal.SIGINT) as second_demo,
        httpx.Client(base_url=second_demo["url"]) as http,
    ):
        bearer = {"authorization": f"Bearer {second_demo['tokens']['customer']}"}
        assert http.post("/graphql", json=own_query, headers=bearer).json()["data"]["me"] == own_data


def test_the_demo_is_ready_only_after_seeding(tmp_path: Path) -> None:
    """During seeding it is alive and not ready; when it is ready, its access data is in demo.json."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    finished = threading.Event()
    statuses: list[int] = []

    def poll_readiness() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
            while not finished.is_set() and statuses[-1:] != [200]:
                with contextlib.suppress(httpx.TransportError):
                    statuses.append(http.get("/readyz").status_code)
                    assert http.get("/healthz").status_code == 200
                    assert statuses[-1] == 503 or (tmp_path / "demo.json").exists()
                time.sleep(0.02)

    with ThreadPoolExecutor() as pool:
        polling = pool.submit(poll_readiness)
        try:
            with demo(tmp_path, "--customers", "100", "--port", str(port)):
                polling.result(timeout=WAIT_S)
        finally:
            finished.set()
    assert (statuses[0], statuses[-1], set(statuses)) == (503, 200, {200, 503})


def test_a_refused_start_changes_nothing(tmp_path: Path) -> None:
    """A second demo on a folder or port in use, with or without ``--fresh``, leaves the first unchanged."""
    with (
        demo(tmp_path, "--customers", "5") as first_demo,
        httpx.Client(base_url=first_demo["url"], timeout=WAIT_S) as http,
    ):
        port = first_demo["url"].rpartition(":")[2]
        key_files = sorted(path.name for path in (tmp_path / "keys").iterdir())
        for options, code in (
            (("--port", "0", "--fresh"), "MONGO_FOLDER_IN_USE"),
            (("--port", port, "--fresh"), "PORT_TAKEN"),
            (("--port", port), "PORT_TAKEN"),
        ):
            refused = run_command("demo", "--data-dir", str(tmp_path), *options)
            assert (refused.returncode, code in refused.stderr) == (1, True), refused.stderr
            assert (tmp_path / "demo.json").exists()
            assert (tmp_path / "sown.json").exists()
            assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == key_files
        assert http.get("/readyz").status_code == 200
    with demo(tmp_path, "--customers", "3", "--fresh") as fresh_demo:
        assert fresh_demo["tokens"].keys() == first_demo["tokens"].keys()


def test_fresh_deletes_only_seeded_demo_data(tmp_path: Path) -> None:
    """It deletes neither another installation's folder nor another MongoDB."""
    (tmp_path / "mongo").mkdir()
    (tmp_path / "mongo" / "precious").touch()
    arguments = ("demo", "--fresh", "--port", "0", "--data-dir", str(tmp_path))
    for settings in ({}, {"DISCRETION_MONGO_URL": "mongodb://127.0.0.1:1"}):
        refused = run_command(*arguments, **settings)
        assert (refused.returncode, "FRESH_REFUSED" in refused.stderr) == (1, True), refused.stderr
        assert (tmp_path / "mongo" / "precious").exists()


def test_the_demo_restarts_after_its_customer_has_refused_everything(tmp_path: Path) -> None:
    """Roles that may no longer see the customer get no row of values in the table."""
    refuse = """mutation { withdrawConsent(purposes: ["marketing"]) { receipts { id } }
        objectTo(purposes: ["analytics"]) { receipts { id } } requestRestriction { state } }"""
    with demo(tmp_path, "--customers", "0") as first_demo:
        assert "errors" not in ask(first_demo["url"], first_demo["tokens"]["customer"], refuse)
    with demo(tmp_path, "--customers", "0") as second_demo:
        assert second_demo["greta"] == first_demo["greta"]


def test_a_demo_whose_customer_was_erased_is_started_over(tmp_path: Path) -> None:
    """The refusal names ``--fresh``, which removes the erasure ledger together with the keys that sign it."""
    arguments = ("--customers", "0", "--data-dir", str(tmp_path))
    with demo(tmp_path, "--customers", "0") as first_demo:
        login = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        who = ("--client", "customer-app", "--subject", SHOWN_ACCOUNT)
        issued = run_command(
            *("token", "issue", *who, "--purpose", "self", "--auth-time", login, "--data-dir", str(tmp_path))
        )
        token = issued.stdout.strip()
        ask(first_demo["url"], token, "mutation { requestErasure { id } }")
        ledger = tmp_path / "erasures" / "ledger.jsonl"
        deadline = time.monotonic() + WAIT_S
        while not ledger.exists():
            assert time.monotonic() < deadline, "the erasure is not carried out"
            time.sleep(0.05)
    refused = run_command("demo", "--port", "0", *arguments)
    assert (refused.returncode, "DEMO_CUSTOMER_ERASED" in refused.stderr) == (1, True), refused.stderr
    assert "--fresh" in refused.stderr
    with demo(tmp_path, "--customers", "0", "--fresh") as fresh_demo:
        assert not ledger.exists()
        assert fresh_demo["tokens"].keys() == first_demo["tokens"].keys()


def ask(url: str, token: str, query: str) -> dict[str, Any]:
    """Send a query and return the response body."""
    response = httpx.post(
        f"{url}/graphql", json={"query": query}, headers={"authorization": f"Bearer {token}"}, timeout=WAIT_S
    )
    body: dict[str, Any] = response.json()
    return body


def test_missing_keys_prevent_the_start(tmp_path: Path) -> None:
    """New keys beside sealed data would hide the loss, and new data could not be joined with the old."""
    with demo(tmp_path, "--customers", "3"):
        pass
    (tmp_path / "keys" / "buckets.keys").unlink()
    for command in ("serve", "demo"):
        refused = run_command(command, "--port", "0", "--data-dir", str(tmp_path))
        assert (refused.returncode, "KEYS_MISSING" in refused.stderr) == (1, True), refused.stderr
        assert not (tmp_path / "keys" / "buckets.keys").exists()
        assert "Traceback" not in refused.stderr
    (tmp_path / "sown.json").write_text("{")
    refused = run_command("demo", "--port", "0", "--data-dir", str(tmp_path))
    assert "Traceback" not in refused.stderr


def test_help_and_version_are_printed() -> None:
    """``--help`` of each command, the version; an invalid port is a usage error."""
    assert run_command("--version").stdout.strip() == __version__
    for arguments in (["--help"], ["demo", "--help"], ["serve", "--help"], ["token", "issue", "--help"]):
        result = run_command(*arguments)
        assert result.returncode == 0
        assert "Usage" in result.stdout
    assert run_command("demo", "--port", "99999").returncode == 2


def test_an_operator_issues_a_token_without_a_database(tmp_path: Path) -> None:
    """``discretion token issue`` needs only the keys, and refuses unknown purposes and categories."""
    options = ["--client", "c", "--subject", "s", "--data-dir", str(tmp_path)]
    issued = run_command("token", "issue", "--purpose", "analytics.reporting", *options)
    assert issued.returncode == 0, issued.stderr
    assert issued.stdout.count(".") == 2
    for misspelt in (("--purpose", "espionage"), ("--category", "user.contat")):
        refused = run_command("token", "issue", "--purpose", "analytics.reporting", *misspelt, *options)
        assert refused.returncode == 1
        assert misspelt[1] in refused.stderr


def test_an_unwritable_folder_is_reported(tmp_path: Path) -> None:
    """With a stable code and no traceback."""
    (tmp_path / "file").touch()
    options = ["--client", "c", "--subject", "s", "--data-dir", str(tmp_path / "file")]
    refused = run_command("token", "issue", "--purpose", "analytics.reporting", *options)
    assert (refused.returncode, "FILE_UNUSABLE" in refused.stderr) == (1, True)
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("DISCRETION_PORT", "eighty", "SETTING_INVALID"),
        ("DISCRETION_ROOT_KEY", "short", "SETTING_INVALID"),
        ("DISCRETION_MONGO_DRIVER", "mysql", "SETTING_INVALID"),
        ("DISCRETION_MONGO_URL", "mongodb://127.0.0.1:1", "ROOT_KEY_MISSING"),
        ("DISCRETION_CATALOGUE_DIR", "/nowhere", "CATALOGUE_INVALID"),
        ("DISCRETION_MONGO_DATABASE", "bad name/.", "SETTING_INVALID"),
        ("DISCRETION_HOST", "no.such.host.invalid", "HOST_UNKNOWN"),
        ("DISCRETION_PROT", "8", "SETTING_UNKNOWN"),
    ],
)
def test_an_invalid_setting_is_reported_at_start(
    variable: str, value: str, code: str, tmp_path: Path
) -> None:
    """With a stable code and no traceback."""
    refused = run_command("serve", "--data-dir", str(tmp_path), **{variable: value})
    assert refused.returncode == 1
    assert code in refused.stderr
    assert "Traceback" not in refused.stderr


def run_command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with these settings."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DISCRETION_")}
    return run_program(arguments, {**environ, **settings, "COLUMNS": "200"})
