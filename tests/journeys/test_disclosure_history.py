"""A customer reads who saw what of them; so does the steward, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import House

ANN = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "traits": {"firstName": "Ann", "email": "ann@shop.example", "phone": "+44 7700 900123"},
}
AT_THE_TILL = {
    "type": "identify",
    "messageId": "s1",
    "userId": "L-1",
    "traits": {"firstName": "Anne", "phone": "+44 7700 900124"},
}
SEEN = "{ me { disclosures(first: 10) { nodes { client actor purposes attributes forms } } } }"


async def seen(house: House, token: str) -> list[dict[str, Any]]:
    """What a customer reads of the ledger."""
    answer = await house.ask(SEEN, token)
    assert "errors" not in answer, answer
    nodes: list[dict[str, Any]] = answer["data"]["me"]["disclosures"]["nodes"]
    return nodes


async def look(house: House, role: str, phone: str) -> None:
    """Somebody looks at a customer's name."""
    query = (
        'query($v: String!) { customer(identifier: {type: "phone", value: $v}) { identity { givenName } } }'
    )
    answer = await house.ask(query, house.token(role), {"v": phone})
    assert answer["data"]["customer"], answer


async def test_every_look_is_there_newest_first(house: House) -> None:
    """Who, what for, which attributes, in which form."""
    await house.tell("web-shop", ANN)
    await look(house, "support", "+447700900123")
    token = await house.own_token("email", "ann@shop.example")
    newest, first = await seen(house, token)
    assert first == {
        "client": "support-desk",
        "actor": "staff@shop.example",
        "purposes": ["essential.service.operations.support"],
        "attributes": ["identity.givenName"],
        "forms": ["clear"],
    }
    assert (newest["client"], newest["attributes"]) == ("customer-app", [])


async def test_a_merge_hides_no_look_and_a_parting_gives_each_their_own_back(house: House) -> None:
    """Those who were two and are one have both histories; parted again, each has theirs."""
    await house.tell("web-shop", ANN)
    await house.tell("tills", AT_THE_TILL)
    await look(house, "support", "+447700900123")
    await look(house, "support", "+447700900124")
    steward = house.token("steward", client="customer-app")
    found = await house.ask("{ customers { nodes { id } } }", steward)
    ids = [one["id"] for one in found["data"]["customers"]["nodes"]]
    merged = await house.ask(
        "mutation($ids: [ID!]!) { merge(customers: $ids) { id identityHistory { nodes { id kind } } } }",
        steward,
        {"ids": ids},
    )
    one = merged["data"]["merge"]
    looks = await seen(house, house.token("customer", subject=one["id"]))
    assert [look["client"] for look in looks].count("support-desk") == 2
    parted = await house.ask(
        "mutation($m: ID!) { unmerge(merge: $m) { id } }",
        steward,
        {"m": one["identityHistory"]["nodes"][0]["id"]},
    )
    assert {one["id"] for one in parted["data"]["unmerge"]} == set(ids)
    for customer in ids:
        looks = await seen(house, house.token("customer", subject=customer))
        assert [look["client"] for look in looks].count("support-desk") == 1


@pytest.mark.parametrize("role", ["frontend", "support", "marketing", "partner"])
async def test_others_do_not_read_who_saw_whom(house: House, role: str) -> None:
    """A frontend, the support desk, a partner: a clear refusal, and no entries."""
    await house.tell(
        "web-shop", {**ANN, "context": {"consent": {"categoryPreferences": {"marketing": True}}}}
    )
    answer = await house.ask(
        "{ customers { nodes { disclosures { nodes { client } } } } }", house.token(role)
    )
    assert [one["disclosures"] for one in answer["data"]["customers"]["nodes"]] == [None]
    assert answer["errors"][0]["extensions"]["code"] == "DISCLOSURES_NOT_GRANTED"
