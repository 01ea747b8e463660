"""A customer of the web shop, a store and the app is one profile for permitted roles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.money import build_money
from tests.fixtures.platform import PlatformUnderTest, open_platform

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
    "context": {
        "consent": {"categoryPreferences": {"marketing": True}},
        "externalIds": [{"id": "L-1", "type": "loyalty_id", "assurance": "proven"}],
    },
}
STORE = {
    "type": "identify",
    "messageId": "s1",
    "userId": "L-1",
    "timestamp": "2026-06-01T10:00:00Z",
    "traits": {"email": "ann@shop.example", "phone": "020 7946 0123", "address": {"country": "GB"}},
}
APP = {
    "type": "identify",
    "messageId": "a1",
    "userId": "w-1",
    "timestamp": "2026-07-01T10:00:00Z",
    "traits": {"phone": "+44 20 7946 0123"},
}
FIND = """{
  customer(identifier: { type: "phone", value: "+442079460123" }) {
    id identity { givenName } contact { email } store { favouriteStore }
    commerce { orderCount lifetimeValue { amount currency } }
  }
}"""


def build_order(
    number: str, identifiers: dict[str, str], total: object, **extra_properties: object
) -> dict[str, Any]:
    """Build an ``Order Completed`` event."""
    properties = {"order_id": number, "total": total, **extra_properties}
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": number,
        "properties": properties,
        **identifiers,
    }


def build_nested(depth: int) -> dict[str, Any]:
    """Build objects nested to a depth."""
    nested_object: dict[str, Any] = {}
    for _ in range(depth):
        nested_object = {"x": nested_object}
    return nested_object


async def test_three_channels_become_one_profile(platform: PlatformUnderTest) -> None:
    """The app has the account's number, which confirmed the card; undeclared traits are dropped."""
    assert (await platform.send_messages("web-shop", WEB))["dropped"] == 1
    await platform.send_messages("tills", STORE, build_order("o1", {"userId": "L-1"}, 19.99, storeId="leeds"))
    await platform.send_messages("ios-app", APP, build_order("o2", {"userId": "w-1"}, "5.01"))
    repeated = await platform.send_messages("ios-app", build_order("o2", {"userId": "w-1"}, "5.01"))
    assert repeated["results"] == [{"messageId": "o2", "status": "duplicate", "dropped": 0, "minimised": 0}]
    answer = await platform.query(FIND, platform.issue_token("support"))
    ann = answer["data"]["customer"]
    assert ann["identity"] == {"givenName": "Ann"}
    assert ann["commerce"] == {"orderCount": 2, "lifetimeValue": build_money("25.00")}
    assert ann["store"] == {"favouriteStore": "leeds"}
    everyone = await platform.query("{ customers { totalCount } }", platform.issue_token("support"))
    assert everyone["data"]["customers"]["totalCount"] == 1


async def test_merged_customers_keep_their_ids_and_their_data(platform: PlatformUnderTest) -> None:
    """A merge joins the data of both; ids issued before it still lead to the customer."""
    await platform.send_messages(
        "web-shop",
        {**WEB, "context": {}, "traits": {"firstName": "Ann"}},
        build_order("o1", {"userId": "w-1"}, 10),
    )
    await platform.send_messages("tills", STORE, build_order("o2", {"userId": "L-1"}, 5, storeId="leeds"))
    support = platform.issue_token("support")
    listed = await platform.query("{ customers { nodes { id } } }", support)
    ids_before = [node["id"] for node in listed["data"]["customers"]["nodes"]]
    assert len(ids_before) == 2
    await platform.send_messages("web-shop", {**WEB, "messageId": "w2"})
    customer = "id commerce { lifetimeValue { amount currency } } events { nodes { name properties } }"
    query = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Customer {{ {customer} }} }} }}"
    nodes = (await platform.query(query, support, {"ids": ids_before}))["data"]["nodes"]
    assert nodes[0] == nodes[1]
    assert nodes[0]["commerce"]["lifetimeValue"] == build_money("15.00")
    totals = sorted(event["properties"]["total"]["amount"] for event in nodes[0]["events"]["nodes"])
    assert totals == ["10.00", "5.00"]


async def test_a_merge_never_widens_consent(platform: PlatformUnderTest) -> None:
    """Consent on the web and a refusal in the store is a refusal."""
    await platform.send_messages("web-shop", WEB)
    refusal = {"consent": {"categoryPreferences": {"marketing": False}}}
    marketing = platform.issue_token("marketing")
    assert (await platform.query("{ customers { totalCount } }", marketing))["data"]["customers"][
        "totalCount"
    ] == 1
    await platform.send_messages("tills", {**STORE, "context": refusal})
    assert (await platform.query("{ customers { totalCount } }", marketing))["data"]["customers"][
        "totalCount"
    ] == 0


async def test_late_and_repeated_messages_do_not_replace_newer_values(platform: PlatformUnderTest) -> None:
    """The value with the later timestamp stays, in whatever order messages arrive."""
    newer = {**WEB, "messageId": "n", "timestamp": "2026-08-01T00:00:00Z", "traits": {"firstName": "Anna"}}
    await platform.send_messages("web-shop", newer)
    await platform.send_messages("web-shop", WEB)
    await platform.send_messages("web-shop", newer)
    await platform.send_messages("web-shop", WEB)
    answer = await platform.query(
        "{ customers { nodes { identity { givenName } } } }", platform.issue_token("support")
    )
    assert [node["identity"]["givenName"] for node in answer["data"]["customers"]["nodes"]] == ["Anna"]


@pytest.mark.parametrize(
    ("message", "code", "place"),
    [
        ({"type": "identify", "traits": {}}, "NO_USER_ANON_ID", "userId"),
        ({**WEB, "timestamp": "yesterday"}, "TIMESTAMP_INVALID", "timestamp"),
        ({**WEB, "type": "poke"}, "TYPE_UNSUPPORTED", "type"),
        (build_order("x", {"userId": "u"}, "much"), "TYPE_WRONG", "properties.total"),
        ({"type": "track", "event": "Moon Landed", "userId": "u"}, "EVENT_UNDECLARED", "event"),
        ("hello", "MESSAGE_INVALID", ""),
        ({**WEB, "traits": {"firstName": "x" * 40_000}}, "MESSAGE_TOO_LARGE", ""),
        ({**WEB, "traits": build_nested(300)}, "MESSAGE_INVALID", ""),
    ],
)
async def test_an_invalid_message_is_refused_alone_with_its_reason(
    platform: PlatformUnderTest, message: Any, code: str, place: str | None
) -> None:
    """Other messages of the batch are accepted; the reason names the place and contains no value."""
    outcome = await platform.send_messages("web-shop", message, {**WEB, "messageId": "fine"})
    refused_result, accepted_result = outcome["results"]
    assert (refused_result["status"], accepted_result["status"]) == ("refused", "accepted")
    assert refused_result["code"] == code
    if place is not None:
        assert refused_result["place"] == place
    assert "nobody" not in str(refused_result)


@pytest.mark.parametrize(
    ("part", "code", "place"),
    [
        ({"traits": {"firstName": [7]}}, "TYPE_WRONG", "traits.firstName"),
        ({"traits": {"birthday": "soon"}}, "TYPE_WRONG", "traits.birthday"),
        ({"traits": {"email": "nobody"}}, "IDENTIFIER_INVALID", "traits.email"),
        ({"traits": "nobody"}, "TYPE_WRONG", "traits"),
        ({"context": {"traits": {"phone": "nobody"}}}, "IDENTIFIER_INVALID", "context.traits.phone"),
        (
            {"context": {"consent": {"categoryPreferences": {"marketing": "nobody"}}}},
            "TYPE_WRONG",
            "context.consent.categoryPreferences.marketing",
        ),
        ({"sentAt": "nobody"}, "SENT_AT_INVALID", "sentAt"),
    ],
)
async def test_a_bad_part_is_left_out_and_named(
    platform: PlatformUnderTest, part: dict[str, Any], code: str, place: str
) -> None:
    """The order of a customer whose SDK remembers a bad phone number is not lost."""
    order = build_order("o-1", {"userId": "u-9"}, 77)
    outcome = await platform.send_messages(
        "web-shop", {**order, **part} if "traits" not in part else {**WEB, **part}
    )
    (result,) = outcome["results"]
    assert (result["status"], outcome["leftOut"]) == ("accepted", 1)
    assert [(each["code"], each["place"]) for each in result["leftOut"]] == [(code, place)]
    assert "nobody" not in str(result)
    assert outcome["accepted"] == 1


async def test_a_source_says_that_it_has_a_value_no_more(platform: PlatformUnderTest) -> None:
    """Its own value goes, in whatever order the messages come; another source's stays."""
    app = {**WEB, "messageId": "a-1", "traits": {"firstName": "Anna", "lastName": "Lee"}}
    await platform.send_messages("ios-app", app)
    later = {"type": "identify", "userId": WEB["userId"], "timestamp": "2026-08-02T00:00:00Z"}
    web_null = {**later, "messageId": "w-2", "traits": {"firstName": None, "address": None}}
    await platform.send_messages(
        "web-shop", web_null, {**WEB, "traits": {"email": "ann@shop.example", "firstName": "Ann"}}
    )
    query = (
        "{ customers { nodes { identity { givenName familyName } contact { email address { country } } } } }"
    )
    (person,) = (await platform.query(query, platform.issue_token("support")))["data"]["customers"]["nodes"]
    assert person["identity"] == {"givenName": "Anna", "familyName": "Lee"}
    assert person["contact"] == {"email": "ann@shop.example", "address": {"country": None}}
    await platform.send_messages("ios-app", {**later, "messageId": "a-2", "traits": {"firstName": None}})
    (person,) = (await platform.query(query, platform.issue_token("support")))["data"]["customers"]["nodes"]
    assert person["identity"] == {"givenName": None, "familyName": "Lee"}


@pytest.mark.parametrize("operand", ["DE", "de", "Germany"])
async def test_a_filter_finds_a_country_whatever_its_spelling(
    platform: PlatformUnderTest, operand: str
) -> None:
    """Sources spell it in many ways, and one of them is stored."""
    spellings = ["Germany", "DEU", "de", "Deutschland", "UK", "Narnia"]
    messages = [
        {"type": "identify", "userId": f"u-{number}", "traits": {"address": {"country": spelling}}}
        for number, spelling in enumerate(spellings)
    ]
    outcome = await platform.send_messages("web-shop", *messages)
    assert (outcome["accepted"], outcome["leftOut"]) == (6, 1)
    answer = await platform.query(
        "query($c: String!) { customers(filter: {contact: {address: {country: {eq: $c}}}}) { totalCount } }",
        platform.issue_token("support"),
        {"c": operand},
    )
    assert answer["data"]["customers"]["totalCount"] == 4


async def test_a_source_needs_its_write_key(platform: PlatformUnderTest) -> None:
    """No key and a wrong key are refused; a key in the body is accepted."""
    for headers in ({}, {"authorization": "Basic d3Jvbmc6"}, {"authorization": "Bearer x"}):
        response = await platform.http.post("/v1/identify", json=WEB, headers=headers)
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "WRITE_KEY_INVALID"
        assert response.headers["www-authenticate"].startswith("Basic")
    response = await platform.http.post(
        "/v1/identify", json={**WEB, "writeKey": platform.write_keys["web-shop"]}
    )
    assert response.json()["accepted"] == 1


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_the_journey_is_the_same_over_both_drivers(mongo_url: str, tmp_path: Path, driver: str) -> None:
    """Only the store package depends on the driver."""
    async with open_platform(mongo_url, tmp_path, driver) as platform:
        await platform.send_messages("web-shop", WEB)
        await platform.send_messages("tills", STORE)
        answer = await platform.query(FIND, platform.issue_token("support"))
        assert answer["data"]["customer"]["contact"]["email"] == "Ann@Shop.Example"
