"""A customer shops on the web, in a store and in the app, and is one person to those who may know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.platform import House, open_house

WEB = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "anonymousId": "ck-1",
    "timestamp": "2026-05-01T10:00:00Z",
    "traits": {
        "firstName": "Ann",
        "email": "Ann@Shop.Example",
        "address": {"country": "GB"},
        "hobby": "chess",
    },
    "context": {"consent": {"categoryPreferences": {"marketing": True}}},
}
STORE = {
    "type": "identify",
    "messageId": "s1",
    "userId": "L-1",
    "timestamp": "2026-06-01T10:00:00Z",
    "traits": {"email": "ann@shop.example", "phone": "07700 900123", "address": {"country": "GB"}},
}
APP = {
    "type": "identify",
    "messageId": "a1",
    "userId": "a-1",
    "timestamp": "2026-07-01T10:00:00Z",
    "traits": {"phone": "+44 7700 900123"},
}
FIND = """{
  customer(identifier: { type: "phone", value: "+447700900123" }) {
    id identity { givenName } contact { email } commerce { orderCount lifetimeValue } store { favouriteStore }
  }
}"""


def order(number: str, who: dict[str, str], total: object, **more: object) -> dict[str, Any]:
    """An order."""
    properties = {"order_id": number, "total": total, **more}
    return {"type": "track", "event": "Order Completed", "messageId": number, "properties": properties, **who}


def nested(depth: int) -> dict[str, Any]:
    """Objects in objects."""
    found: dict[str, Any] = {}
    for _ in range(depth):
        found = {"x": found}
    return found


async def test_three_channels_become_one_profile(house: House) -> None:
    """Linked by address and number in any spelling; orders counted once; undeclared traits dropped."""
    assert (await house.tell("web-shop", WEB))["dropped"] == 1
    await house.tell("tills", STORE, order("o1", {"userId": "L-1"}, 19.99, storeId="leeds"))
    await house.tell("ios-app", APP, order("o2", {"userId": "a-1"}, "5.01"))
    again = await house.tell("ios-app", order("o2", {"userId": "a-1"}, "5.01"))
    assert again["results"] == [{"messageId": "o2", "status": "duplicate", "dropped": 0, "minimised": 0}]
    answer = await house.ask(FIND, house.token("support"))
    ann = answer["data"]["customer"]
    assert ann["identity"] == {"givenName": "Ann"}
    assert ann["commerce"] == {"orderCount": 2, "lifetimeValue": 25.0}
    assert ann["store"] == {"favouriteStore": "leeds"}
    everyone = await house.ask("{ customers { totalCount } }", house.token("support"))
    assert everyone["data"]["customers"]["totalCount"] == 1


async def test_two_who_turn_out_to_be_one_keep_their_ids_and_their_data(house: House) -> None:
    """A merge joins what both knew; an id given out before it still leads to the person."""
    await house.tell("web-shop", {**WEB, "traits": {"firstName": "Ann"}}, order("o1", {"userId": "w-1"}, 10))
    await house.tell("tills", STORE, order("o2", {"userId": "L-1"}, 5, storeId="leeds"))
    support = house.token("support")
    listed = await house.ask("{ customers { nodes { id } } }", support)
    before = [node["id"] for node in listed["data"]["customers"]["nodes"]]
    assert len(before) == 2
    await house.tell("web-shop", {**WEB, "messageId": "w2"})
    customer = "id commerce { lifetimeValue } events { nodes { name properties } }"
    query = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Customer {{ {customer} }} }} }}"
    nodes = (await house.ask(query, support, {"ids": before}))["data"]["nodes"]
    assert nodes[0] == nodes[1]
    assert nodes[0]["commerce"]["lifetimeValue"] == 15.0
    totals = sorted(event["properties"]["total"] for event in nodes[0]["events"]["nodes"])
    assert totals == [5.0, 10.0]


async def test_a_merge_never_widens_consent(house: House) -> None:
    """Yes on the web and no in the store is no."""
    await house.tell("web-shop", WEB)
    refusal = {"consent": {"categoryPreferences": {"marketing": False}}}
    marketing = house.token("marketing")
    assert (await house.ask("{ customers { totalCount } }", marketing))["data"]["customers"][
        "totalCount"
    ] == 1
    await house.tell("tills", {**STORE, "context": refusal})
    assert (await house.ask("{ customers { totalCount } }", marketing))["data"]["customers"][
        "totalCount"
    ] == 0


async def test_late_and_repeated_messages_change_nothing_they_should_not(house: House) -> None:
    """An older word does not displace a newer one, whatever order they arrive in."""
    newer = {**WEB, "messageId": "n", "timestamp": "2026-08-01T00:00:00Z", "traits": {"firstName": "Anna"}}
    await house.tell("web-shop", newer)
    await house.tell("web-shop", WEB)
    await house.tell("web-shop", newer)
    await house.tell("web-shop", WEB)
    answer = await house.ask("{ customers { nodes { identity { givenName } } } }", house.token("support"))
    assert [node["identity"]["givenName"] for node in answer["data"]["customers"]["nodes"]] == ["Anna"]


@pytest.mark.parametrize(
    ("message", "code", "place"),
    [
        ({"type": "identify", "traits": {}}, "NO_USER_ANON_ID", "userId"),
        ({**WEB, "traits": {"firstName": 7}}, "TYPE_WRONG", "traits.firstName"),
        ({**WEB, "traits": {"birthday": "soon"}}, "TYPE_WRONG", "traits.birthday"),
        ({**WEB, "traits": {"email": "nobody"}}, "IDENTIFIER_INVALID", "contact.email"),
        ({**WEB, "timestamp": "yesterday"}, "TIMESTAMP_INVALID", "timestamp"),
        ({**WEB, "type": "poke"}, "TYPE_UNSUPPORTED", "type"),
        (order("x", {"userId": "u"}, "much"), "TYPE_WRONG", "properties.total"),
        ({"type": "track", "event": "Moon Landed", "userId": "u"}, "EVENT_UNDECLARED", "event"),
        ({**WEB, "context": {"consent": {"categoryPreferences": {"marketing": "yes"}}}}, "TYPE_WRONG", None),
        ("hello", "MESSAGE_INVALID", ""),
        ({**WEB, "traits": {"firstName": "x" * 40_000}}, "MESSAGE_TOO_LARGE", ""),
        ({**WEB, "traits": nested(300)}, "MESSAGE_INVALID", ""),
    ],
)
async def test_a_wrong_message_is_refused_alone_and_says_why(
    house: House, message: Any, code: str, place: str | None
) -> None:
    """The others of its batch are taken in; the reason names the place and carries no value."""
    told = await house.tell("web-shop", message, {**WEB, "messageId": "fine"})
    refused, taken = told["results"]
    assert (refused["status"], taken["status"]) == ("refused", "accepted")
    assert refused["code"] == code
    if place is not None:
        assert refused["place"] == place
    assert "nobody" not in str(refused)


async def test_a_source_needs_its_key(house: House) -> None:
    """No key, a wrong key, and a key in the body."""
    for headers in ({}, {"authorization": "Basic d3Jvbmc6"}, {"authorization": "Bearer x"}):
        response = await house.http.post("/v1/identify", json=WEB, headers=headers)
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "WRITE_KEY_INVALID"
        assert response.headers["www-authenticate"].startswith("Basic")
    response = await house.http.post("/v1/identify", json={**WEB, "writeKey": house.keys["web-shop"]})
    assert response.json()["accepted"] == 1


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_the_journey_is_the_same_over_both_drivers(mongo_url: str, tmp_path: Path, driver: str) -> None:
    """Nothing outside the store knows which driver is underneath."""
    async with open_house(mongo_url, tmp_path, driver) as house:
        await house.tell("web-shop", WEB)
        await house.tell("tills", STORE)
        answer = await house.ask(FIND, house.token("support"))
        assert answer["data"]["customer"]["contact"]["email"] == "Ann@Shop.Example"
