"""A yes of one of two joined logins covers the person, and stays with its speaker; a no stays with both."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import PlatformUnderTest
from tests.journeys.consent import EMAIL, SET_CONSENT, WITHDRAW_CONSENT, find_permission, mutate, read_history
from tests.journeys.test_login_reach import UNMERGE, merge_ann_and_ben, run_as_steward

PERMISSIONS = "{ me { permissions { purpose { key } permitted said why since } } }"
LOGINS = ("w-ann", "w-ben")
JOIN_AGAIN = 'mutation($ids: [ID!]!) { merge(customers: $ids, reason: "Again.") { id } }'


def issue_token(platform: PlatformUnderTest, login: str) -> str:
    """Return a customer's own token of a login."""
    return platform.issue_token("customer", subject=login)


async def read_permission(platform: PlatformUnderTest, login: str) -> tuple[bool, bool | None]:
    """Return whether e-mail marketing is permitted, and what a login reads as the customer's word."""
    answer = await platform.query(PERMISSIONS, issue_token(platform, login))
    permission = find_permission(answer["data"]["me"], EMAIL)
    return permission["permitted"], permission["said"]


async def choose(platform: PlatformUnderTest, login: str, *, given: bool) -> dict[str, Any]:
    """Say yes or no to e-mail marketing under a login, and return the permission in the answer."""
    choices = [{"purpose": EMAIL, "given": given}]
    payload = await mutate(platform, issue_token(platform, login), SET_CONSENT, p=choices)
    return find_permission(payload, EMAIL)


@pytest.mark.parametrize(("speaker", "other"), [LOGINS, LOGINS[::-1]])
async def test_a_yes_covers_the_person_and_stays_with_its_speaker(
    platform: PlatformUnderTest, speaker: str, other: str
) -> None:
    """Whoever joined an account that was not theirs has agreed to nothing for its owner."""
    merge = await merge_ann_and_ben(platform)
    assert (await choose(platform, speaker, given=True))["permitted"]
    assert [await read_permission(platform, login) for login in LOGINS] == [(True, True), (True, True)]
    await run_as_steward(platform, UNMERGE, merge=merge)
    assert await read_permission(platform, speaker) == (True, True)
    assert await read_permission(platform, other) == (False, None)
    assert [event["state"] for event in await read_history(platform, issue_token(platform, speaker))] == [
        "given"
    ]
    assert await read_history(platform, issue_token(platform, other)) == []


@pytest.mark.parametrize(("speaker", "other"), [LOGINS, LOGINS[::-1]])
async def test_a_no_stays_with_both(platform: PlatformUnderTest, speaker: str, other: str) -> None:
    merge = await merge_ann_and_ben(platform)
    await choose(platform, other, given=True)
    await mutate(platform, issue_token(platform, speaker), WITHDRAW_CONSENT, p=[EMAIL])
    await run_as_steward(platform, UNMERGE, merge=merge)
    assert [await read_permission(platform, login) for login in LOGINS] == [(False, False), (False, False)]
    for login in LOGINS:
        assert (await read_history(platform, issue_token(platform, login)))[0]["state"] == "withdrawn"


async def test_a_yes_lifts_a_refusal_of_another_login_only_while_they_are_joined(
    platform: PlatformUnderTest,
) -> None:
    """After the separation the refusal counts again, and a later join does not lift it either."""
    merge = await merge_ann_and_ben(platform)
    await mutate(platform, issue_token(platform, "w-ann"), WITHDRAW_CONSENT, p=[EMAIL])
    assert (await choose(platform, "w-ben", given=True))["why"] == "agreed"
    assert await read_permission(platform, "w-ann") == (True, True)
    await run_as_steward(platform, UNMERGE, merge=merge)
    assert await read_permission(platform, "w-ann") == (False, False)
    assert await read_permission(platform, "w-ben") == (True, True)
    everybody = await run_as_steward(platform, "{ customers { nodes { id } } }")
    ids = [customer["id"] for customer in everybody["customers"]["nodes"]]
    await run_as_steward(platform, JOIN_AGAIN, ids=ids)
    assert await read_permission(platform, "w-ben") == (False, False)


async def test_an_own_yes_from_before_the_join_is_back_after_the_separation(
    platform: PlatformUnderTest,
) -> None:
    """The other login's later yes has not replaced it."""
    merge = await merge_ann_and_ben(platform)
    for login in ("w-ann", "w-ben"):
        await choose(platform, login, given=True)
    await run_as_steward(platform, UNMERGE, merge=merge)
    assert [await read_permission(platform, login) for login in LOGINS] == [(True, True), (True, True)]


async def test_a_yes_covers_a_browser_of_the_same_login_that_had_refused(platform: PlatformUnderTest) -> None:
    """The cookie has no login of its own: the person lifts there what the browser had sent before."""
    merge = await merge_ann_and_ben(platform)
    refusal = {"consent": {"categoryPreferences": {EMAIL: False}}}
    page = {"type": "page", "anonymousId": "ck"}
    login = {"type": "identify", "userId": "w-ann", "anonymousId": "ck", "traits": {}}
    await platform.send_messages("web-shop", login, {**page, "context": refusal})
    assert await read_permission(platform, "w-ann") == (False, False)
    assert (await choose(platform, "w-ann", given=True))["why"] == "agreed"
    await run_as_steward(platform, UNMERGE, merge=merge)
    assert await read_permission(platform, "w-ann") == (True, True)
    assert await read_permission(platform, "w-ben") == (False, None)
