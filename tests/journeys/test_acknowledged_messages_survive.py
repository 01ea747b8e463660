"""Acknowledged messages are stored exactly once whatever process dies under load; others can be sent again.

MongoDB runs in a process of its own, so that each process can be killed while the other lives.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from discretion.store.embedded import mongo_server as embedded
from discretion.store.embedded.mongo_server import EmbeddedMongo
from tests.fixtures.senders import (
    ANSWERED_STATUS,
    BUSY_STATUS,
    RequestFactory,
    SendLog,
    SentRequest,
    keep_sending,
    list_requests_under_way,
)
from tests.fixtures.server_process import ServerProcess, run_command, start_server
from tests.fixtures.waiting import WAIT_S

SOURCES = ("web-shop", "tills")
CUSTOMERS = 6
SENDERS = 4
BATCH_SIZE = 30
UNDER_LOAD = 300
"""Messages to acknowledge before the failure, and again after it."""

ORDERS = """query($who: IdentifierInput!, $after: String) { customer(identifier: $who) {
  commerce { orderCount } events(first: 500, after: $after) {
    nodes { properties } pageInfo { hasNextPage endCursor } } } }"""


class Installation:
    """MongoDB, settings, write keys and a token.

    The event loop belongs to this thread: mongod dies with the thread that started it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "server.log"
        self._loop = asyncio.new_event_loop()
        self.mongo: EmbeddedMongo = self._start_mongod()
        root = base64.urlsafe_b64encode(bytes(range(32))).decode()
        self.settings = {
            "DISCRETION_MONGO_URL": self.mongo.url,
            "DISCRETION_ROOT_KEY": root,
            "DISCRETION_DATA_DIR": str(folder),
        }
        self.keys = {source: run_command(self.settings, "source", "key", source) for source in SOURCES}
        support = ("--purpose", "essential.service.operations.support", "--scope", "steward")
        self.token = run_command(self.settings, "token", "issue", "--client", "c", "--subject", "s", *support)

    def _start_mongod(self) -> EmbeddedMongo:
        return self._loop.run_until_complete(embedded.start_embedded_mongo(self.folder / "mongo"))

    def kill_mongo(self) -> None:
        """Kill mongod with SIGKILL."""
        os.kill(self.mongo.pid, signal.SIGKILL)
        self.stop_mongo(self.mongo)

    def start_mongo(self) -> None:
        """Start mongod on the same data at the same address."""
        url, self.mongo = self.mongo.url, self._start_mongod()
        assert self.mongo.url == url

    def stop_mongo(self, mongo: EmbeddedMongo) -> None:
        """Wait until mongod has ended."""
        self._loop.run_until_complete(mongo.stop())

    def stop(self) -> None:
        """Stop MongoDB and close the event loop."""
        self.stop_mongo(self.mongo)
        self._loop.close()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for all failures; each test creates customers of its own."""
    running_installation = Installation(tmp_path_factory.mktemp("kept"))
    try:
        yield running_installation
    finally:
        running_installation.stop()


class Population:
    """Customers with a web record and a store record, and the orders that all senders send for them."""

    def __init__(self, name: str, installation: Installation) -> None:
        self._name = name
        self._installation = installation

    def send_identities(self, url: str) -> None:
        """Send both records of each customer; the account confirms the card, so that they merge."""
        for source in SOURCES:
            batch = [
                {
                    "type": "identify",
                    "messageId": f"{self._name}-{source}-{index}",
                    "userId": self._user(source, index),
                    "traits": {"email": f"{self._name}.{index}@post.example"},
                    "context": self._build_context(source, index),
                }
                for index in range(CUSTOMERS)
            ]
            auth = (self._installation.keys[source], "")
            answer = httpx.post(f"{url}/v1/batch", json={"batch": batch}, auth=auth, timeout=WAIT_S)
            assert answer.json()["accepted"] == CUSTOMERS, answer.text

    def build_requests(self, batch_size: int) -> RequestFactory:
        """Return a factory of single orders and batches in turn; each order is a message and costs 1."""

        def make_request(sender: int, number: int) -> SentRequest:
            source = SOURCES[(sender + number) % len(SOURCES)]
            single = number % 3 == 2
            batch = [
                self._order(source, f"{self._name}-{sender}-{number}-{index}", sender + number + index)
                for index in range(1 if single else batch_size)
            ]
            ids = tuple(order["messageId"] for order in batch)
            if single:
                return SentRequest(source, "/v1/track", batch[0], ids)
            return SentRequest(source, "/v1/batch", {"batch": batch}, ids)

        return make_request

    def count_orders(self, url: str) -> Counter[str]:
        """Return how often each order is in a timeline; the counts of the profiles must agree."""
        order_counts: Counter[str] = Counter()
        profile_total = 0
        with httpx.Client(base_url=url, timeout=WAIT_S, trust_env=False) as http:
            for customer in range(CUSTOMERS):
                ids = self._timeline(http, {"type": "user_id", "value": self._user("web-shop", customer)})
                profile_total += ids.pop("")
                order_counts += ids
        assert profile_total == order_counts.total(), "order counts of profiles and timelines differ"
        return order_counts

    def _timeline(self, http: httpx.Client, identifier: Mapping[str, str]) -> Counter[str]:
        order_counts: Counter[str] = Counter()
        after = None
        while True:
            answer = http.post(
                "/graphql",
                json={"query": ORDERS, "variables": {"who": identifier, "after": after}},
                headers={"authorization": f"Bearer {self._installation.token}"},
            ).json()
            customer = answer["data"]["customer"]
            page = customer["events"]
            order_counts.update(node["properties"]["order_id"] for node in page["nodes"])
            if not page["pageInfo"]["hasNextPage"]:
                order_counts[""] = customer["commerce"]["orderCount"] or 0
                return order_counts
            after = page["pageInfo"]["endCursor"]

    def _build_context(self, source: str, customer: int) -> dict[str, Any]:
        if source == "tills":
            return {}
        card = {"id": self._user("tills", customer), "type": "loyalty_id", "assurance": "proven"}
        return {"externalIds": [card]}

    def _user(self, source: str, customer: int) -> str:
        return f"{source}-{self._name}-{customer}"

    def _order(self, source: str, name: str, customer: int) -> dict[str, Any]:
        return {
            "type": "track",
            "event": "Order Completed",
            "messageId": name,
            "userId": self._user(source, customer % CUSTOMERS),
            "properties": {"order_id": name, "total": 1},
        }


def _kill_server(
    installation: Installation, server: ServerProcess, running: contextlib.ExitStack
) -> ServerProcess:
    server.kill()
    return running.enter_context(start_server(installation.settings, installation.log, server.port))


def _kill_mongod(
    installation: Installation, server: ServerProcess, _running: contextlib.ExitStack
) -> ServerProcess:
    installation.kill_mongo()
    installation.start_mongo()
    return server


def _kill_both(
    installation: Installation, server: ServerProcess, running: contextlib.ExitStack
) -> ServerProcess:
    server.process.kill()
    installation.kill_mongo()
    server.kill()
    installation.start_mongo()
    return running.enter_context(start_server(installation.settings, installation.log, server.port))


Failure = Callable[[Installation, ServerProcess, contextlib.ExitStack], ServerProcess]


@pytest.mark.parametrize(
    "failure", [_kill_server, _kill_mongod, _kill_both], ids=["server", "mongod", "both"]
)
def test_kills_under_load_lose_and_duplicate_no_message(failure: Failure, installation: Installation) -> None:
    """``kill -9`` of the server, of MongoDB and of both; then a restart on the same data."""
    population = Population(failure.__name__.removeprefix("_kill_"), installation)
    reconnect = threading.Event()
    with contextlib.ExitStack() as running:
        server = running.enter_context(start_server(installation.settings, installation.log))
        population.send_identities(server.url)
        with keep_sending(
            server.url, installation.keys, population.build_requests(BATCH_SIZE), SENDERS, reconnect
        ) as load:
            _wait_until(lambda: len(load.statuses) >= UNDER_LOAD)
            interrupted_requests = list_requests_under_way(load, 0)
            server = failure(installation, server, running)
            reconnect.set()
            before = len(load.statuses)
            _wait_until(lambda: len(load.statuses) >= before + UNDER_LOAD)
        assert interrupted_requests, "no request was under way, so the failure tested nothing"
        _check_nothing_is_lost(load, population, server)
        _check_resending_completes(load, population, server, installation)
        _check_resending_again_changes_nothing(interrupted_requests, load, population, server, installation)
        assert server.stop() == 0


def test_sigterm_under_load_ends_requests_and_loses_nothing(installation: Installation) -> None:
    """SIGTERM: requests under way are answered or refused with 503; the exit code is 0."""
    population = Population("stopped", installation)
    reconnect = threading.Event()
    with contextlib.ExitStack() as running:
        server = running.enter_context(start_server(installation.settings, installation.log))
        population.send_identities(server.url)
        with keep_sending(
            server.url, installation.keys, population.build_requests(BATCH_SIZE * 5), SENDERS, reconnect
        ) as load:
            _wait_until(
                lambda: len(load.statuses) >= UNDER_LOAD and len(list_requests_under_way(load, 0.05)) > 1
            )
            interrupted_requests = list_requests_under_way(load, 0.05)
            assert server.stop() == 0
            _wait_until(lambda: not list_requests_under_way(load, 0))
        assert {request.outcome for request in interrupted_requests} <= {ANSWERED_STATUS, BUSY_STATUS}
        restarted_server = running.enter_context(start_server(installation.settings, installation.log))
        _check_nothing_is_lost(load, population, restarted_server)
        _check_resending_completes(load, population, restarted_server, installation)


def _check_nothing_is_lost(load: SendLog, population: Population, server: ServerProcess) -> None:
    """Check that each acknowledged order is stored once, and that no other order is."""
    assert not load.errors
    assert {tuple(statuses) for statuses in load.statuses.values()} <= {("accepted",), ("duplicate",)}
    order_counts = population.count_orders(server.url)
    assert load.statuses.keys() - order_counts.keys() == set()
    assert order_counts.keys() - load.ids == set()
    assert {order for order, times in order_counts.items() if times > 1} == set()


def _check_resending_completes(
    load: SendLog, population: Population, server: ServerProcess, installation: Installation
) -> None:
    """Send unanswered requests again: each message is accepted now, or is a stored duplicate."""
    counts_before = population.count_orders(server.url)
    for request in load.unanswered:
        _resend(request, load, server, installation)
        for message_id in request.ids:
            assert load.statuses[message_id] == ["duplicate" if message_id in counts_before else "accepted"]
    assert population.count_orders(server.url) == Counter(load.ids)
    assert load.statuses.keys() == load.ids


def _check_resending_again_changes_nothing(
    requests: Sequence[SentRequest],
    load: SendLog,
    population: Population,
    server: ServerProcess,
    installation: Installation,
) -> None:
    for request in requests:
        _resend(request, load, server, installation)
        assert {load.statuses[message_id][-1] for message_id in request.ids} == {"duplicate"}
    assert population.count_orders(server.url) == Counter(load.ids)


def _resend(request: SentRequest, load: SendLog, server: ServerProcess, installation: Installation) -> None:
    with httpx.Client(timeout=WAIT_S, trust_env=False) as http:
        load.post(http, server.url, installation.keys[request.source], request)
    assert request.outcome == ANSWERED_STATUS
    assert not load.errors


def _wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.005)
