"""A host with other keys does no harm: it does not start, and says why and what to do."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo import MongoClient

from discretion.seal.key_ring import BucketRecord, KeyRing
from tests.fixtures.platform import PlatformUnderTest
from tests.fixtures.server_process import (
    launch_server,
    run_command,
    run_refused_command,
    start_server,
)
from tests.fixtures.waiting import WAIT_S
from tests.journeys.rule_changes import GERMANY, build_introduction_message

ROOT_KEY_TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


@pytest.fixture
def settings(mongo_url: str) -> Iterator[dict[str, str]]:
    """Yield the settings of hosts that share an empty database; each adds a data folder."""
    name = f"journey_{secrets.token_hex(6)}"
    yield {
        "DISCRETION_MONGO_URL": mongo_url,
        "DISCRETION_MONGO_DATABASE": name,
        "DISCRETION_ROOT_KEY": ROOT_KEY_TEXT,
        "DISCRETION_BUCKETS": "64",
    }
    with MongoClient[dict[str, Any]](mongo_url) as client:
        for database in (name, f"{name}_other"):
            client.drop_database(database)


def at_host(settings: dict[str, str], folder: Path) -> dict[str, str]:
    """Return the settings of a host with this data folder."""
    return {**settings, "DISCRETION_DATA_DIR": str(folder)}


def test_of_two_first_starts_with_keys_of_their_own_one_serves(
    settings: dict[str, str], tmp_path: Path
) -> None:
    """Both start at once on an empty database; the loser also loses every later start."""
    hosts = [at_host(settings, tmp_path / name) for name in ("a", "b")]
    logs = [tmp_path / "a.log", tmp_path / "b.log"]
    with launch_server(hosts[0], logs[0]) as first, launch_server(hosts[1], logs[1]) as second:
        processes = (first, second)
        deadline = time.monotonic() + WAIT_S
        while all(process.poll() is None for process in processes) and time.monotonic() < deadline:
            time.sleep(0.05)
        refused = next(number for number in (0, 1) if processes[number].poll() is not None)
        assert processes[refused].returncode == 1
        while "Serving on" not in logs[1 - refused].read_text("utf-8"):
            assert processes[1 - refused].poll() is None
            assert time.monotonic() < deadline, logs[1 - refused].read_text("utf-8")
            time.sleep(0.05)
        message = logs[refused].read_text("utf-8")
        # The slower one has made its keys before it meets the other's, or it makes none.
        assert message.startswith(("KEYS_DIFFER", "KEYS_MISSING"))
        assert "folder of keys" in message
        again = run_refused_command(hosts[refused], "rights", "list")
        assert again.startswith(("KEYS_DIFFER The bucket keys and the signing keys", "KEYS_MISSING"))
        assert run_command(hosts[1 - refused], "source", "key", "web-shop")


def test_a_host_that_has_lost_its_keys_makes_no_new_ones(settings: dict[str, str], tmp_path: Path) -> None:
    """A volume that is not kept; also if a single file is missing. The keys that come back are accepted."""
    host = at_host(settings, tmp_path / "a")
    run_command(host, "source", "key", "web-shop")
    keys = tmp_path / "a" / "keys"
    shutil.copytree(keys, tmp_path / "backup")
    for lost in ("buckets.keys", "signing.keys"):
        (keys / lost).unlink()
        message = run_refused_command(host, "source", "key", "web-shop")
        assert message.startswith("KEYS_MISSING")
        assert lost in message.replace("\n", "")
        assert not (keys / lost).exists()
        shutil.copy(tmp_path / "backup" / lost, keys / lost)
    other = at_host(settings, tmp_path / "b")
    other["DISCRETION_MONGO_DATABASE"] += "_other"
    run_command(other, "rights", "list")
    shutil.copy(tmp_path / "b" / "keys" / "signing.keys", keys / "signing.keys")
    assert run_refused_command(host, "rights", "list").startswith("KEYS_DIFFER The signing keys of this host")
    shutil.copy(tmp_path / "backup" / "signing.keys", keys / "signing.keys")
    run_command(host, "rights", "list")


def test_lost_signing_keys_are_replaced_on_purpose(settings: dict[str, str], tmp_path: Path) -> None:
    """Each refusal names the command. Afterwards customers are read as before, and earlier tokens end."""
    host = at_host(settings, tmp_path / "a")
    issue = ("token", "issue", "--client", "shop-frontend", "--purpose", "functional.service")
    key, token = run_command(host, "source", "key", "web-shop"), run_command(host, *issue)
    with start_server(host, tmp_path / "log") as server:
        traits = {"firstName": "Eva"}
        sent = {"userId": "eva", "messageId": "m", "traits": traits}
        assert httpx.post(f"{server.url}/v1/identify", json=sent, auth=(key, "")).status_code == 200
        assert read_names(server.url, token) == ["Eva"]
    (tmp_path / "a" / "keys" / "signing.keys").unlink()
    for command in (("serve", "--port", "0"), issue, ("keys", "list"), ("keys", "rotate")):
        message = run_refused_command(host, *command)
        assert message.startswith("KEYS_MISSING")
        assert "discretion migrate --accept-signing-keys" in " ".join(message.split())
    run_command(host, "migrate", "--accept-signing-keys")
    with start_server(host, tmp_path / "log") as server:
        assert read_names(server.url, token) == "TOKEN_KEY_UNKNOWN"
        assert read_names(server.url, run_command(host, *issue)) == ["Eva"]


def read_names(url: str, token: str) -> list[str] | str:
    """Return the given names of all customers, or the code of the refusal."""
    answer = httpx.post(
        f"{url}/graphql",
        json={"query": "{ customers(first: 5) { nodes { identity { givenName } } } }"},
        headers={"authorization": f"Bearer {token}"},
    ).json()
    if "errors" in answer:
        code: str = answer["errors"][0]["extensions"]["code"]
        return code
    return [node["identity"]["givenName"] for node in answer["data"]["customers"]["nodes"]]


async def test_a_server_whose_keys_open_no_customer_is_not_ready(platform: PlatformUnderTest) -> None:
    """The key folder was exchanged while the server runs; ready again once the right keys are back."""
    for name in ("eva", "nils"):
        await platform.send_messages("web-shop", build_introduction_message(name, place=GERMANY))
    assert (await platform.http.get("/readyz")).status_code == 200
    buckets = platform.internals.discloser.revealer.buckets
    right = buckets.ring
    wrong = {
        "other keys": [BucketRecord(1, secrets.token_bytes(32)) for _ in range(right.count)],
        "other generations": [BucketRecord(7, secrets.token_bytes(32)) for _ in range(right.count)],
    }
    for case, records in wrong.items():
        buckets.file.write(KeyRing.from_records(right.id, records))
        buckets.reload_if_changed()
        for bucket in range(right.count):
            buckets._destroyed_until.clear()
            buckets._ciphers.pop((bucket, 1), None)
        answer = await platform.http.get("/readyz")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "KEYS_UNREADABLE"), case
        assert (await platform.http.get("/healthz")).status_code == 200
        buckets.file.write(right)
        assert (await platform.http.get("/readyz")).status_code == 200
