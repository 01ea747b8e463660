"""An address that an anonymous record only claims is not shown to direct marketing under its own yes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import PlatformUnderTest
from tests.journeys.consent import EMAIL

VICTIM = "victim@mail.example"
SUPPORT, TEXTS = "essential.service.operations.support", "marketing.communications.sms"
LIST = "{ customers { nodes { identity { givenName } contact { email phone } identifiers { type value } } } }"
FIND = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { contact { email } } }'


def build_message(name: str, **traits: Any) -> dict[str, Any]:
    """Return a message of a browser, or of an account whose name begins with ``w``, that agrees."""
    key = "userId" if name.startswith("w") else "anonymousId"
    consent = {"categoryPreferences": {EMAIL: True, TEXTS: True}}
    traits = {"givenName": name, "address": {"country": "DE"}, **traits}
    return {"type": "identify", key: name, "traits": traits, "context": {"consent": consent}}


def issue_token(platform: PlatformUnderTest, *purposes: str) -> str:
    """Return a token with these purposes."""
    return platform.issue_token(purposes=purposes)


async def read_addresses(platform: PlatformUnderTest, *purposes: str) -> list[str]:
    """Return every address of anybody that a token with these purposes reads in any way."""
    token = issue_token(platform, *purposes)
    answer = await platform.query(LIST, token)
    assert "errors" not in answer, answer
    addresses: list[str | None] = []
    for node in answer["data"]["customers"]["nodes"]:
        contact = node["contact"] or {}
        addresses += [contact.get("email"), contact.get("phone")]
        addresses += [item["value"] for item in node["identifiers"] or () if item["type"] != "user_id"]
    match = (await platform.query(FIND, token, {"v": VICTIM}))["data"]["customer"]
    addresses.append(None if match is None else match["contact"]["email"] or "match")
    return sorted({address for address in addresses if address})


async def test_an_address_that_a_browser_types_is_not_shown_to_marketing(platform: PlatformUnderTest) -> None:
    """Attack: an anonymous browser types a stranger's address and number and agrees to everything."""
    await platform.send_messages("web-shop", build_message("ck-1", email=VICTIM, phone="+49 30 901820"))
    assert await read_addresses(platform, EMAIL, TEXTS) == []
    assert await read_addresses(platform, SUPPORT) == ["+4930901820", VICTIM]


@pytest.mark.parametrize(
    "proof",
    [
        build_message("ck-1", email=VICTIM, emailVerified=True),
        build_message("w-1", email=VICTIM),
        build_message("w-1", email=VICTIM, emailVerified=True),
    ],
    ids=["confirmed by the browser", "stated by an account", "confirmed by an account"],
)
async def test_an_address_of_an_account_or_a_confirmed_one_is_shown(
    platform: PlatformUnderTest, proof: dict[str, Any]
) -> None:
    await platform.send_messages("web-shop", build_message("ck-1", email=VICTIM))
    assert await read_addresses(platform, EMAIL) == []
    await platform.send_messages("web-shop", {**proof, "messageId": "later"})
    assert await read_addresses(platform, EMAIL) == [VICTIM]


async def test_a_token_with_support_and_marketing_sees_it_for_support(platform: PlatformUnderTest) -> None:
    """Any purpose that is justified suffices, as for every attribute."""
    await platform.send_messages("web-shop", build_message("ck-1", email=VICTIM))
    assert await read_addresses(platform, EMAIL, SUPPORT) == [VICTIM]


@pytest.mark.parametrize("address", [{}, {"email": VICTIM}])
async def test_marketing_does_not_learn_whether_an_address_was_typed(
    platform: PlatformUnderTest, address: dict[str, str]
) -> None:
    """The answers with and without the address are equal, the reasons of what is withheld included."""
    await platform.send_messages("web-shop", build_message("ck-1", **address))
    query = "{ customers { totalCount nodes { contact { email } identifiers { value } } } }"
    answer = await platform.query(query, issue_token(platform, EMAIL))
    assert answer["data"]["customers"] == {
        "totalCount": 1,
        "nodes": [{"contact": {"email": None}, "identifiers": []}],
    }
    (withheld,) = answer["extensions"]["disclosure"]["withheld"]
    assert (withheld["reason"], withheld["count"]) == ("WITHHELD", 1)


async def test_a_steward_reads_the_reason(platform: PlatformUnderTest) -> None:
    await platform.send_messages("web-shop", build_message("ck-1", email=VICTIM))
    token = platform.issue_token(purposes=[EMAIL], scopes=["steward"])
    answer = await platform.query("{ customers { nodes { contact { email } } } }", token)
    (withheld,) = answer["extensions"]["disclosure"]["withheld"]
    assert withheld["reason"] == "IDENTIFIER_NOT_PROVEN"


async def test_a_claim_by_another_record_takes_no_proof_away(platform: PlatformUnderTest) -> None:
    """The account has confirmed the address; its card's till repeats what is on a receipt."""
    card = {"id": "L-100200", "type": "loyalty_id", "assurance": "proven"}
    account = build_message("w-1", email=VICTIM, emailVerified=True)
    account["context"]["externalIds"] = [card]
    await platform.send_messages("web-shop", account)
    till = {"type": "identify", "userId": "L-100200", "traits": {"firstName": "V"}}
    await platform.send_messages("tills", till)
    await platform.send_messages("tills", {**till, "messageId": "t2", "traits": {"email": VICTIM}})
    query = "{ customers { nodes { contact { email emailVerified } } } }"
    answer = await platform.query(query, issue_token(platform, EMAIL, SUPPORT))
    assert answer["data"]["customers"]["nodes"] == [{"contact": {"email": VICTIM, "emailVerified": True}}]
