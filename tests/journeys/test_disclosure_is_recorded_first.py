"""No disclosure without a record: when the ledger cannot write, no caller gets data (promise 3)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pymongo.monitoring import CommandSucceededEvent

from discretion.store.driver.connection import connect_database
from discretion.store.embedded import mongo_server as embedded
from tests.fixtures.mongo import CommandRecorder, FailPoint
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.fixtures.waiting import WAIT_S

ADA: dict[str, Any] = {
    "type": "identify",
    "userId": "ada",
    "messageId": "1",
    "timestamp": "2026-07-01T10:00:00Z",
    "traits": {"firstName": "Ada", "email": "ada@mail.example"},
}
BEN: dict[str, Any] = {
    **ADA,
    "userId": "ben",
    "messageId": "2",
    "traits": {"firstName": "Ben", "email": "ben@mail.example"},
}
QUERY = "{ customers(first: 5) { nodes { identity { givenName } contact { email } } } }"
ROLES = ("support", "frontend", "steward")


def check_nothing_is_disclosed(response: Any) -> None:
    """Check for 503, a stable code, ``Retry-After`` and no data."""
    answer = response.json()
    assert response.status_code == 503
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["LEDGER_UNAVAILABLE"]
    assert response.headers["retry-after"]
    assert answer.keys() == {"errors"}
    assert "Ada" not in response.text


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
@pytest.mark.parametrize(
    "failure",
    [
        {"errorCode": 13},  # Unauthorized
        {"errorCode": 10107},  # NotWritablePrimary: stepped down
        {"errorCode": 14031},  # OutOfDiskSpace
        {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}},
    ],
    ids=["unauthorized", "stepped-down", "disk-full", "not-replicated"],
)
async def test_a_failed_ledger_write_fails_the_request(
    platform: PlatformUnderTest, fail: FailPoint, failure: dict[str, Any]
) -> None:
    """For every role; once the ledger can write again, requests are answered."""
    assert (await platform.send_messages("web-shop", ADA))["accepted"] == 1
    ledger = f"{platform.internals.database.name}.disclosures"
    await fail.set("insert", times=10**8, namespace=ledger, **failure)
    for response in await asyncio.gather(
        *(platform.post_query(QUERY, platform.issue_token(role)) for role in ROLES)
    ):
        check_nothing_is_disclosed(response)
    await fail.unset()
    answer = await platform.query(QUERY, platform.issue_token("support"))
    assert answer["data"]["customers"]["nodes"][0]["contact"]["email"] == "ada@mail.example"
    assert answer["extensions"]["disclosure"]["receipt"]


async def test_a_query_about_no_customer_needs_no_ledger(
    platform: PlatformUnderTest, fail: FailPoint
) -> None:
    """The inventory is public and stays readable while the ledger cannot write."""
    await fail.set("insert", times=10**8, errorCode=13)
    assert (await platform.post_query("{ purposes { key } }", None)).status_code == 200


class CustomerReadHook(CommandRecorder):
    """A command listener that runs an action after the first answered read of customers."""

    def __init__(self) -> None:
        super().__init__()
        self.action: Callable[[], None] | None = None

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Run the action between the fetch and the record."""
        if event.command_name == "find" and self.action is not None:
            is_customer_read = event.reply["cursor"]["ns"].endswith(".customers")
            if is_customer_read:
                action, self.action = self.action, None
                action()


@pytest_asyncio.fixture
async def own_mongo(tmp_path: Path) -> AsyncIterator[tuple[PlatformUnderTest, CustomerReadHook, int]]:
    """A platform with a MongoDB of its own, which may be stopped and killed."""
    mongo = await embedded.start_embedded_mongo(tmp_path / "mongo")
    read_hook = CustomerReadHook()
    database = await connect_database(
        f"{mongo.url}&serverSelectionTimeoutMS=2000", "own", "pymongo", [read_hook]
    )
    try:
        platform = await build_test_platform(database, tmp_path, read_hook)
        async with platform.http:
            assert (await platform.send_messages("web-shop", ADA))["accepted"] == 1
            yield platform, read_hook, mongo._process.pid
    finally:
        await database.close()
        await mongo.stop()


async def test_a_mongodb_paused_before_the_record_discloses_nothing(
    own_mongo: tuple[PlatformUnderTest, CustomerReadHook, int],
) -> None:
    """It answers the fetch and is paused before the record; after SIGCONT, requests are answered again."""
    platform, read_hook, pid = own_mongo
    token = platform.issue_token("support")
    read_hook.action = lambda: os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(WAIT_S):
            response = await platform.post_query(QUERY, token)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert read_hook.action is None
    check_nothing_is_disclosed(response)
    answer = await platform.query(QUERY, token)
    assert answer["data"]["customers"]["nodes"][0]["identity"]["givenName"] == "Ada"


async def test_a_mongodb_killed_before_the_record_discloses_nothing(
    own_mongo: tuple[PlatformUnderTest, CustomerReadHook, int],
) -> None:
    """It answers the fetch and is killed before the record."""
    platform, read_hook, pid = own_mongo
    read_hook.action = lambda: os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(WAIT_S):
        response = await platform.post_query(QUERY, platform.issue_token("support"))
    assert read_hook.action is None
    check_nothing_is_disclosed(response)


async def test_a_cancelled_request_does_not_lose_the_records_of_others(platform: PlatformUnderTest) -> None:
    """Concurrent requests share a group of records; a cancelled request leaves the other records whole."""
    await platform.send_messages("web-shop", ADA)
    token = platform.issue_token("support")
    requests = [asyncio.create_task(platform.post_query(QUERY, token)) for _ in range(20)]
    await asyncio.sleep(0.01)
    for task in requests[::3]:
        task.cancel()
    responses = await asyncio.gather(*requests, return_exceptions=True)
    disclosures = await platform.internals.database.find("disclosures", {}, {"_id": 1})
    receipts = {disclosure["_id"].hex() for disclosure in disclosures}
    for response in responses:
        if isinstance(response, BaseException):
            continue
        assert response.json()["extensions"]["disclosure"]["receipt"] in receipts
    assert (await platform.post_query(QUERY, token)).status_code == 200


@pytest.mark.parametrize("people", [(ADA,), (ADA, BEN)], ids=["one person", "several people"])
async def test_records_of_concurrent_requests_are_written_in_groups(
    platform: PlatformUnderTest, people: tuple[dict[str, Any], ...]
) -> None:
    """Durable on a majority before any answer, and in far fewer writes than requests."""
    await platform.send_messages("web-shop", *people)
    token = platform.issue_token("support")
    await platform.post_query(QUERY, token)
    platform.commands.clear()
    responses = await asyncio.gather(*(platform.post_query(QUERY, token) for _ in range(40)))
    assert {response.status_code for response in responses} == {200}
    writes = [
        command for command in platform.commands.list_commands("insert") if command["insert"] == "disclosures"
    ]
    assert len(writes) < 20
    assert all(command["writeConcern"] == {"w": "majority", "j": True} for command in writes)
    # In order if they have positions: whoever reads up to one has read all before it (``ledger.positions``).
    assert {command["ordered"] for command in writes} == {len(people) > 1}
