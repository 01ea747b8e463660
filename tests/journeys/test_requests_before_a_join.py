"""A request is carried out only for the logins that were joined with its own when it was filed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import PlatformUnderTest
from tests.fixtures.proofs import add_external_id
from tests.journeys.rights import ACCESS, ERASURE, FIELDS, READ_REQUEST, run_operation
from tests.journeys.test_login_reach import MERGE, build_account, read_me, run_as_steward

PROVE = f"mutation($id: ID!) {{ proveIdentity(request: $id) {{ {FIELDS} }} }}"
RIGHTS = [ACCESS, ERASURE]


def issue_token(platform: PlatformUnderTest, account: str, age_s: int = 0) -> str:
    """Return a customer's own token of a login that is so old."""
    now_s = platform.internals.discloser.now_ms() // 1000
    return platform.issue_token("customer", subject=account, authenticated=now_s - age_s)


async def join_accounts(platform: PlatformUnderTest) -> None:
    """Join all customers as a steward."""
    everybody = await run_as_steward(platform, "{ customers { nodes { id } } }")
    await run_as_steward(
        platform, MERGE, ids=[customer["id"] for customer in everybody["customers"]["nodes"]]
    )


async def run_to_its_end(platform: PlatformUnderTest, account: str, request: str) -> dict[str, Any]:
    """Carry out the due requests, and return one as its login reads it."""
    await platform.run_due_requests()
    return await run_operation(platform, issue_token(platform, account), READ_REQUEST, id=request)


@pytest.mark.parametrize("operation", RIGHTS)
@pytest.mark.parametrize(("filing", "other"), [("w-ann", "w-ben"), ("w-ben", "w-ann")])
async def test_an_accepted_request_does_not_reach_a_login_that_joined_later(
    platform: PlatformUnderTest, operation: str, filing: str, other: str
) -> None:
    await platform.send_messages("web-shop", build_account("w-ann", "Ann"), build_account("w-ben", "Ben"))
    filed = await run_operation(platform, issue_token(platform, filing), operation)
    assert filed["state"] == "ACCEPTED"
    await join_accounts(platform)
    ended = await run_to_its_end(platform, filing, filed["id"])
    assert (ended["state"], ended["reason"]) == ("UNFULFILLED", "REACH_WIDENED")
    assert "again" in ended["nextStep"]
    for account in (filing, other):
        assert await read_me(platform, account) is not None
    again = await run_operation(platform, issue_token(platform, filing), operation)
    await platform.run_due_requests()
    assert again["id"] != filed["id"]
    if operation == ERASURE:
        assert await read_me(platform, other) is None


@pytest.mark.parametrize("operation", RIGHTS)
async def test_a_proof_of_identity_revives_no_request_from_before_a_join(
    platform: PlatformUnderTest, operation: str
) -> None:
    """A session that was left open files it; the person joins their other login and logs in again."""
    await platform.send_messages("web-shop", build_account("w-ann", "Ann"), build_account("w-ben", "Ben"))
    filed = await run_operation(platform, issue_token(platform, "w-ben", 3600), operation)
    assert (filed["state"], filed["reason"]) == ("ACTION_REQUIRED", "IDENTITY")
    await join_accounts(platform)
    proven = await run_operation(platform, issue_token(platform, "w-ben"), PROVE, id=filed["id"])
    assert (proven["state"], proven["reason"]) == ("UNFULFILLED", "REACH_WIDENED")
    await platform.run_due_requests()
    assert await read_me(platform, "w-ann") is not None


@pytest.mark.parametrize("operation", RIGHTS)
async def test_a_request_reaches_records_of_its_own_login_that_joined_later(
    platform: PlatformUnderTest, operation: str
) -> None:
    """A browser, and the same account at another source; a claim of its number changes nothing."""
    page = {"type": "page", "messageId": "page", "anonymousId": "ck"}
    await platform.send_messages("web-shop", build_account("w-ann", "Ann"), page)
    await run_operation(platform, issue_token(platform, "w-ann"), operation)
    login = {**build_account("w-ann", "Ann"), "messageId": "login", "anonymousId": "ck"}
    claim = add_external_id(build_account("w-eve", "Eve"), "user_id", "w-ann", "claimed")
    await platform.send_messages("web-shop", login, claim)
    await platform.send_messages("ios-app", build_account("w-ann", "Ann"))
    await platform.run_due_requests()
    ended = await run_as_steward(platform, "{ rightsRequests { nodes { state } } }")
    assert [node["state"] for node in ended["rightsRequests"]["nodes"]] == ["FULFILLED"]
    assert (await read_me(platform, "w-ann") is None) is (operation == ERASURE)
    assert await read_me(platform, "w-eve") is not None
