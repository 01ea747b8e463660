"""Only the customer and the privacy office may record a customer's consent and read it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import PlatformUnderTest
from tests.journeys.consent import (
    ANN,
    EMAIL,
    OBJECT_TO,
    OPT_OUT,
    SET_CONSENT,
    WITHDRAW_CONSENT,
    create_ann,
    give_consent,
    read_history,
)

CALLS = [
    (SET_CONSENT, {"p": [{"purpose": EMAIL, "given": False}]}),
    (WITHDRAW_CONSENT, {"p": [EMAIL]}),
    (OBJECT_TO, {"p": [EMAIL]}),
    (OPT_OUT, {}),
]


@pytest.mark.parametrize(("query", "variables"), CALLS)
@pytest.mark.parametrize(
    ("caller", "code"),
    [
        ("customer", None),
        ("steward", None),
        ("partner", "CONSENT_NOT_GRANTED"),
        ("frontend", "CONSENT_NOT_GRANTED"),
        ("support", "CONSENT_NOT_GRANTED"),
        ("marketing", "CONSENT_NOT_GRANTED"),
        ("source", "CONSENT_NOT_GRANTED"),
        ("another customer", "CUSTOMER_NOT_FOUND"),
        ("another client", "CUSTOMER_NOT_FOUND"),
        ("nobody", "TOKEN_MISSING"),
    ],
)
async def test_only_customer_and_steward_may_record_consent(
    platform: PlatformUnderTest, caller: str, code: str | None, query: str, variables: dict[str, Any]
) -> None:
    """Every other caller is refused, and nothing changes."""
    own_token = await create_ann(platform)
    await platform.send_messages(
        "ios-app", {**ANN, "messageId": "s1", "userId": "a-bob", "traits": {"email": "bob@shop.example"}}
    )
    await give_consent(platform, own_token, "marketing")
    before = await read_history(platform, own_token)
    customer = (await platform.query("{ me { id } }", own_token))["data"]["me"]["id"]
    callers = {
        "customer": own_token,
        "another customer": await platform.issue_customer_token("email", "bob@shop.example"),
        "another client": platform.issue_token("customer", client="elsewhere", subject="a-bob"),
        "source": platform.issue_token(client="web-shop", subject="web-shop", scopes=["ingest"]),
        "nobody": None,
    }
    token = callers[caller] if caller in callers else platform.issue_token(caller, client="customer-app")
    answer = await platform.query(query, token, {**variables, "c": customer})
    after = await read_history(platform, own_token)
    if code is None:
        assert "errors" not in answer, answer
        assert len(after) == len(before) + 1
        return
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    assert after == before


async def test_a_stewards_consent_change_is_disclosed_to_the_customer(platform: PlatformUnderTest) -> None:
    """This holds even if the answer names no customer: permissions are personal data."""
    own_token = await create_ann(platform)
    customer = (await platform.query("{ me { id } }", own_token))["data"]["me"]["id"]
    steward = platform.issue_token("steward", client="customer-app")
    query = "mutation($c: ID) { optOut(customer: $c) { permissions { permitted } } }"
    answer = await platform.query(query, steward, {"c": customer})
    receipt = answer["extensions"]["disclosure"]["receipt"]
    disclosures = await platform.query(
        "{ me { disclosures(first: 50) { nodes { receipt actor also } } } }", own_token
    )
    (disclosure,) = [
        candidate
        for candidate in disclosures["data"]["me"]["disclosures"]["nodes"]
        if candidate["receipt"] == receipt
    ]
    assert (disclosure["actor"], disclosure["also"]) == ("staff@shop.example", ["consents", "permissions"])


@pytest.mark.parametrize(
    "selection",
    [
        "consents { nodes { id } }",
        "consentExport",
        "permissions { permitted }",
        "jurisdictions { key }",
        "optOutSignal { honouredSince }",
    ],
)
@pytest.mark.parametrize("role", ["frontend", "support", "marketing", "partner", "steward"])
async def test_only_customer_and_steward_may_read_consent(
    platform: PlatformUnderTest, role: str, selection: str
) -> None:
    """Other roles get null and the code CUSTOMER_OR_STEWARD_ONLY."""
    await give_consent(platform, await create_ann(platform), "marketing", "personalize")
    answer = await platform.query(
        f"{{ customers {{ nodes {{ {selection} }} }} }}", platform.issue_token(role)
    )
    if role == "steward":
        assert "errors" not in answer, answer
        return
    assert [list(node.values()) for node in answer["data"]["customers"]["nodes"]] == [[None]]
    assert answer["errors"][0]["extensions"]["code"] == "CUSTOMER_OR_STEWARD_ONLY"
