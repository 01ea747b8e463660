"""No reveal without a record: when the ledger cannot write, nobody is told anything (promise 3)."""

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

from discretion.store.driver.database import connect
from discretion.store.embedded import mongo_server as embedded
from tests.fixtures.mongo import Commands, FailPoint
from tests.fixtures.platform import House, build

ADA = {
    "type": "identify",
    "userId": "ada",
    "messageId": "1",
    "timestamp": "2026-07-01T10:00:00Z",
    "traits": {"firstName": "Ada", "email": "ada@mail.example"},
}
ASK = "{ customers(first: 5) { nodes { identity { givenName } contact { email } } } }"
ROLES = ("support", "frontend", "steward")


def told_nothing(response: Any) -> None:
    """503, a stable code, advice to come back, and no data."""
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
async def test_a_refused_record_is_a_refused_answer(
    house: House, fail: FailPoint, failure: dict[str, Any]
) -> None:
    """Whoever asks; and once the ledger writes again, they are answered."""
    assert (await house.tell("web-shop", ADA))["accepted"] == 1
    ledger = f"{house.platform.database.name}.disclosures"
    await fail.set("insert", times=10**8, namespace=ledger, **failure)
    for response in await asyncio.gather(*(house.raw(ASK, house.token(role)) for role in ROLES)):
        told_nothing(response)
    await fail.unset()
    answer = await house.ask(ASK, house.token("support"))
    assert answer["data"]["customers"]["nodes"][0]["contact"]["email"] == "ada@mail.example"
    assert answer["extensions"]["disclosure"]["receipt"]


async def test_who_asks_for_nobody_needs_no_record(house: House, fail: FailPoint) -> None:
    """The inventory is public, and stays readable while the ledger is not."""
    await fail.set("insert", times=10**8, errorCode=13)
    assert (await house.raw("{ purposes { key } }", None)).status_code == 200


class Trap(Commands):
    """Does something at the first read of customers that MongoDB answered."""

    def __init__(self) -> None:
        super().__init__()
        self.spring: Callable[[], None] | None = None

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Between the fetch and the record."""
        if event.command_name == "find" and self.spring is not None:
            found = event.reply["cursor"]["ns"].endswith(".customers")
            if found:
                spring, self.spring = self.spring, None
                spring()


@pytest_asyncio.fixture
async def own(tmp_path: Path) -> AsyncIterator[tuple[House, Trap, int]]:
    """A house with a MongoDB of its own, which may be stopped and killed."""
    mongo = await embedded.start(tmp_path / "mongo")
    trap = Trap()
    database = await connect(f"{mongo.url}&serverSelectionTimeoutMS=2000", "own", "pymongo", [trap])
    try:
        house = await build(database, tmp_path, trap)
        async with house.http:
            assert (await house.tell("web-shop", ADA))["accepted"] == 1
            yield house, trap, mongo._process.pid
    finally:
        await database.close()
        await mongo.stop()


async def test_a_paused_mongodb_reveals_nothing(own: tuple[House, Trap, int]) -> None:
    """It has answered the fetch and stands still before the record; when it goes on, so do we."""
    house, trap, pid = own
    token = house.token("support")
    trap.spring = lambda: os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(30):
            response = await house.raw(ASK, token)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert trap.spring is None
    told_nothing(response)
    answer = await house.ask(ASK, token)
    assert answer["data"]["customers"]["nodes"][0]["identity"]["givenName"] == "Ada"


async def test_a_killed_mongodb_reveals_nothing(own: tuple[House, Trap, int]) -> None:
    """It has answered the fetch and is gone before the record."""
    house, trap, pid = own
    trap.spring = lambda: os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(60):
        response = await house.raw(ASK, house.token("support"))
    assert trap.spring is None
    told_nothing(response)


async def test_one_who_hangs_up_does_not_take_the_others_record_along(house: House) -> None:
    """Requests share a group of records; cancelling one leaves the others whole."""
    await house.tell("web-shop", ADA)
    token = house.token("support")
    asking = [asyncio.create_task(house.raw(ASK, token)) for _ in range(20)]
    await asyncio.sleep(0.01)
    for task in asking[::3]:
        task.cancel()
    done = await asyncio.gather(*asking, return_exceptions=True)
    kept = await house.platform.database.find("disclosures", {}, {"_id": 1})
    receipts = {one["_id"] for one in kept}
    for response in done:
        if isinstance(response, BaseException):
            continue
        assert response.json()["extensions"]["disclosure"]["receipt"] in receipts
    assert (await house.raw(ASK, token)).status_code == 200


async def test_records_of_requests_side_by_side_are_written_together(house: House) -> None:
    """Durable on a majority before anybody is answered, and in far fewer writes than requests."""
    await house.tell("web-shop", ADA)
    token = house.token("support")
    await house.raw(ASK, token)
    house.commands.clear()
    responses = await asyncio.gather(*(house.raw(ASK, token) for _ in range(40)))
    assert {response.status_code for response in responses} == {200}
    writes = [one for one in house.commands.named("insert") if one["insert"] == "disclosures"]
    assert len(writes) < 20
    assert all(one["writeConcern"] == {"w": "majority", "j": True} for one in writes)
    assert all(one["ordered"] is False for one in writes)
