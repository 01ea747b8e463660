"""Who would widen what somebody permits, or break what is on record of them, as a source can."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.fixtures.platform import House

EMAIL = "marketing.communications.email"
ANN: dict[str, Any] = {
    "type": "identify",
    "messageId": "1",
    "userId": "w-1",
    "timestamp": "2026-01-01T00:00:00Z",
    "traits": {"email": "ann@shop.example", "residence": "DE"},
}


async def me(house: House, fields: str) -> dict[str, Any]:
    """What Ann sees of herself."""
    answer = await house.ask(f"{{ me {{ {fields} }} }}", await house.own_token("email", "ann@shop.example"))
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["me"]
    return found


async def permitted(house: House, purpose: str) -> bool:
    """Whether Ann permits a purpose."""
    told = (await me(house, "permissions { purpose { key } permitted }"))["permissions"]
    return {one["purpose"]["key"]: bool(one["permitted"]) for one in told}[purpose]


def consent(name: str, **members: Any) -> dict[str, Any]:
    """A consent message about Ann."""
    return {"type": "consent", "userId": "w-1", "messageId": name, **members}


async def test_no_source_makes_a_record_that_cannot_be_read(house: House) -> None:
    """An offset says a time after the year 9999, which no answer can."""
    late = consent("c1", purposes={EMAIL: True}, validUntil="9999-12-31T23:59:59-14:00")
    (told,) = (await house.tell("web-shop", ANN, late))["results"][1:]
    assert (told["status"], told["code"]) == ("refused", "VALID_UNTIL_INVALID")
    assert (await me(house, "consents { nodes { validUntil } } consentExport"))["consents"]["nodes"] == []


async def test_a_no_is_not_lost_under_the_name_of_another_message(house: House) -> None:
    """A sender counts its consent messages by themselves, from 1."""
    await house.tell("web-shop", ANN, consent("0", purposes={EMAIL: True}))
    assert await permitted(house, EMAIL)
    (told,) = (await house.tell("web-shop", consent("1", purposes={EMAIL: False})))["results"]
    assert told["status"] == "accepted"
    assert not await permitted(house, EMAIL)
    (again,) = (await house.tell("web-shop", consent("1", purposes={EMAIL: False})))["results"]
    assert again["status"] == "duplicate"


async def test_who_refused_everything_first_is_still_protected_as_a_child(house: House) -> None:
    """Their day of birth serves nothing that is left, and yet it is what keeps a later yes from counting."""
    refused = {"categoryPreferences": dict.fromkeys(("marketing", "analytics", "essential"), False)}
    born = {**ANN, "traits": {**ANN["traits"], "birthday": "2014-05-01"}, "context": {"consent": refused}}
    await house.tell("web-shop", born)
    await house.tell("web-shop", consent("2", purposes={EMAIL: True}))
    assert not await permitted(house, EMAIL)


async def test_a_no_said_while_people_are_parted_is_of_whoever_said_it(house: House) -> None:
    """Under their older id: not the word of who was taken for them until then."""
    merge = "mutation($ids: [ID!]!) { merge(customers: $ids) { identityHistory { nodes { id } } } }"
    part = "mutation($id: ID!) { unmerge(merge: $id) { id } }"
    withdraw = 'mutation { withdrawConsent(purposes: ["marketing"]) { receipts { id } } }'
    steward = house.token("steward", client="customer-app")
    for number in range(3):
        tokens = []
        for name in (f"ann-{number}", f"ben-{number}"):
            traits = {"email": f"{name}@shop.example", "residence": "DE"}
            yes = {**consent(name, purposes={EMAIL: True}), "userId": name}
            await house.tell("web-shop", {**ANN, "messageId": name, "userId": name, "traits": traits}, yes)
            tokens.append(await house.own_token("email", traits["email"]))
        names = [(await house.ask("{ me { id } }", one))["data"]["me"]["id"] for one in tokens]
        merged = (await house.ask(merge, steward, {"ids": names}))["data"]["merge"]["identityHistory"][
            "nodes"
        ]
        told = await asyncio.gather(
            house.ask(part, steward, {"id": merged[0]["id"]}),
            *(house.ask(withdraw, one) for one in tokens[1:]),
        )
        assert not any("errors" in one for one in told), told
        his = await house.ask("{ me { permissions { purpose { key } permitted } } }", tokens[1])
        found = {one["purpose"]["key"]: one["permitted"] for one in his["data"]["me"]["permissions"]}
        assert not found[EMAIL]


async def test_a_child_with_the_app_s_key_is_no_guardian(house: House) -> None:
    """Who speaks for guardians is declared; the keys of apps and pages can be read out of them."""
    grown = consent("c1", purposes={EMAIL: True}, guardian={"reference": "parents/1"})
    (told,) = (await house.tell("ios-app", {**grown, "userId": "a-1"}))["results"]
    assert (told["status"], told["code"]) == ("refused", "GUARDIAN_NOT_GRANTED")
    (told,) = (await house.tell("web-shop", ANN, grown))["results"][1:]
    assert told["status"] == "accepted"
