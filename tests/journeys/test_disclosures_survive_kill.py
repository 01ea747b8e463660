"""Whoever saw a person is listed after a kill -9, also if only the ledger's entry was written before it."""

from __future__ import annotations

import base64
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo import MongoClient

from tests.fixtures.server_process import ServerProcess, run_command, start_server

EMAIL = "ann@shop.example"
READ_ONE = f'{{ customer(identifier: {{type: "email", value: "{EMAIL}"}}) {{ identity {{ givenName }} }} }}'
READ_ALL = "{ customers(first: 5) { nodes { identity { givenName } } } }"
"""A disclosure about several people; only such an entry has postings."""
LIST_DISCLOSURES = """query($after: String) { me { disclosures(first: 100, after: $after) {
  nodes { receipt client } pageInfo { hasNextPage endCursor } } } }"""
KILLED_AFTER_S = (0.0, 0.4, 1.3)
"""The entry about several people is found by a scan for a second, and by its postings then."""
POSTINGS_WRITTEN_S = 3.0


@pytest.fixture
def settings(mongo_url: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Yield the settings of a server with an empty database."""
    name = f"journey_{secrets.token_hex(6)}"
    yield {
        "DISCRETION_MONGO_URL": mongo_url,
        "DISCRETION_MONGO_DATABASE": name,
        "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode(),
        "DISCRETION_DATA_DIR": str(tmp_path / "data"),
        "DISCRETION_BUCKETS": "64",
    }
    with MongoClient[dict[str, Any]](mongo_url) as client:
        client.drop_database(name)


def query(url: str, text: str, token: str, **variables: Any) -> dict[str, Any]:
    """Return the answer to a query."""
    response = httpx.post(
        f"{url}/graphql",
        json={"query": text, "variables": variables},
        headers={"authorization": f"Bearer {token}"},
        timeout=30,
    )
    answer: dict[str, Any] = response.json()
    assert "errors" not in answer, answer
    return answer


@dataclass
class Reader:
    """Reads Ann's name again and again, alone and in a list; ``receipts`` are those that arrived."""

    token: str
    receipts: list[str] = field(default_factory=list)

    def read_until_cut_off(self, url: str) -> None:
        """Read until the server dies."""
        try:
            for text in cycle((READ_ALL, READ_ONE)):
                answer = query(url, text, self.token)
                self.receipts.append(answer["extensions"]["disclosure"]["receipt"])
        except httpx.HTTPError:
            return


def list_receipts(url: str, token: str, client: str) -> list[str]:
    """Return the receipts of all disclosures to a client, as the customer reads them."""
    receipts, after = [], None
    while True:
        page = query(url, LIST_DISCLOSURES, token, after=after)["data"]["me"]["disclosures"]
        receipts += [node["receipt"] for node in page["nodes"] if node["client"] == client]
        if not page["pageInfo"]["hasNextPage"]:
            return receipts
        after = page["pageInfo"]["endCursor"]


def test_a_person_sees_every_disclosure_that_was_answered_before_a_kill(
    settings: dict[str, str], tmp_path: Path
) -> None:
    """Each once, at once after the restart and when its postings are written; and at most the one more
    whose answer was cut off in each round."""
    issue, log = ("token", "issue", "--client"), tmp_path / "log"
    key = run_command(settings, "source", "key", "web-shop")
    purpose = ("--purpose", "essential.service.operations.support")
    support = ("support-desk", *purpose)
    reader = Reader(run_command(settings, *issue, *support))
    port, person = 0, ""
    for number, delay_s in enumerate(KILLED_AFTER_S):
        with start_server(settings, log, port) as server:
            port = server.port
            if not person:
                send_people(server.url, key)
                person = run_command(
                    settings, *issue, "customer-app", "--purpose", "self", "--subject", "Ann"
                )
            check_receipts(list_receipts(server.url, person, "support-desk"), reader, number)
            read_and_kill(server, reader, delay_s)
    with start_server(settings, log, port) as server:
        for _ in range(2):
            check_receipts(list_receipts(server.url, person, "support-desk"), reader, len(KILLED_AFTER_S))
            time.sleep(POSTINGS_WRITTEN_S)


def send_people(url: str, key: str) -> None:
    """Send Ann and somebody else."""
    for name, email in (("Ann", EMAIL), ("Bob", "bob@shop.example")):
        sent = {"userId": name, "messageId": name, "traits": {"firstName": name, "email": email}}
        answer = httpx.post(f"{url}/v1/identify", json=sent, auth=(key, ""), timeout=30)
        assert answer.status_code == 200


def read_and_kill(server: ServerProcess, reader: Reader, delay_s: float) -> None:
    """Read for a while, at least once each way, and kill the server while it answers."""
    before = len(reader.receipts)
    reading = threading.Thread(target=reader.read_until_cut_off, args=(server.url,))
    reading.start()
    while len(reader.receipts) < before + 2:
        assert reading.is_alive()
        time.sleep(0.001)
    time.sleep(delay_s)
    server.kill()
    reading.join()


def check_receipts(listed: list[str], reader: Reader, cut_off: int) -> None:
    """Check that everything that was answered is listed once, and little else."""
    assert len(listed) == len(set(listed))
    assert set(reader.receipts) <= set(listed)
    assert len(listed) <= len(reader.receipts) + cut_off
