"""The privacy office sees what is due, takes longer or waits only as the law lets it, and says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from discretion.domain.requests.deadline_monitor import DAY_MS, WEEK_MS
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build
from tests.journeys.rights import (
    ACCESS,
    DECIDE,
    EXTEND,
    MANY,
    MESSAGE,
    ONE,
    PAUSE,
    REFUSAL,
    RESUME,
    REVIEW,
    asked,
    listed,
    own,
    refused,
    somebody,
)


@pytest.fixture
def clock() -> Clock:
    return Clock("2026-06-01T10:00")


@pytest_asyncio.fixture
async def office(
    database: Database, tmp_path: Path, commands: Commands, clock: Clock
) -> AsyncIterator[House]:
    """A house with a clock that stands still."""
    built = await build(database, tmp_path, commands, clock=clock)
    async with built.http:
        yield built


async def test_it_takes_longer_with_a_reason_that_the_person_reads(office: House, clock: Clock) -> None:
    token = await own(office, await somebody(office, law="us-va"))
    mine = await asked(office, token, ACCESS)
    clock.forward(10 * DAY_MS)
    steward = office.token("steward")
    (waiting,) = await listed(office, steward)
    far = {"count": 46, "unit": "DAYS"}
    long = {"id": waiting["id"], "reason": "There is much of it.", "length": far}
    assert await refused(office, steward, EXTEND, **long) == "EXTENSION_NOT_ALLOWED"
    longer = await asked(office, steward, EXTEND, **{**long, "length": {"count": 20, "unit": "DAYS"}})
    assert longer["dueAt"] > mine["dueAt"]
    token = await own(office, "ann@shop.example")
    seen = await asked(office, token, ONE, id=mine["id"])
    assert (seen["state"], seen["extensionReason"]) == ("DELAYED", "There is much of it.")
    assert seen["extendedAt"]
    assert await refused(office, steward, EXTEND, **{**long, "length": None}) == "EXTENSION_NOT_ALLOWED"
    done = await asked(office, steward, DECIDE, id=waiting["id"], accept=False, refusal=REFUSAL)
    assert done["state"] == "REJECTED"


async def test_the_time_stands_still_until_the_person_answers_where_the_law_lets_it(
    office: House, clock: Clock
) -> None:
    token, steward = await own(office, await somebody(office, law="gb")), office.token("steward")
    mine = await asked(office, token, REVIEW, decision="D-1")
    (waiting,) = await listed(office, steward)
    await asked(office, steward, MESSAGE, id=waiting["id"], text="Which decision do you mean?")
    paused = await asked(office, steward, PAUSE, id=waiting["id"], reason="CLARIFICATION")
    assert (paused["state"], paused["dueAt"], paused["whyNoDue"]) == ("ACTION_REQUIRED", None, "stopped")
    clock.forward(7 * DAY_MS)
    token = await own(office, "ann@shop.example")
    answered = await asked(office, token, MESSAGE, id=mine["id"], text="That of May.")
    assert answered["state"] == "ACTION_PERFORMED"
    assert answered["dueAt"] > mine["dueAt"]
    assert [one["by"] for one in answered["messages"]] == ["steward:privacy-office", "self:customer-app"]
    steward = office.token("steward")
    assert await refused(office, steward, RESUME, id=waiting["id"]) == "REQUEST_STATE"


async def test_the_time_does_not_stand_still_in_california(office: House) -> None:
    await asked(office, await own(office, await somebody(office, law="us-ca")), ACCESS)
    steward = office.token("steward")
    (waiting,) = await listed(office, steward)
    pause = {"id": waiting["id"], "reason": "CLARIFICATION"}
    assert await refused(office, steward, PAUSE, **pause) == "PAUSE_NOT_ALLOWED"


async def test_what_nears_its_deadline_is_shown_before_it(office: House, clock: Clock) -> None:
    for name, law in (("ann", "us-va"), ("bob", "eu"), ("cid", "us-ca")):
        await asked(office, await own(office, await somebody(office, name, law)), ACCESS)
    steward = office.token("steward")
    everything = await listed(office, steward)
    assert [one["laws"][0]["key"] for one in everything] == ["eu", "us-va", "us-ca"]
    assert len(await listed(office, steward, jurisdiction="eu")) == 1
    assert len(await listed(office, steward, dueBefore=everything[1]["dueAt"])) == 1
    assert await listed(office, steward, right="ERASURE") == []
    assert await listed(office, steward, nearing=True) == []
    clock.set(everything[0]["dueAt"].removesuffix("Z"))
    clock.forward(-WEEK_MS + 1)
    await office.platform.rights.watch.once()
    (near,) = await listed(office, office.token("steward"), nearing=True)
    assert near["warned"] == ["week"]
    page = {"first": 2, "filter": {}}
    answer = await office.ask(MANY, office.token("steward"), page)
    told = answer["data"]["rightsRequests"]
    after = {**page, "after": told["pageInfo"]["endCursor"]}
    rest = (await office.ask(MANY, office.token("steward"), after))["data"]["rightsRequests"]
    ids = [one["id"] for one in (*told["nodes"], *rest["nodes"])]
    assert ids == [one["id"] for one in everything]
    assert not rest["pageInfo"]["hasNextPage"]
