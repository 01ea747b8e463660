"""Kills the process that runs a request at each checkpoint, and compares the outcome of the request.

The request of one person runs without a kill and reports its checkpoints. For each of these checkpoints, the
request of another person is run by a process that is killed there, and then by a second process.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discretion.domain.kit.workflow.lease import LEASE_MS
from discretion.domain.requests.model import RequestDetails, Requester
from discretion.law.jurisdiction import Right
from discretion.store.driver.connection import connect_database
from discretion.store.driver.database import Database
from discretion.store.request_state import RequesterAssurance, RequesterRole
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.properties.erasure.worker_process import InstallationLocation, run_in_process

CLOCK_AHEAD_MS = LEASE_MS + 1_000
MAX_RUNS = 200
"""Runs of a request after which the test fails because the request does not end."""


@dataclass(frozen=True)
class Installation:
    """An installation, and the location that its processes need."""

    platform: PlatformUnderTest
    location: InstallationLocation

    @property
    def database(self) -> Database:
        """Return the database of the installation."""
        return self.platform.internals.database

    async def create_customer(self, name: str) -> bytes:
        """Send the messages of a new person from two events; return the customer id."""
        email = f"{name}@shop.example"
        order = {"order_id": f"order-{name}", "total": "12.50", "currency": "EUR"}
        for source, event, properties in (
            ("web-shop", "Product Viewed", {"product_id": "p-1"}),
            ("web-shop", "Order Completed", order),
        ):
            outcome = await self.platform.send_messages(
                source,
                {
                    "type": "identify",
                    "userId": name,
                    "messageId": f"{name}-i-{event}",
                    "traits": {"email": email, "firstName": name, "address": {"country": "FR"}},
                },
                {
                    "type": "track",
                    "userId": name,
                    "event": event,
                    "messageId": f"{name}-{event}",
                    "properties": properties,
                },
            )
            assert not outcome["refused"], outcome
        token = self.platform.issue_token("steward")
        answer = await self.platform.query(
            'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }',
            token,
            {"v": email},
        )
        encoded_id: str = answer["data"]["customer"]["id"]
        customer = self.platform.internals.discloser.revealer.pairwise.decode(
            "privacy-office", b"customer", encoded_id
        )
        assert customer is not None
        return customer

    async def submit_request(self, customer: bytes, right: Right) -> bytes:
        """Submit a request of a customer; return its id once the request is acknowledged."""
        requester = Requester(
            RequesterRole.PERSON, "self:customer-app", "customer-app", "someone", RequesterAssurance.FRESH
        )
        return (
            await self.platform.internals.requests.submission.submit(
                customer, RequestDetails(right), requester
            )
        ).id

    async def read_request(self, request: bytes) -> Mapping[str, Any]:
        """Return the stored document of a request."""
        document = await self.database.find_one("requests", {"_id": request})
        assert document is not None
        return document

    async def end_abandoned_transactions(self) -> None:
        """Abort the transactions of killed processes, as MongoDB does by itself before a lease expires."""
        await self.database.command({"killAllSessions": []}, admin=True)

    async def run_until_finished(self, request: bytes, clock_ahead_ms: int = 0) -> list[str]:
        """Run a request to its end; return the checkpoints it passed."""
        points: list[str] = []
        for _ in range(MAX_RUNS):
            points += run_in_process(self.location, request, clock_ahead_ms=clock_ahead_ms)
            document = await self.read_request(request)
            if "next" not in document:
                return points
            clock_ahead_ms = max(
                clock_ahead_ms, document["next"] - self.platform.internals.discloser.now_ms() + 1
            )
        raise AssertionError(f"the request does not end: {document['steps']}")


@asynccontextmanager
async def open_installation(mongo_url: str, folder: Path) -> AsyncIterator[Installation]:
    """Open an installation on a database of its own."""
    commands = CommandRecorder()
    name = f"crash_{secrets.token_hex(6)}"
    database = await connect_database(mongo_url, name, "pymongo", [commands])
    platform = await build_test_platform(database, folder, commands)
    try:
        async with platform.http:
            yield Installation(platform, InstallationLocation(mongo_url, name, folder))
    finally:
        await database.command({"dropDatabase": 1})
        await database.close()


def summarise_outcome(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the outcome of a request without ids and times."""
    return {
        "state": request["state"],
        "turns": [transition["state"] for transition in request["history"]],
        "steps": [
            (step["name"], step["state"], describe_shape(step.get("told"))) for step in request["steps"]
        ],
        "members": sorted(request.keys() - {"v", "fence"}),
    }


def describe_shape(value: Any) -> Any:
    """Return names and types of a step's result, without ids, times and texts; bucket numbers are random."""
    if isinstance(value, Mapping):
        return {
            "#" if name.isdigit() else name: describe_shape(member) for name, member in sorted(value.items())
        }
    if isinstance(value, list):
        return [describe_shape(member) for member in value]
    return type(value).__name__


@dataclass(frozen=True, slots=True)
class KillResult:
    """The numbers of checkpoints and kills, and the checkpoints after which the outcome differed."""

    point_count: int
    kill_count: int
    deviating_points: list[str]


async def kill_at_points(
    installation: Installation,
    right: Right,
    select_points: Callable[[Sequence[str]], Sequence[str]],
    report_progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> KillResult:
    """Kill a process at each checkpoint that ``select_points`` selects from all of them.

    ``report_progress`` receives the number of completed checkpoints and the total.
    """
    undisturbed = await installation.submit_request(await installation.create_customer("ada"), right)
    points = list(dict.fromkeys(await installation.run_until_finished(undisturbed)))
    expected = summarise_outcome(await installation.read_request(undisturbed))
    assert expected["state"] == "fulfilled"
    selected = select_points(points)
    kill_count, deviating_points = 0, []
    for number, point in enumerate(selected):
        report_progress(number, len(selected))
        request = await installation.submit_request(
            await installation.create_customer(f"person{number}"), right
        )
        passed_points = run_in_process(installation.location, request, kill_at=point)
        kill_count += passed_points[-1] == point
        await installation.end_abandoned_transactions()
        await installation.run_until_finished(request, CLOCK_AHEAD_MS)
        if summarise_outcome(await installation.read_request(request)) != expected:
            deviating_points.append(point)
    report_progress(len(selected), len(selected))
    return KillResult(len(points), kill_count, deviating_points)


def sample_points(points: Sequence[str]) -> list[str]:
    """Return every fifth named checkpoint, and some of those that follow an answer of MongoDB."""
    answer_points = [point for point in points if " " in point]
    return [point for point in points if point not in answer_points][::5] + answer_points[
        :: max(1, len(answer_points) // 4)
    ]
