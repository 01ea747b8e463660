"""An erasure deletes a profile, keeps the data of others, and refuses later messages about the old data."""

from __future__ import annotations

from typing import Any

import pytest

from discretion.domain.ingest.message import IngestStatus
from discretion.domain.profiles.record_identifiers import MAX_IDENTIFIERS
from discretion.errors import Broken
from discretion.store import events as stored_events
from discretion.store import source_record_codec
from discretion.store.customer_codec import parse_customer
from discretion.store.requests import RequestStore
from discretion.store.subject_request import RequestScope
from tests.fixtures.attribute_keys import KEYS
from tests.fixtures.erasure_steps import BLIND, STEP_NAMES, ErasureSteps
from tests.fixtures.platform import PlatformUnderTest
from tests.store.domain.erasure.stored_documents import read_documents

ANN: dict[str, Any] = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "anonymousId": "ck-1",
    "timestamp": "2026-05-01T10:00:00Z",
    "traits": {"firstName": "Ann", "email": "Ann@Shop.Example", "address": {"country": "GB"}},
    "context": {"externalIds": [{"id": "L-1", "type": "loyalty_id", "assurance": "proven"}]},
}
TILL = {
    "type": "identify",
    "messageId": "s1",
    "userId": "L-1",
    "timestamp": "2026-06-01T10:00:00Z",
    "traits": {"email": "ann@shop.example", "phone": "020 7946 0123", "address": {"country": "GB"}},
}
BOB: dict[str, Any] = {
    "type": "identify",
    "messageId": "b1",
    "userId": "w-2",
    "timestamp": "2026-05-01T10:00:00Z",
    "traits": {"firstName": "Bob", "email": "bob@shop.example", "address": {"country": "GB"}},
}


def build_order(
    number: str, sender: dict[str, Any], occurred_at: str | None = "2026-05-02T10:00:00Z"
) -> dict[str, Any]:
    """Build an event of a completed order."""
    properties = {"order_id": number, "total": "12.50", "currency": "GBP", "payment_method": "card"}
    timestamp = {} if occurred_at is None else {"timestamp": occurred_at}
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": number,
        "properties": properties,
        **timestamp,
        **sender,
    }


def build_view(
    number: str, sender: dict[str, Any], occurred_at: str = "2026-05-02T10:00:00Z"
) -> dict[str, Any]:
    """Build an event of a viewed product."""
    properties = {"product_id": "P-1"}
    return {
        "type": "track",
        "event": "Product Viewed",
        "messageId": number,
        "properties": properties,
        "timestamp": occurred_at,
        **sender,
    }


WEB_ID = {"userId": "w-1"}
LATER = "2026-11-24T00:00:00Z"


@pytest.fixture
def erasing(platform: PlatformUnderTest) -> ErasureSteps:
    """Return the steps that erase customers of the platform."""
    return ErasureSteps(platform)


async def test_all_data_of_the_erased_is_deleted_and_others_are_unchanged(erasing: ErasureSteps) -> None:
    platform = erasing.platform
    await platform.send_messages("web-shop", BOB, build_order("bo", {"userId": "w-2"}))
    before = await read_documents(platform)
    await platform.send_messages(
        "web-shop",
        ANN,
        build_order("o1", WEB_ID),
        build_view("v1", WEB_ID),
        {"type": "track", **WEB_ID, "event": "?"},
    )
    await platform.send_messages("tills", TILL)
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    request = await erasing.erase_customer(customer)

    after = await read_documents(platform)
    request_document = next(document for document in after["requests"] if document["_id"] == request)
    assert "snapshot" not in request_document
    assert [step["state"] for step in request_document["steps"]] == ["done"] * len(STEP_NAMES)
    assert request_document["steps"][STEP_NAMES.index("purge")]["told"]["events"] == 2
    for name in before.keys() - {"requests", "tombstones", "erasures", "held", "sweeps"}:
        assert after[name] == before[name], name
    assert await erasing.find_customer("email", "bob@shop.example") is not None


async def test_each_step_is_idempotent(erasing: ErasureSteps) -> None:
    platform = erasing.platform
    await platform.send_messages("web-shop", ANN, build_order("o1", WEB_ID))
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    request, requests = await erasing.create_request(customer), RequestStore(platform.internals.database)
    for number, run_step in enumerate(erasing.list_steps()):
        await erasing.run_step(request, run_step, number)
        first = await read_documents(platform)
        (stored,) = await requests.list_by_ids([request])
        outcome: Any = await run_step(stored, erasing.take_lease(request, number))
        if STEP_NAMES[number] != "shred":  # a repeated rotation destroys another key, which has no effect
            assert outcome.result in ({}, stored.steps[number].output)
        assert await read_documents(platform) == first


async def test_late_and_repeated_messages_are_answered_normally_and_not_stored(
    erasing: ErasureSteps,
) -> None:
    platform = erasing.platform
    await platform.send_messages("web-shop", ANN, build_order("o1", WEB_ID))
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    await erasing.erase_customer(customer)
    before = await read_documents(platform)

    late = await platform.send_messages("web-shop", build_view("v9", WEB_ID), {**ANN, "messageId": "w9"})
    assert [result["status"] for result in late["results"]] == [IngestStatus.ACCEPTED] * 2
    again = await platform.send_messages(
        "web-shop", build_view("v9", WEB_ID), build_order("o1", WEB_ID), build_order("o1", WEB_ID, None)
    )
    assert [result["status"] for result in again["results"]] == [IngestStatus.DUPLICATE] * 3
    fresh = {
        "anonymousId": "ck-new",
        "messageId": "n1",
        "type": "identify",
        "traits": {"email": "ANN@shop.example"},
    }
    await platform.send_messages("web-shop", fresh)
    bad = {"type": "track", "event": "Nobody Declared This", "messageId": "x1", **WEB_ID}
    await platform.send_messages("web-shop", bad)

    after = await read_documents(platform)
    for name in before.keys() - {"tombstones"}:
        assert after[name] == before[name], name


async def test_a_returning_person_is_a_new_customer_without_old_data(erasing: ErasureSteps) -> None:
    platform = erasing.platform
    await platform.send_messages("web-shop", ANN, build_order("o1", WEB_ID))
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    await erasing.erase_customer(customer)

    await platform.send_messages(
        "web-shop", {"type": "track", "event": "Signed Up", "messageId": "up", **WEB_ID}
    )
    await platform.send_messages("web-shop", {**ANN, "messageId": "w2", "timestamp": None})
    await platform.send_messages(
        "web-shop", {**ANN, "messageId": "w3", "traits": {"lastName": "Old"}}, build_order("o0", WEB_ID)
    )
    new_customer = await erasing.find_customer("email", "ann@shop.example")
    assert new_customer not in (None, customer)
    customers = await platform.internals.database.find("customers", {})
    assert [document["_id"] for document in customers] == [new_customer]
    assert KEYS["identity.familyName"] not in customers[0]
    events = await platform.internals.database.find("events", {})
    assert [event[stored_events.TYPE] for event in events] == ["Signed Up"]


async def test_a_shared_identifier_stays_with_the_remaining_customer(erasing: ErasureSteps) -> None:
    """Two accounts of one shop are two people; their common phone number still identifies the other one."""
    platform, phone = erasing.platform, {"phone": "+44 20 7946 0999"}
    for body, message_id in ((ANN, "w5"), (BOB, "b5")):
        await platform.send_messages(
            "web-shop", {**body, "messageId": message_id, "traits": {**body["traits"], **phone}}
        )
    ann, bob = [await erasing.find_customer("email", f"{name}@shop.example") for name in ("ann", "bob")]
    assert ann is not None
    assert ann != bob
    await erasing.erase_customer(ann)
    database, entry = platform.internals.database, BLIND.index("phone", "+442079460999")
    identifier = await database.find_one("identifiers", {"_id": entry})
    record = (await database.find("source_records", {}))[0]["_id"]
    assert identifier is not None
    assert identifier["claims"] == [record]
    again = {**BOB, "messageId": "b6", "timestamp": LATER, "traits": {**phone, "lastName": "Brown"}}
    await platform.send_messages("web-shop", again)
    (bob_document,) = await database.find("customers", {"_id": bob})
    (record_document,) = await database.find("source_records", {"_id": record})
    assert KEYS["contact.phone"] in bob_document
    assert record_document[source_record_codec.CELLS][KEYS["contact.phone"]]["m"] == "b6"


async def test_a_message_of_another_account_keeps_its_own_data(erasing: ErasureSteps) -> None:
    platform = erasing.platform
    await platform.send_messages("web-shop", ANN, BOB)
    ann, bob = [await erasing.find_customer("email", f"{name}@shop.example") for name in ("ann", "bob")]
    assert ann is not None
    await erasing.erase_customer(ann)
    traits = {"lastName": "Brown", "email": "ann@shop.example"}
    await platform.send_messages("web-shop", {**BOB, "messageId": "b2", "timestamp": LATER, "traits": traits})
    bob_document = await platform.internals.database.find_one("customers", {"_id": bob})
    assert bob_document is not None
    assert {KEYS["identity.familyName"], KEYS["contact.email"]} <= bob_document.keys()
    (record,) = await platform.internals.database.find("source_records", {source_record_codec.CUSTOMER: bob})
    assert record[source_record_codec.CELLS][KEYS["contact.email"]]["m"] == "b1"
    assert await erasing.find_customer("email", "ann@shop.example") is None


async def test_an_invoice_is_retained_under_the_law_and_without_its_customer(erasing: ErasureSteps) -> None:
    platform = erasing.platform
    await platform.send_messages("web-shop", ANN, build_order("o1", WEB_ID), build_view("v1", WEB_ID))
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    request = await erasing.erase_customer(customer)
    held = await platform.internals.database.find("held", {})
    assert [(document["law"], document["request"], len(document["items"])) for document in held] == [
        ("gb", request, 1)
    ]
    assert held[0]["items"][0]["type"] == "Order Completed"
    assert held[0]["_id"] != customer
    request_document = await platform.internals.database.find_one("requests", {"_id": request})
    assert request_document is not None
    assert request_document["steps"][0]["told"]["held"][0]["event"] == 1


async def test_verification_fails_while_data_is_left(erasing: ErasureSteps) -> None:
    platform, steps = erasing.platform, erasing.platform.internals.erasure
    await platform.send_messages("web-shop", ANN, build_order("o1", WEB_ID))
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    request = await erasing.create_request(customer)
    await erasing.run_step(request, steps.profile_deletion.run)
    with pytest.raises(Broken, match="events"):
        await erasing.run_step(request, steps.verification.run, STEP_NAMES.index("verify"))


async def test_a_scoped_erasure_is_not_undone_by_a_late_message(erasing: ErasureSteps) -> None:
    platform = erasing.platform
    await platform.send_messages("web-shop", ANN, build_order("o1", WEB_ID), build_view("v1", WEB_ID))
    await platform.send_messages("tills", TILL)
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    database = platform.internals.database
    request = await erasing.erase_customer(customer, RequestScope(category="user.behavior"))
    request_document = await database.find_one("requests", {"_id": request})
    assert request_document is not None
    assert "snapshot" not in request_document
    assert await database.count("events", {}) == 0
    doc = await database.find_one("customers", {"_id": customer})
    assert doc is not None
    assert KEYS["contact.email"] in doc
    assert doc.keys().isdisjoint((KEYS["commerce.orderCount"], KEYS["commerce.lifetimeValue"]))

    named = {**ANN, "messageId": "w0", "traits": {"lastName": "Late"}}
    await platform.send_messages("web-shop", build_order("o0", WEB_ID), build_order("o1", WEB_ID), named)
    await platform.send_messages(
        "ios-app",
        {"type": "identify", **WEB_ID, "messageId": "a1", "traits": {"email": "ann@shop.example"}},
    )
    await platform.send_messages("ios-app", build_view("v0", WEB_ID))
    assert await database.count("events", {}) == 0
    now = await database.find_one("customers", {"_id": customer})
    assert now is not None
    assert now.keys() == doc.keys() | {KEYS["identity.familyName"]}
    await platform.send_messages("web-shop", build_order("o2", WEB_ID, None))
    assert await database.count("events", {}) == 1


async def test_one_channel_can_be_erased(erasing: ErasureSteps) -> None:
    platform, database = erasing.platform, erasing.platform.internals.database
    await platform.send_messages("web-shop", ANN, build_view("v1", WEB_ID))
    await platform.send_messages("tills", TILL, build_order("t1", {"userId": "L-1"}))
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    await erasing.erase_customer(customer, RequestScope(channel="web"))
    assert [event[stored_events.CHANNEL] for event in await database.find("events", {})] == ["store"]
    doc = await database.find_one("customers", {"_id": customer})
    assert doc is not None
    assert KEYS["identity.givenName"] not in doc
    assert doc["p"][KEYS["contact.email"]] == "tills"
    await platform.send_messages("web-shop", {**ANN, "messageId": "w2"})
    again = await database.find_one("customers", {"_id": customer})
    assert again is not None
    assert parse_customer(again).sealed == parse_customer(doc).sealed


async def test_a_merged_person_is_erased_with_both_ids(erasing: ErasureSteps) -> None:
    platform, database = erasing.platform, erasing.platform.internals.database
    before = {**ANN, "messageId": "w0", "context": {}, "traits": {"email": "ann@shop.example"}}
    await platform.send_messages("web-shop", before)
    await platform.send_messages("tills", {**TILL, "traits": {"phone": "+442079460123"}})
    customers = [
        await erasing.find_customer(*identifier)
        for identifier in (("email", "ann@shop.example"), ("phone", "+442079460123"))
    ]
    assert customers[0] != customers[1]
    await platform.send_messages("web-shop", ANN)
    now = await erasing.find_customer("phone", "+442079460123")
    assert now in customers
    former = next(customer for customer in customers if customer != now)
    assert former is not None
    await erasing.erase_customer(former)
    for name in ("customers", "source_records", "identifiers", "identity_events", "events", "messages"):
        assert await database.count(name, {}) == 0, name


async def test_records_shared_with_other_customers_lose_only_the_erased(erasing: ErasureSteps) -> None:
    """After a merge and an unmerge, rulings, identity history and consents concern both customers."""
    platform, database = erasing.platform, erasing.platform.internals.database
    await platform.send_messages("web-shop", ANN, BOB)
    ann, bob = [await erasing.find_customer("email", f"{name}@shop.example") for name in ("ann", "bob")]
    steward = platform.issue_token("steward")
    find = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'
    ids = [
        (await platform.query(find, steward, {"v": f"{name}@shop.example"}))["data"]["customer"]["id"]
        for name in ("ann", "bob")
    ]
    merge = 'mutation($i: [ID!]!) { merge(customers: $i, reason: "D-17") { id } }'
    await platform.query(merge, steward, {"i": ids})
    consent = {"type": "consent", "userId": "w-2", "messageId": "c1", "purposes": {"marketing": True}}
    await platform.send_messages("web-shop", {**consent, "method": "web_form"})
    history = "query($i: ID!) { customer(id: $i) { identityHistory(first: 1) { nodes { id } } } }"
    answer = await platform.query(history, steward, {"i": ids[0]})
    (event,) = answer["data"]["customer"]["identityHistory"]["nodes"]
    unmerged = await platform.query(
        "mutation($e: ID!) { unmerge(merge: $e) { id } }", steward, {"e": event["id"]}
    )
    assert len(unmerged["data"]["unmerge"]) == 2
    assert ann is not None
    assert await database.count("rulings", {}) > 0
    await erasing.erase_customer(ann)

    assert await database.count("rulings", {}) == 0
    record = (await database.find("source_records", {}))[0]
    assert record[source_record_codec.CUSTOMER] == bob
    assert record[source_record_codec.RULINGS] == []
    for identity_event in await database.find("identity_events", {}):
        assert identity_event["customers"] == [bob]
    for consent_record in await database.find("consents", {}):
        assert consent_record["records"] == [record["_id"]]
    outcome = await platform.send_messages(
        "web-shop", {**BOB, "messageId": "b7", "traits": {"email": "bob2@shop.example"}}
    )
    assert outcome["results"][0]["status"] == "accepted"
    assert await erasing.find_customer("email", "bob2@shop.example") == bob


async def test_a_customer_with_too_many_identifiers_is_erased(erasing: ErasureSteps) -> None:
    """A record stores a limited number of identifiers; further identifiers do not identify it afterwards."""
    platform = erasing.platform
    await platform.send_messages("web-shop", ANN)
    cookies = [f"ck-{number}" for number in range(100, MAX_IDENTIFIERS + 140)]
    for start in range(0, len(cookies), 100):
        part = cookies[start : start + 100]
        await platform.send_messages(
            "web-shop", *(build_view(f"v-{cookie}", {"anonymousId": cookie}) for cookie in part[::2])
        )
        await platform.send_messages(
            "web-shop", *(build_view(f"w-{cookie}", {**WEB_ID, "anonymousId": cookie}) for cookie in part)
        )
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    await erasing.erase_customer(customer)
    assert await erasing.find_customer("email", "ann@shop.example") is None


async def test_the_minimised_count_does_not_reveal_an_erasure(erasing: ErasureSteps) -> None:
    """A message that refuses every purpose is minimised in the same way for erased and for new people."""
    platform = erasing.platform
    await platform.send_messages("web-shop", ANN)
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    await erasing.erase_customer(customer)
    refusing_context = {
        "consent": {"categoryPreferences": dict.fromkeys(platform.internals.catalogue.purposes, False)}
    }
    answers = []
    for number, email in enumerate(("ann@shop.example", "new@shop.example")):
        traits = {"email": email, "firstName": "Somebody", "birthday": "1980-01-01"}
        ids = {"userId": f"fresh-{number}", "messageId": f"probe-{number}"}
        message = {"type": "identify", **ids, "traits": traits, "context": refusing_context}
        answer = await platform.send_messages("web-shop", message)
        answers.append({name: answer[name] for name in ("accepted", "duplicate", "refused", "minimised")})
    assert answers[0] == answers[1]
    assert answers[0]["minimised"] > 0
