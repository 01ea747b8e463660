"""What was acknowledged is there, once, whatever dies under load; what was not can be sent again.

MongoDB is a process beside the server's, so that each can be killed while the other lives.
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
from tests.fixtures.senders import ANSWERED, BUSY, Make, Request, Told, sending, under_way
from tests.fixtures.server_process import Served, served, told

SOURCES = ("web-shop", "tills")
CUSTOMERS = 6
SENDERS = 4
TOGETHER = 30
UNDER_LOAD = 300
"""Messages acknowledged before something happens, and again after it."""
WAIT_S = 90

ORDERS = """query($who: IdentifierInput!, $after: String) { customer(identifier: $who) {
  commerce { orderCount } events(first: 500, after: $after) {
    nodes { properties } pageInfo { hasNextPage endCursor } } } }"""


class Installation:
    """MongoDB, settings, keys and a token; the loop is the thread's that MongoDB dies with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "server.log"
        self._loop = asyncio.new_event_loop()
        self.mongo: EmbeddedMongo = self._started()
        root = base64.urlsafe_b64encode(bytes(range(32))).decode()
        self.settings = {
            "DISCRETION_MONGO_URL": self.mongo.url,
            "DISCRETION_ROOT_KEY": root,
            "DISCRETION_DATA_DIR": str(folder),
        }
        self.keys = {source: told(self.settings, "source", "key", source) for source in SOURCES}
        support = ("--purpose", "essential.service.operations.support", "--scope", "steward")
        self.token = told(self.settings, "token", "issue", "--client", "c", "--subject", "s", *support)

    def _started(self) -> EmbeddedMongo:
        return self._loop.run_until_complete(embedded.start(self.folder / "mongo"))

    def kill_mongo(self) -> None:
        """End mongod at whatever it is doing."""
        os.kill(self.mongo.pid, signal.SIGKILL)
        self.close(self.mongo)

    def start_mongo(self) -> None:
        """On the same data, at the same address."""
        url, self.mongo = self.mongo.url, self._started()
        assert self.mongo.url == url

    def close(self, mongo: EmbeddedMongo) -> None:
        """Wait until mongod has ended."""
        self._loop.run_until_complete(mongo.stop())

    def end(self) -> None:
        """Stop MongoDB."""
        self.close(self.mongo)
        self._loop.close()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One for all accidents; each has customers of its own."""
    made = Installation(tmp_path_factory.mktemp("kept"))
    try:
        yield made
    finally:
        made.end()


class Shop:
    """Customers known on the web and at the tills, and orders of theirs that all senders send."""

    def __init__(self, name: str, installation: Installation) -> None:
        self._name = name
        self._installation = installation

    def introduce(self, url: str) -> None:
        """Make each customer's two records one person."""
        for source in SOURCES:
            batch = [
                {
                    "type": "identify",
                    "messageId": f"{self._name}-{source}-{one}",
                    "userId": self._user(source, one),
                    "traits": {"email": f"{self._name}.{one}@post.example"},
                }
                for one in range(CUSTOMERS)
            ]
            auth = (self._installation.keys[source], "")
            answer = httpx.post(f"{url}/v1/batch", json={"batch": batch}, auth=auth, timeout=60)
            assert answer.json()["accepted"] == CUSTOMERS, answer.text

    def orders(self, together: int) -> Make:
        """Single orders and batches of them in turn; every order is of one euro and another message."""

        def make(sender: int, number: int) -> Request:
            source = SOURCES[(sender + number) % len(SOURCES)]
            single = number % 3 == 2
            batch = [
                self._order(source, f"{self._name}-{sender}-{number}-{one}", sender + number + one)
                for one in range(1 if single else together)
            ]
            ids = tuple(one["messageId"] for one in batch)
            if single:
                return Request(source, "/v1/track", batch[0], ids)
            return Request(source, "/v1/batch", {"batch": batch}, ids)

        return make

    def kept(self, url: str) -> Counter[str]:
        """Orders in all timelines, each with how often it is there; the profiles' counts say the same."""
        found: Counter[str] = Counter()
        counted = 0
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            for one in range(CUSTOMERS):
                ids = self._timeline(http, {"type": "user_id", "value": self._user("web-shop", one)})
                counted += ids.pop("")
                found += ids
        assert counted == found.total(), "profiles count orders that no timeline has, or the other way round"
        return found

    def _timeline(self, http: httpx.Client, who: Mapping[str, str]) -> Counter[str]:
        found: Counter[str] = Counter()
        after = None
        while True:
            answer = http.post(
                "/graphql",
                json={"query": ORDERS, "variables": {"who": who, "after": after}},
                headers={"authorization": f"Bearer {self._installation.token}"},
            ).json()
            customer = answer["data"]["customer"]
            page = customer["events"]
            found.update(node["properties"]["order_id"] for node in page["nodes"])
            if not page["pageInfo"]["hasNextPage"]:
                found[""] = customer["commerce"]["orderCount"] or 0
                return found
            after = page["pageInfo"]["endCursor"]

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


def _server(installation: Installation, server: Served, running: contextlib.ExitStack) -> Served:
    server.kill()
    return running.enter_context(served(installation.settings, installation.log, server.port))


def _mongod(installation: Installation, server: Served, _running: contextlib.ExitStack) -> Served:
    installation.kill_mongo()
    installation.start_mongo()
    return server


def _both(installation: Installation, server: Served, running: contextlib.ExitStack) -> Served:
    server.process.kill()
    installation.kill_mongo()
    server.kill()
    installation.start_mongo()
    return running.enter_context(served(installation.settings, installation.log, server.port))


Accident = Callable[[Installation, Served, contextlib.ExitStack], Served]


@pytest.mark.parametrize("accident", [_server, _mongod, _both], ids=["server", "mongod", "both"])
def test_killed_under_load_nothing_is_lost_or_doubled(accident: Accident, installation: Installation) -> None:
    """``kill -9`` of the server, of MongoDB and of both, and the same data afterwards."""
    shop = Shop(accident.__name__.strip("_"), installation)
    back = threading.Event()
    with contextlib.ExitStack() as running:
        server = running.enter_context(served(installation.settings, installation.log))
        shop.introduce(server.url)
        with sending(server.url, installation.keys, shop.orders(TOGETHER), SENDERS, back) as load:
            _until(lambda: len(load.statuses) >= UNDER_LOAD)
            begun = under_way(load, 0)
            server = accident(installation, server, running)
            back.set()
            before = len(load.statuses)
            _until(lambda: len(load.statuses) >= before + UNDER_LOAD)
        assert begun, "nothing was under way, so nothing was put to the test"
        _nothing_acknowledged_is_lost(load, shop, server)
        _resent_everything_is_there_once(load, shop, server, installation)
        _told_again_nothing_changes(begun, load, shop, server, installation)
        assert server.stop() == 0


def test_stopped_under_load_requests_end_and_nothing_is_lost(installation: Installation) -> None:
    """SIGTERM: what is under way is answered, or refused with 503; the exit code is 0."""
    shop = Shop("stopped", installation)
    back = threading.Event()
    with contextlib.ExitStack() as running:
        server = running.enter_context(served(installation.settings, installation.log))
        shop.introduce(server.url)
        with sending(server.url, installation.keys, shop.orders(TOGETHER * 5), SENDERS, back) as load:
            _until(lambda: len(load.statuses) >= UNDER_LOAD and len(under_way(load, 0.05)) > 1)
            begun = under_way(load, 0.05)
            assert server.stop() == 0
            _until(lambda: not under_way(load, 0))
        assert {one.became for one in begun} <= {ANSWERED, BUSY}
        again = running.enter_context(served(installation.settings, installation.log))
        _nothing_acknowledged_is_lost(load, shop, again)
        _resent_everything_is_there_once(load, shop, again, installation)


def _nothing_acknowledged_is_lost(load: Told, shop: Shop, server: Served) -> None:
    """Nor is anything there twice, or there that nobody sent."""
    assert not load.wrong
    assert {tuple(statuses) for statuses in load.statuses.values()} <= {("accepted",), ("duplicate",)}
    kept = shop.kept(server.url)
    assert load.statuses.keys() - kept.keys() == set()
    assert kept.keys() - load.ids == set()
    assert {one for one, times in kept.items() if times > 1} == set()


def _resent_everything_is_there_once(
    load: Told, shop: Shop, server: Served, installation: Installation
) -> None:
    """What got no answer is accepted now, or it was taken in then and is a duplicate."""
    before = shop.kept(server.url)
    for request in load.unanswered:
        _resend(request, load, server, installation)
        for one in request.ids:
            assert load.statuses[one] == ["duplicate" if one in before else "accepted"]
    assert shop.kept(server.url) == Counter(load.ids)
    assert load.statuses.keys() == load.ids


def _told_again_nothing_changes(
    requests: Sequence[Request], load: Told, shop: Shop, server: Served, installation: Installation
) -> None:
    for request in requests:
        _resend(request, load, server, installation)
        assert {load.statuses[one][-1] for one in request.ids} == {"duplicate"}
    assert shop.kept(server.url) == Counter(load.ids)


def _resend(request: Request, load: Told, server: Served, installation: Installation) -> None:
    with httpx.Client(timeout=60, trust_env=False) as http:
        load.post(http, server.url, installation.keys[request.source], request)
    assert request.became == ANSWERED
    assert not load.wrong


def _until(holds: Callable[[], object]) -> None:
    until = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < until, "it does not come to that"
        time.sleep(0.005)
