"""A customer's own token names a login, and reaches what the login has proven at each request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import PlatformUnderTest
from tests.fixtures.proofs import add_external_id, confirm_card
from tests.journeys.rights import ACCESS, LIST_OWN_REQUESTS, OPT_OUT, RESTRICTION, run_operation

NAME = "{ me { id identity { givenName } contact { email } } }"
MERGE = """mutation($ids: [ID!]!) {
  merge(customers: $ids, reason: "The same person.") { id identityHistory { nodes { id kind } } }
}"""
OBJECT = 'mutation { objectTo(purposes: ["analytics.reporting"]) { receipts { id } } }'
UNMERGE = "mutation($merge: ID!) { unmerge(merge: $merge) { id } }"


def build_account(account: str, name: str) -> dict[str, Any]:
    """Build an identify message of an account."""
    traits = {"firstName": name, "email": f"{name.lower()}@shop.example"}
    return {"type": "identify", "messageId": account, "userId": account, "traits": traits}


async def read_me(platform: PlatformUnderTest, account: str) -> dict[str, Any] | None:
    """Return what a login reads about its customer; None if it reaches nobody."""
    answer = await platform.query(NAME, platform.issue_token("customer", subject=account))
    assert "errors" not in answer, answer
    me: dict[str, Any] | None = answer["data"]["me"]
    return me


async def run_as_steward(platform: PlatformUnderTest, query: str, **variables: Any) -> dict[str, Any]:
    """Run a steward's operation that must succeed, and return its data."""
    steward = platform.issue_token("steward", client="customer-app")
    answer = await platform.query(query, steward, variables)
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


async def merge_ann_and_ben(platform: PlatformUnderTest) -> str:
    """Merge two accounts as a steward, and return the id of the merge."""
    await platform.send_messages("web-shop", build_account("w-ann", "Ann"), build_account("w-ben", "Ben"))
    everybody = await run_as_steward(platform, "{ customers { nodes { id } } }")
    ids = [customer["id"] for customer in everybody["customers"]["nodes"]]
    merged = (await run_as_steward(platform, MERGE, ids=ids))["merge"]
    merge: str = merged["identityHistory"]["nodes"][0]["id"]
    return merge


async def test_after_an_unmerge_each_login_reads_its_own_part(platform: PlatformUnderTest) -> None:
    """A token that was issued while both were one reads nothing of the other afterwards."""
    merge = await merge_ann_and_ben(platform)
    assert await read_me(platform, "w-ann") == await read_me(platform, "w-ben")
    await run_as_steward(platform, UNMERGE, merge=merge)
    for account, name in (("w-ann", "Ann"), ("w-ben", "Ben")):
        me = await read_me(platform, account)
        assert me is not None
        assert (me["identity"]["givenName"], me["contact"]["email"]) == (name, f"{name.lower()}@shop.example")


async def test_a_request_belongs_to_the_login_that_filed_it(platform: PlatformUnderTest) -> None:
    """Ben asks while he and Ann are merged: after the unmerge the request is his, and she sees none."""
    merge = await merge_ann_and_ben(platform)
    login = platform.internals.discloser.now_ms() // 1000
    tokens = [
        platform.issue_token("customer", subject=account, authenticated=login)
        for account in ("w-ann", "w-ben")
    ]
    for operation in (ACCESS, OPT_OUT, RESTRICTION, OBJECT):
        await run_operation(platform, tokens[1], operation)
    await run_as_steward(platform, UNMERGE, merge=merge)
    await platform.run_due_requests()
    of_ann, of_ben = [
        (await platform.query(LIST_OWN_REQUESTS, token))["data"]["me"]["rightsRequests"]["nodes"]
        for token in tokens
    ]
    assert of_ann == []
    rights = {"ACCESS", "OPT_OUT_SALE", "RESTRICTION", "OBJECTION"}
    assert {(request["right"], request["state"]) for request in of_ben} == {
        (right, "FULFILLED") for right in rights
    }


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("web-shop", add_external_id(build_account("w-eve", "Eve"), "user_id", "w-new")),
        ("web-shop", add_external_id(build_account("w-eve", "Eve"), "user_id", "w-new", "claimed")),
        ("ios-app", {**build_account("w-eve", "Eve"), "type": "alias", "previousId": "w-new"}),
    ],
)
async def test_a_number_that_is_only_claimed_is_no_login(
    platform: PlatformUnderTest, source: str, message: dict[str, Any]
) -> None:
    """Who types an account number before its owner exists does not hand them their own data."""
    await platform.send_messages("web-shop", build_account("w-eve", "Eve"))
    await platform.send_messages(source, {**message, "messageId": "claim"})
    assert await read_me(platform, "w-new") is None
    await platform.send_messages("web-shop", build_account("w-new", "Nora"))
    me = await read_me(platform, "w-new")
    assert me is not None
    assert me["identity"]["givenName"] == "Nora"


async def test_an_account_reaches_what_the_card_that_it_confirmed_has_bought(
    platform: PlatformUnderTest,
) -> None:
    """Before the confirmation the card's record is somebody else's."""
    order = {"order_id": "o1", "total": 10, "currency": "EUR"}
    bought = {"type": "track", "event": "Order Completed", "messageId": "o1", "properties": order}
    await platform.send_messages("tills", {**bought, "userId": "L-1"})
    await platform.send_messages("web-shop", build_account("w-ann", "Ann"))
    token = platform.issue_token("customer", subject="w-ann")
    count = "{ me { commerce { orderCount } } }"
    before = await platform.query(count, token)
    confirmed = {**build_account("w-ann", "Ann"), "messageId": "confirmed"}
    await platform.send_messages("web-shop", confirm_card(confirmed, "L-1"))
    after = await platform.query(count, token)
    assert [answer["data"]["me"]["commerce"]["orderCount"] for answer in (before, after)] == [None, 1]
