"""Attacks by which a source would extend a customer's permissions or damage the consent record."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.fixtures.platform import PlatformUnderTest

EMAIL = "marketing.communications.email"
ANN: dict[str, Any] = {
    "type": "identify",
    "messageId": "1",
    "userId": "w-1",
    "timestamp": "2026-01-01T00:00:00Z",
    "traits": {"email": "ann@shop.example", "residence": "DE"},
}


async def query_me(platform: PlatformUnderTest, fields: str) -> dict[str, Any]:
    """Return fields of ``me`` with Ann's token."""
    answer = await platform.query(
        f"{{ me {{ {fields} }} }}", await platform.issue_customer_token("email", "ann@shop.example")
    )
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]["me"]
    return data


async def is_permitted(platform: PlatformUnderTest, purpose: str) -> bool:
    """Return whether Ann permits a purpose."""
    permissions = (await query_me(platform, "permissions { purpose { key } permitted }"))["permissions"]
    return {permission["purpose"]["key"]: bool(permission["permitted"]) for permission in permissions}[
        purpose
    ]


def build_consent(message_id: str, **members: Any) -> dict[str, Any]:
    """Return a consent message about Ann."""
    return {"type": "consent", "userId": "w-1", "messageId": message_id, **members}


async def test_a_consent_valid_past_the_year_9999_is_refused(platform: PlatformUnderTest) -> None:
    """A UTC offset moves the time past the year 9999, which no answer can represent."""
    overlong_consent = build_consent("c1", purposes={EMAIL: True}, validUntil="9999-12-31T23:59:59-14:00")
    (result,) = (await platform.send_messages("web-shop", ANN, overlong_consent))["results"][1:]
    assert (result["status"], result["code"]) == ("refused", "VALID_UNTIL_INVALID")
    assert (await query_me(platform, "consents { nodes { validUntil } } consentExport"))["consents"][
        "nodes"
    ] == []


async def test_consent_messages_have_their_own_message_id_space(platform: PlatformUnderTest) -> None:
    """A sender may count its consent messages separately, from 1."""
    await platform.send_messages("web-shop", ANN, build_consent("0", purposes={EMAIL: True}))
    assert await is_permitted(platform, EMAIL)
    (result,) = (await platform.send_messages("web-shop", build_consent("1", purposes={EMAIL: False})))[
        "results"
    ]
    assert result["status"] == "accepted"
    assert not await is_permitted(platform, EMAIL)
    (repeated_result,) = (
        await platform.send_messages("web-shop", build_consent("1", purposes={EMAIL: False}))
    )["results"]
    assert repeated_result["status"] == "duplicate"


async def test_a_child_who_refused_everything_is_still_protected(
    platform: PlatformUnderTest,
) -> None:
    """No permitted purpose uses the birth date, but it is kept: it prevents a later consent from counting."""
    refusals = {"categoryPreferences": dict.fromkeys(("marketing", "analytics", "essential"), False)}
    message = {**ANN, "traits": {**ANN["traits"], "birthday": "2014-05-01"}, "context": {"consent": refusals}}
    await platform.send_messages("web-shop", message)
    await platform.send_messages("web-shop", build_consent("2", purposes={EMAIL: True}))
    assert not await is_permitted(platform, EMAIL)


async def test_a_withdrawal_during_an_unmerge_counts_for_its_author(platform: PlatformUnderTest) -> None:
    """The withdrawal follows the login: it is not attributed to the other merged person."""
    merge = (
        "mutation($ids: [ID!]!) { "
        'merge(customers: $ids, reason: "D-17") { identityHistory { nodes { id } } } }'
    )
    unmerge = "mutation($id: ID!) { unmerge(merge: $id) { id } }"
    withdraw = 'mutation { withdrawConsent(purposes: ["marketing"]) { receipts { id } } }'
    steward = platform.issue_token("steward", client="customer-app")
    for number in range(3):
        tokens = []
        for name in (f"ann-{number}", f"ben-{number}"):
            traits = {"email": f"{name}@shop.example", "residence": "DE"}
            consent_message = {**build_consent(name, purposes={EMAIL: True}), "userId": name}
            await platform.send_messages(
                "web-shop", {**ANN, "messageId": name, "userId": name, "traits": traits}, consent_message
            )
            tokens.append(await platform.issue_customer_token("email", traits["email"]))
        ids = [(await platform.query("{ me { id } }", token))["data"]["me"]["id"] for token in tokens]
        merge_events = (await platform.query(merge, steward, {"ids": ids}))["data"]["merge"][
            "identityHistory"
        ]["nodes"]
        answers = await asyncio.gather(
            platform.query(unmerge, steward, {"id": merge_events[0]["id"]}),
            *(platform.query(withdraw, token) for token in tokens[1:]),
        )
        # An answer that would have shown the merged customer is discarded; the withdrawal is in force.
        codes = {error["extensions"]["code"] for answer in answers for error in answer.get("errors", ())}
        assert codes <= {"REACH_CHANGED"}, answers
        answer = await platform.query("{ me { permissions { purpose { key } permitted } } }", tokens[1])
        permissions = {
            permission["purpose"]["key"]: permission["permitted"]
            for permission in answer["data"]["me"]["permissions"]
        }
        assert not permissions[EMAIL]


async def test_an_app_key_cannot_state_a_guardians_consent(platform: PlatformUnderTest) -> None:
    """Sources that may speak for guardians are declared; write keys of apps and pages are public."""
    guardian_consent = build_consent("c1", purposes={EMAIL: True}, guardian={"reference": "parents/1"})
    (result,) = (await platform.send_messages("ios-app", {**guardian_consent, "userId": "a-1"}))["results"]
    assert (result["status"], result["code"]) == ("refused", "GUARDIAN_NOT_GRANTED")
    (result,) = (await platform.send_messages("web-shop", ANN, guardian_consent))["results"][1:]
    assert result["status"] == "accepted"
