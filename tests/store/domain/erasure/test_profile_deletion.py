"""Erased means erased: what goes, what stays, and what does not come back."""

from __future__ import annotations

from typing import Any

import pytest

from discretion.domain.ingest.message import Status
from discretion.domain.profiles.source_record import MAX_NAMED
from discretion.errors import Broken
from discretion.store.schema.collections import COLLECTIONS
from tests.fixtures.erasure_steps import BLIND, STEPS, Erasing
from tests.fixtures.platform import House

ANN: dict[str, Any] = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "anonymousId": "ck-1",
    "timestamp": "2026-05-01T10:00:00Z",
    "traits": {"firstName": "Ann", "email": "Ann@Shop.Example", "address": {"country": "GB"}},
}
TILL = {
    "type": "identify",
    "messageId": "s1",
    "userId": "L-1",
    "timestamp": "2026-06-01T10:00:00Z",
    "traits": {"email": "ann@shop.example", "phone": "07700 900123", "address": {"country": "GB"}},
}
BOB: dict[str, Any] = {
    "type": "identify",
    "messageId": "b1",
    "userId": "w-2",
    "timestamp": "2026-05-01T10:00:00Z",
    "traits": {"firstName": "Bob", "email": "bob@shop.example", "address": {"country": "GB"}},
}


def order(number: str, who: dict[str, Any], at: str | None = "2026-05-02T10:00:00Z") -> dict[str, Any]:
    """An order."""
    told = {"order_id": number, "total": "12.50", "currency": "GBP", "payment_method": "card"}
    when = {} if at is None else {"timestamp": at}
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": number,
        "properties": told,
        **when,
        **who,
    }


def viewed(number: str, who: dict[str, Any], at: str = "2026-05-02T10:00:00Z") -> dict[str, Any]:
    """A product that was looked at."""
    told = {"product_id": "P-1"}
    return {
        "type": "track",
        "event": "Product Viewed",
        "messageId": number,
        "properties": told,
        "timestamp": at,
        **who,
    }


WEB = {"userId": "w-1"}
LATER = "2026-11-24T00:00:00Z"


async def everything(house: House) -> dict[str, list[dict[str, Any]]]:
    """Every document there is, but for the gates that all pass."""
    database = house.platform.database
    found = {one.name: await database.find(one.name, {}, sort=[("_id", 1)]) for one in COLLECTIONS}
    found["tombstones"] = [one for one in found["tombstones"] if len(one["_id"]) > 1]
    return found


@pytest.fixture
def erasing(house: House) -> Erasing:
    """Erases customers of the house."""
    return Erasing(house)


async def test_nothing_of_the_erased_is_left_and_others_stay_byte_for_byte(erasing: Erasing) -> None:
    house = erasing.house
    await house.tell("web-shop", BOB, order("bo", {"userId": "w-2"}))
    before = await everything(house)
    await house.tell(
        "web-shop", ANN, order("o1", WEB), viewed("v1", WEB), {"type": "track", **WEB, "event": "?"}
    )
    await house.tell("tills", TILL)
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    request = await erasing.whole(customer)

    after = await everything(house)
    asked = next(one for one in after["requests"] if one["_id"] == request)
    assert "snapshot" not in asked
    assert [one["state"] for one in asked["steps"]] == ["done"] * len(STEPS)
    assert asked["steps"][STEPS.index("purge")]["told"]["events"] == 2
    for name in before.keys() - {"requests", "tombstones", "erasures", "held", "sweeps"}:
        assert after[name] == before[name], name
    assert await erasing.customer("email", "bob@shop.example") is not None


async def test_each_step_run_twice_is_as_run_once(erasing: Erasing) -> None:
    house, steps = erasing.house, erasing.house.platform.erasing
    await house.tell("web-shop", ANN, order("o1", WEB))
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    request = await erasing.request(customer)
    for number, act in enumerate(steps.acts.values()):
        await erasing.step(request, act, number)
        once = await everything(house)
        document = once["requests"][0]
        again: Any = await act(document, erasing.hold(request, number))
        if STEPS[number] != "shred":  # a key that is destroyed again is another one, and that harms nobody
            assert again.told in ({}, document["steps"][number]["told"])
        twice = await everything(house)
        for found in (once, twice):
            found["requests"] = [
                {key: value for key, value in one.items() if key not in ("v", "until", "next")}
                for one in found["requests"]
            ]
        assert once == twice


async def test_what_comes_late_or_again_stays_out_and_is_answered_like_any_other(erasing: Erasing) -> None:
    house = erasing.house
    await house.tell("web-shop", ANN, order("o1", WEB))
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    await erasing.whole(customer)
    before = await everything(house)

    late = await house.tell("web-shop", viewed("v9", WEB), {**ANN, "messageId": "w9"})
    assert [one["status"] for one in late["results"]] == [Status.ACCEPTED] * 2
    again = await house.tell("web-shop", viewed("v9", WEB), order("o1", WEB), order("o1", WEB, None))
    assert [one["status"] for one in again["results"]] == [Status.DUPLICATE] * 3
    fresh = {
        "anonymousId": "ck-new",
        "messageId": "n1",
        "type": "identify",
        "traits": {"email": "ANN@shop.example"},
    }
    await house.tell("web-shop", fresh)
    bad = {"type": "track", "event": "Nobody Declared This", "messageId": "x1", **WEB}
    await house.tell("web-shop", bad)

    after = await everything(house)
    for name in before.keys() - {"tombstones"}:
        assert after[name] == before[name], name


async def test_whoever_comes_back_is_a_new_customer_without_a_past(erasing: Erasing) -> None:
    house = erasing.house
    await house.tell("web-shop", ANN, order("o1", WEB))
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    await erasing.whole(customer)

    await house.tell("web-shop", {"type": "track", "event": "Signed Up", "messageId": "up", **WEB})
    await house.tell("web-shop", {**ANN, "messageId": "w2", "timestamp": None})
    await house.tell("web-shop", {**ANN, "messageId": "w3", "traits": {"lastName": "Old"}}, order("o0", WEB))
    now = await erasing.customer("email", "ann@shop.example")
    assert now not in (None, customer)
    docs = await house.platform.database.find("customers", {})
    assert [one["_id"] for one in docs] == [now]
    assert "identity/familyName" not in docs[0]["s"]
    events = await house.platform.database.find("events", {})
    assert [one["type"] for one in events] == ["Signed Up"]


async def test_an_identifier_of_a_living_other_too_stays_theirs(erasing: Erasing) -> None:
    """Two accounts of one shop are two people; the phone that both name is the living one's as well."""
    house, phone = erasing.house, {"phone": "+44 7700 900999"}
    for one, mark in ((ANN, "w5"), (BOB, "b5")):
        await house.tell("web-shop", {**one, "messageId": mark, "traits": {**one["traits"], **phone}})
    ann, bob = [await erasing.customer("email", f"{one}@shop.example") for one in ("ann", "bob")]
    assert ann is not None
    assert ann != bob
    await erasing.whole(ann)
    database, entry = house.platform.database, BLIND.of("phone", "+447700900999")
    kept = await database.find_one("identifiers", {"_id": entry})
    record = (await database.find("source_records", {}))[0]["_id"]
    assert kept is not None
    assert kept["records"] == [record]
    again = {**BOB, "messageId": "b6", "timestamp": LATER, "traits": {**phone, "lastName": "Brown"}}
    await house.tell("web-shop", again)
    doc = await database.find_one("customers", {"_id": bob})
    assert doc is not None
    assert doc["p"]["contact/phone"] == ["web-shop", "b6"]


async def test_a_living_accounts_message_keeps_what_is_its_own(erasing: Erasing) -> None:
    house = erasing.house
    await house.tell("web-shop", ANN, BOB)
    ann, bob = [await erasing.customer("email", f"{one}@shop.example") for one in ("ann", "bob")]
    assert ann is not None
    await erasing.whole(ann)
    told = {"lastName": "Brown", "email": "ann@shop.example"}
    await house.tell("web-shop", {**BOB, "messageId": "b2", "timestamp": LATER, "traits": told})
    doc = await house.platform.database.find_one("customers", {"_id": bob})
    assert doc is not None
    assert {"identity/familyName", "contact/email"} <= doc["s"].keys()
    assert doc["p"]["contact/email"] == ["web-shop", "b1"]
    assert await erasing.customer("email", "ann@shop.example") is None


async def test_an_invoice_is_held_as_the_law_orders_and_out_of_reach(erasing: Erasing) -> None:
    house = erasing.house
    await house.tell("web-shop", ANN, order("o1", WEB), viewed("v1", WEB))
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    request = await erasing.whole(customer)
    held = await house.platform.database.find("held", {})
    assert [(one["law"], one["request"], len(one["items"])) for one in held] == [("gb", request, 1)]
    assert held[0]["items"][0]["type"] == "Order Completed"
    assert held[0]["_id"] != customer
    asked = await house.platform.database.find_one("requests", {"_id": request})
    assert asked is not None
    assert asked["steps"][0]["told"]["held"][0]["event"] == 1


async def test_verification_refuses_while_anything_is_left(erasing: Erasing) -> None:
    house, steps = erasing.house, erasing.house.platform.erasing
    await house.tell("web-shop", ANN, order("o1", WEB))
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    request = await erasing.request(customer)
    await erasing.step(request, steps.depart)
    with pytest.raises(Broken, match="events"):
        await erasing.step(request, steps.verify, STEPS.index("verify"))


async def test_a_part_goes_and_the_same_late_message_does_not_bring_it_back(erasing: Erasing) -> None:
    house = erasing.house
    await house.tell("web-shop", ANN, order("o1", WEB), viewed("v1", WEB))
    await house.tell("tills", TILL)
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    database = house.platform.database
    request = await erasing.whole(customer, scope={"category": "user.behavior"})
    asked = await database.find_one("requests", {"_id": request})
    assert asked is not None
    assert "snapshot" not in asked
    assert await database.count("events", {}) == 0
    doc = await database.find_one("customers", {"_id": customer})
    assert doc is not None
    assert "contact/email" in doc["s"]
    assert not [key for key in doc["o"] if key in ("commerce/orderCount", "commerce/lifetimeValue")]

    late = order("o0", WEB), order("o1", WEB), {**ANN, "messageId": "w0", "traits": {"lastName": "Late"}}
    await house.tell("web-shop", *late)
    await house.tell(
        "ios-app",
        {"type": "identify", "userId": "a-1", "messageId": "a1", "traits": {"email": "ann@shop.example"}},
    )
    await house.tell("ios-app", {**viewed("v0", {"userId": "a-1"})})
    assert await database.count("events", {}) == 0
    now = await database.find_one("customers", {"_id": customer})
    assert now is not None
    assert now["o"].keys() == doc["o"].keys()
    assert now["s"].keys() == doc["s"].keys() | {"identity/familyName"}
    await house.tell("web-shop", order("o2", WEB, None))
    assert await database.count("events", {}) == 1


async def test_a_channel_is_erased_alone(erasing: Erasing) -> None:
    house, database = erasing.house, erasing.house.platform.database
    await house.tell("web-shop", ANN, viewed("v1", WEB))
    await house.tell("tills", TILL, order("t1", {"userId": "L-1"}))
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    await erasing.whole(customer, scope={"channel": "web"})
    assert [one["channel"] for one in await database.find("events", {})] == ["store"]
    doc = await database.find_one("customers", {"_id": customer})
    assert doc is not None
    assert "identity/givenName" not in doc["s"]
    assert doc["p"]["contact/email"][0] == "tills"
    await house.tell("web-shop", {**ANN, "messageId": "w2"})
    again = await database.find_one("customers", {"_id": customer})
    assert again is not None
    assert again["s"] == doc["s"]


async def test_a_person_of_two_merged_profiles_goes_with_every_id_they_had(erasing: Erasing) -> None:
    house, database = erasing.house, erasing.house.platform.database
    await house.tell("web-shop", {**ANN, "traits": {"email": "ann@shop.example"}})
    await house.tell("tills", {**TILL, "traits": {"phone": "+447700900123"}})
    both = [
        await erasing.customer(*one) for one in (("email", "ann@shop.example"), ("phone", "+447700900123"))
    ]
    assert both[0] != both[1]
    await house.tell("tills", {**TILL, "messageId": "s2"})
    now = await erasing.customer("phone", "+447700900123")
    assert now in both
    former = next(one for one in both if one != now)
    assert former is not None
    await erasing.whole(former)
    for name in ("customers", "source_records", "identifiers", "identity_events", "events", "messages"):
        assert await database.count(name, {}) == 0, name


async def test_words_about_living_others_too_lose_the_erased_and_stay(erasing: Erasing) -> None:
    """One who was joined with another and parted again: rulings, history and consents of both."""
    house, database = erasing.house, erasing.house.platform.database
    await house.tell("web-shop", ANN, BOB)
    ann, bob = [await erasing.customer("email", f"{one}@shop.example") for one in ("ann", "bob")]
    steward = house.token("steward")
    find = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'
    ids = [
        (await house.ask(find, steward, {"v": f"{one}@shop.example"}))["data"]["customer"]["id"]
        for one in ("ann", "bob")
    ]
    await house.ask("mutation($i: [ID!]!) { merge(customers: $i) { id } }", steward, {"i": ids})
    said = {"type": "consent", "userId": "w-2", "messageId": "c1", "purposes": {"marketing": True}}
    await house.tell("web-shop", {**said, "method": "web_form"})
    history = "query($i: ID!) { customer(id: $i) { identityHistory(first: 1) { nodes { id } } } }"
    event = (await house.ask(history, steward, {"i": ids[0]}))["data"]["customer"]["identityHistory"][
        "nodes"
    ][0]
    parted = await house.ask("mutation($e: ID!) { unmerge(merge: $e) { id } }", steward, {"e": event["id"]})
    assert len(parted["data"]["unmerge"]) == 2
    assert ann is not None
    assert await database.count("rulings", {}) > 0
    await erasing.whole(ann)

    assert await database.count("rulings", {}) == 0
    record = (await database.find("source_records", {}))[0]
    assert record["customer"] == bob
    assert record["rulings"] == []
    for kept in await database.find("identity_events", {}):
        assert kept["customers"] == [bob]
    for word in await database.find("consents", {}):
        assert word["records"] == [record["_id"]]
    told = await house.tell("web-shop", {**BOB, "messageId": "b7", "traits": {"email": "bob2@shop.example"}})
    assert told["results"][0]["status"] == "accepted"
    assert await erasing.customer("email", "bob2@shop.example") == bob


async def test_whoever_was_given_names_without_end_is_erased_as_well(erasing: Erasing) -> None:
    """Of the names that anybody gives an account so many are kept; of the others none names it afterwards."""
    house = erasing.house
    await house.tell("web-shop", ANN)
    many = [f"ck-{number}" for number in range(100, MAX_NAMED + 140)]
    for start in range(0, len(many), 100):
        part = many[start : start + 100]
        await house.tell("web-shop", *(viewed(f"v-{one}", {"anonymousId": one}) for one in part[::2]))
        await house.tell("web-shop", *(viewed(f"w-{one}", {**WEB, "anonymousId": one}) for one in part))
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    await erasing.whole(customer)
    assert await erasing.customer("email", "ann@shop.example") is None


async def test_an_answer_does_not_tell_who_was_erased_by_what_it_minimises(erasing: Erasing) -> None:
    """Somebody who refuses every purpose with the message itself has less of it stored, erased or not."""
    house = erasing.house
    await house.tell("web-shop", ANN)
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    await erasing.whole(customer)
    nothing = {"consent": {"categoryPreferences": dict.fromkeys(house.platform.catalogue.purposes, False)}}
    told = []
    for number, email in enumerate(("ann@shop.example", "new@shop.example")):
        traits = {"email": email, "firstName": "Somebody", "birthday": "1980-01-01"}
        message = {"type": "identify", "userId": f"fresh-{number}", "traits": traits, "context": nothing}
        answer = await house.tell("web-shop", {**message, "messageId": f"probe-{number}"})
        told.append({name: answer[name] for name in ("accepted", "duplicate", "refused", "minimised")})
    assert told[0] == told[1]
    assert told[0]["minimised"] > 0
