"""Stewards see due requests, and extend or pause them only as the law permits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from discretion.domain.requests.deadline_monitor import DAY_MS, WEEK_MS
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.journeys.rights import (
    ACCESS,
    DECIDE,
    EXTEND,
    LIST_REQUESTS,
    MESSAGE,
    PAUSE,
    READ_REQUEST,
    REFUSAL,
    RESUME,
    REVIEW,
    create_customer,
    issue_own_token,
    list_requests,
    run_operation,
    run_refused_operation,
)


@pytest.fixture
def clock() -> Clock:
    return Clock("2026-06-01T10:00")


@pytest_asyncio.fixture
async def platform(
    database: Database, tmp_path: Path, commands: CommandRecorder, clock: Clock
) -> AsyncIterator[PlatformUnderTest]:
    """Yield a platform with a test clock."""
    test_platform = await build_test_platform(database, tmp_path, commands, clock=clock)
    async with test_platform.http:
        yield test_platform


async def test_an_extension_has_a_reason_that_the_customer_reads(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    token = await issue_own_token(platform, await create_customer(platform, jurisdiction="us-va"))
    own_request = await run_operation(platform, token, ACCESS)
    clock.advance(10 * DAY_MS)
    steward = platform.issue_token("steward")
    (pending,) = await list_requests(platform, steward)
    too_long = {"count": 46, "unit": "DAYS"}
    extension = {"id": pending["id"], "reason": "There is much of it.", "length": too_long}
    assert await run_refused_operation(platform, steward, EXTEND, **extension) == "EXTENSION_NOT_ALLOWED"
    extended = await run_operation(
        platform, steward, EXTEND, **{**extension, "length": {"count": 20, "unit": "DAYS"}}
    )
    assert extended["dueAt"] > own_request["dueAt"]
    token = await issue_own_token(platform, "ann@shop.example")
    own_view = await run_operation(platform, token, READ_REQUEST, id=own_request["id"])
    assert (own_view["state"], own_view["extensionReason"]) == ("DELAYED", "There is much of it.")
    assert own_view["extendedAt"]
    assert (
        await run_refused_operation(platform, steward, EXTEND, **{**extension, "length": None})
        == "EXTENSION_NOT_ALLOWED"
    )
    decision = await run_operation(platform, steward, DECIDE, id=pending["id"], accept=False, refusal=REFUSAL)
    assert decision["state"] == "REJECTED"


async def test_a_pause_stops_the_deadline_until_the_customer_answers(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    token, steward = (
        await issue_own_token(platform, await create_customer(platform, jurisdiction="gb")),
        platform.issue_token("steward"),
    )
    own_request = await run_operation(platform, token, REVIEW, decision="D-1")
    (pending,) = await list_requests(platform, steward)
    await run_operation(platform, steward, MESSAGE, id=pending["id"], text="Which decision do you mean?")
    paused = await run_operation(platform, steward, PAUSE, id=pending["id"], reason="CLARIFICATION")
    assert (paused["state"], paused["dueAt"], paused["whyNoDue"]) == ("ACTION_REQUIRED", None, "stopped")
    clock.advance(7 * DAY_MS)
    token = await issue_own_token(platform, "ann@shop.example")
    answered = await run_operation(platform, token, MESSAGE, id=own_request["id"], text="That of May.")
    assert answered["state"] == "ACTION_PERFORMED"
    assert answered["dueAt"] > own_request["dueAt"]
    assert [message["by"] for message in answered["messages"]] == [
        "steward:privacy-office",
        "self:customer-app",
    ]
    steward = platform.issue_token("steward")
    assert await run_refused_operation(platform, steward, RESUME, id=pending["id"]) == "REQUEST_STATE"


async def test_california_permits_no_pause_of_a_deadline(platform: PlatformUnderTest) -> None:
    await run_operation(
        platform,
        await issue_own_token(platform, await create_customer(platform, jurisdiction="us-ca")),
        ACCESS,
    )
    steward = platform.issue_token("steward")
    (pending,) = await list_requests(platform, steward)
    pause = {"id": pending["id"], "reason": "CLARIFICATION"}
    assert await run_refused_operation(platform, steward, PAUSE, **pause) == "PAUSE_NOT_ALLOWED"


async def test_requests_are_sorted_by_deadline_and_flagged_a_week_before(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    for name, law in (("ann", "us-va"), ("bob", "eu"), ("cid", "us-ca")):
        await run_operation(
            platform, await issue_own_token(platform, await create_customer(platform, name, law)), ACCESS
        )
    steward = platform.issue_token("steward")
    all_requests = await list_requests(platform, steward)
    assert [request["laws"][0]["key"] for request in all_requests] == ["eu", "us-va", "us-ca"]
    assert len(await list_requests(platform, steward, jurisdiction="eu")) == 1
    assert len(await list_requests(platform, steward, dueBefore=all_requests[1]["dueAt"])) == 1
    assert await list_requests(platform, steward, right="ERASURE") == []
    assert await list_requests(platform, steward, nearing=True) == []
    clock.set(all_requests[0]["dueAt"].removesuffix("Z"))
    clock.advance(-WEEK_MS + 1)
    await platform.internals.requests.deadline_monitor.run_once()
    (nearing,) = await list_requests(platform, platform.issue_token("steward"), nearing=True)
    assert nearing["warned"] == ["week"]
    page = {"first": 2, "filter": {}}
    answer = await platform.query(LIST_REQUESTS, platform.issue_token("steward"), page)
    first_page = answer["data"]["rightsRequests"]
    next_variables = {**page, "after": first_page["pageInfo"]["endCursor"]}
    second_page = (await platform.query(LIST_REQUESTS, platform.issue_token("steward"), next_variables))[
        "data"
    ]["rightsRequests"]
    ids = [request["id"] for request in (*first_page["nodes"], *second_page["nodes"])]
    assert ids == [request["id"] for request in all_requests]
    assert not second_page["pageInfo"]["hasNextPage"]
