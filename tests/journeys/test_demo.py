"""``discretion demo`` on an empty folder: it serves, says so, stops cleanly, and starts again at once."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from discretion import __version__
from tests.fixtures.demo import PROGRAM, demo


def test_the_demo_serves_what_it_says_and_starts_again(tmp_path: Path) -> None:
    """Tokens work, write keys work, ids and data outlive a restart, MongoDB is gone when it stops."""
    with (
        demo(tmp_path, "--customers", "20") as first,
        httpx.Client(base_url=first["url"], timeout=30) as http,
    ):
        assert http.get("/readyz").status_code == 200
        assert set(first["tokens"]) == {
            "frontend", "support", "marketing", "analytics", "partner", "customer", "steward",
        }  # fmt: skip
        assert set(first["writeKeys"]) == {"web", "store", "app"}
        for role, token in first["tokens"].items():
            answer = http.post(
                "/graphql",
                json={
                    "query": "{ customers(first: 500) { totalCount nodes { id identity { givenName } } } }"
                },
                headers={"authorization": f"Bearer {token}"},
            ).json()
            assert "errors" not in answer, role
            assert answer["data"]["customers"]["totalCount"] > 0, role
        own = {"query": "{ me { id contact { email } } }"}
        bearer = {"authorization": f"Bearer {first['tokens']['customer']}"}
        me = http.post("/graphql", json=own, headers=bearer).json()["data"]["me"]
        message = {"userId": "new", "traits": {"firstName": "New"}}
        told = http.post("/v1/identify", json=message, auth=(first["writeKeys"]["web"], ""))
        assert told.json()["accepted"] == 1
    assert not (tmp_path / "demo.json").exists()
    with (
        demo(tmp_path, "--customers", "20", stop=signal.SIGINT) as second,
        httpx.Client(base_url=second["url"]) as http,
    ):
        bearer = {"authorization": f"Bearer {second['tokens']['customer']}"}
        assert http.post("/graphql", json=own, headers=bearer).json()["data"]["me"] == me


def test_it_is_ready_when_everything_is_there(tmp_path: Path) -> None:
    """While it is being sown it lives and is not ready; ready, it has said how to ask."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = threading.Event()
    seen: list[int] = []

    def watch() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
            while not told.is_set() and seen[-1:] != [200]:
                with contextlib.suppress(httpx.TransportError):
                    seen.append(http.get("/readyz").status_code)
                    assert http.get("/healthz").status_code == 200
                    assert seen[-1] == 503 or (tmp_path / "demo.json").exists()
                time.sleep(0.02)

    with ThreadPoolExecutor() as pool:
        watching = pool.submit(watch)
        try:
            with demo(tmp_path, "--customers", "100", "--port", str(port)):
                watching.result(timeout=30)
        finally:
            told.set()
    assert (seen[0], seen[-1], set(seen)) == (503, 200, {200, 503})


def test_a_start_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    """A second demo on a folder or a port in use, be it a fresh one, leaves the first as it is."""
    with (
        demo(tmp_path, "--customers", "5") as first,
        httpx.Client(base_url=first["url"], timeout=30) as http,
    ):
        port = first["url"].rpartition(":")[2]
        kept = sorted(one.name for one in (tmp_path / "keys").iterdir())
        for options, code in (
            (("--port", "0", "--fresh"), "MONGO_FOLDER_IN_USE"),
            (("--port", port, "--fresh"), "PORT_TAKEN"),
            (("--port", port), "PORT_TAKEN"),
        ):
            refused = run("demo", "--data-dir", str(tmp_path), *options)
            assert (refused.returncode, code in refused.stderr) == (1, True), refused.stderr
            assert (tmp_path / "demo.json").exists()
            assert (tmp_path / "sown.json").exists()
            assert sorted(one.name for one in (tmp_path / "keys").iterdir()) == kept
        assert http.get("/readyz").status_code == 200
    with demo(tmp_path, "--customers", "3", "--fresh") as fresh:
        assert fresh["tokens"].keys() == first["tokens"].keys()


def test_fresh_removes_only_what_a_demo_has_sown(tmp_path: Path) -> None:
    """An installation of somebody's is not a demo, nor is a MongoDB of theirs."""
    (tmp_path / "mongo").mkdir()
    (tmp_path / "mongo" / "precious").touch()
    told = ("demo", "--fresh", "--port", "0", "--data-dir", str(tmp_path))
    for settings in ({}, {"DISCRETION_MONGO_URL": "mongodb://127.0.0.1:1"}):
        refused = run(*told, **settings)
        assert (refused.returncode, "FRESH_REFUSED" in refused.stderr) == (1, True), refused.stderr
        assert (tmp_path / "mongo" / "precious").exists()


def test_lost_keys_stop_the_start(tmp_path: Path) -> None:
    """New ones beside sealed data would hide the loss, and seal what comes in so that it cannot be joined."""
    with demo(tmp_path, "--customers", "3"):
        pass
    (tmp_path / "keys" / "buckets.keys").unlink()
    for command in ("serve", "demo"):
        refused = run(command, "--port", "0", "--data-dir", str(tmp_path))
        assert (refused.returncode, "KEYS_MISSING" in refused.stderr) == (1, True), refused.stderr
        assert not (tmp_path / "keys" / "buckets.keys").exists()
        assert "Traceback" not in refused.stderr
    (tmp_path / "sown.json").write_text("{")
    refused = run("demo", "--port", "0", "--data-dir", str(tmp_path))
    assert "Traceback" not in refused.stderr


def test_the_command_line_teaches() -> None:
    """``--help`` of every command, the version; a wrong port is an error that says so."""
    assert run("--version").stdout.strip() == __version__
    for words in (["--help"], ["demo", "--help"], ["serve", "--help"], ["token", "issue", "--help"]):
        shown = run(*words)
        assert shown.returncode == 0
        assert "Usage" in shown.stdout
    assert run("demo", "--port", "99999").returncode == 2


def test_an_operator_issues_a_token_without_a_database(tmp_path: Path) -> None:
    """``discretion token issue`` needs the keys only, and refuses what would not be accepted."""
    options = ["--client", "c", "--subject", "s", "--data-dir", str(tmp_path)]
    issued = run("token", "issue", "--purpose", "analytics.reporting", *options)
    assert issued.returncode == 0, issued.stderr
    assert issued.stdout.count(".") == 2
    for misspelt in (("--purpose", "espionage"), ("--category", "user.contat")):
        refused = run("token", "issue", "--purpose", "analytics.reporting", *misspelt, *options)
        assert refused.returncode == 1
        assert misspelt[1] in refused.stderr


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """With what is wrong and where, and no traceback."""
    (tmp_path / "file").touch()
    refused = run("token", "issue", "--client", "c", "--subject", "s", "--purpose", "analytics.reporting",
                  "--data-dir", str(tmp_path / "file"))  # fmt: skip
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
def test_a_wrong_setting_is_said_at_start(variable: str, value: str, code: str, tmp_path: Path) -> None:
    """One line with a stable code, and what to do next."""
    refused = run("serve", "--data-dir", str(tmp_path), **{variable: value})
    assert refused.returncode == 1
    assert code in refused.stderr
    assert "Traceback" not in refused.stderr


def run(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command line, with these settings."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DISCRETION_")}
    return subprocess.run(
        [*PROGRAM, *words],
        env={**environ, **settings, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
