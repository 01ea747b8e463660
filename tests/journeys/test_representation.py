"""Who may say what a customer agrees to and who reads it: they, the privacy office, nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import House
from tests.journeys.consent import (
    ANN,
    EMAIL,
    OBJECT,
    OPT_OUT,
    SET,
    WITHDRAW,
    ann,
    give,
    history,
)

CALLS = [
    (SET, {"p": [{"purpose": EMAIL, "given": False}]}),
    (WITHDRAW, {"p": [EMAIL]}),
    (OBJECT, {"p": [EMAIL]}),
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
async def test_who_may_speak_for_a_customer(
    house: House, caller: str, code: str | None, query: str, variables: dict[str, Any]
) -> None:
    """The customer and the privacy office. Everybody else is refused, and nothing changes."""
    own = await ann(house)
    await house.tell(
        "tills", {**ANN, "messageId": "s1", "userId": "L-1", "traits": {"email": "bob@shop.example"}}
    )
    await give(house, own, "marketing")
    before = await history(house, own)
    customer = (await house.ask("{ me { id } }", own))["data"]["me"]["id"]
    callers = {
        "customer": own,
        "another customer": await house.own_token("email", "bob@shop.example"),
        "another client": house.token("customer", client="elsewhere", subject=customer),
        "source": house.token(client="web-shop", subject="web-shop", scopes=["ingest"]),
        "nobody": None,
    }
    token = callers[caller] if caller in callers else house.token(caller, client="customer-app")
    answer = await house.ask(query, token, {**variables, "c": customer})
    after = await history(house, own)
    if code is None:
        assert "errors" not in answer, answer
        assert len(after) == len(before) + 1
        return
    assert [one["extensions"]["code"] for one in answer["errors"]] == [code]
    assert after == before


async def test_what_a_steward_did_and_saw_is_disclosed_to_the_customer(house: House) -> None:
    """Also if the answer names no customer: what somebody permits is told of them."""
    own = await ann(house)
    customer = (await house.ask("{ me { id } }", own))["data"]["me"]["id"]
    steward = house.token("steward", client="customer-app")
    query = "mutation($c: ID) { optOut(customer: $c) { permissions { permitted } } }"
    answer = await house.ask(query, steward, {"c": customer})
    receipt = answer["extensions"]["disclosure"]["receipt"]
    seen = await house.ask("{ me { disclosures(first: 50) { nodes { receipt actor also } } } }", own)
    (look,) = [one for one in seen["data"]["me"]["disclosures"]["nodes"] if one["receipt"] == receipt]
    assert (look["actor"], look["also"]) == ("staff@shop.example", ["consents", "permissions"])


@pytest.mark.parametrize(
    "asked",
    [
        "consents { nodes { id } }",
        "consentExport",
        "permissions { permitted }",
        "jurisdictions { key }",
        "optOutSignal { honouredSince }",
    ],
)
@pytest.mark.parametrize("role", ["frontend", "support", "marketing", "partner", "steward"])
async def test_who_reads_what_a_customer_said(house: House, role: str, asked: str) -> None:
    """The customer and the steward; others get a refusal and null."""
    await give(house, await ann(house), "marketing", "personalize")
    answer = await house.ask(f"{{ customers {{ nodes {{ {asked} }} }} }}", house.token(role))
    if role == "steward":
        assert "errors" not in answer, answer
        return
    assert [list(one.values()) for one in answer["data"]["customers"]["nodes"]] == [[None]]
    assert answer["errors"][0]["extensions"]["code"] == "CONSENT_NOT_GRANTED"
