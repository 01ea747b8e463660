"""Retention: an expired value is withheld at once and later deleted from the database by a sweep."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.demo.roles import ROLES
from discretion.plan.customer_members import ALLOW, RESTRICTED
from discretion.store import events
from discretion.store import source_record_codec as codec
from discretion.store.customer_codec import parse_customer
from discretion.store.driver.database import Database
from discretion.store.schema.collections import COLLECTIONS
from discretion.store.sweeps import SweepRun
from tests.fixtures.attribute_keys import KEYS
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.properties.random_population import build_selection

FIRST_SEEN = "2021-01-31T10:00:00"
SEEN_AGAIN = "2023-06-01T10:00:00"
BEFORE_EXPIRY = "2024-01-31T09:59:58"
AFTER_EXPIRY = "2024-01-31T10:00:01"

EMAIL = "Mara.Lind@post.example"
CONSENT = {"consent": {"categoryPreferences": {"marketing": True, "analytics": False}}}
MARA: dict[str, Any] = {
    "type": "identify",
    "userId": "u-7",
    "messageId": "w1",
    "traits": {
        "email": EMAIL,
        "firstName": "Mara",
        "lastName": "Lindqvist",
        "phone": "+493023125009",
        "birthday": "1984-02-29",
        "language": "sv-SE",
    },
    "context": CONSENT,
}
VIEW = {
    "type": "track",
    "event": "Product Viewed",
    "userId": "u-7",
    "messageId": "v1",
    "properties": {"product_id": "snowshoes", "category": "outdoor"},
}
ORDER = {
    "type": "track",
    "event": "Order Completed",
    "userId": "u-7",
    "messageId": "o1",
    "properties": {"order_id": "o-1", "total": "19.90"},
}
SECOND_IDENTIFY = {**MARA, "messageId": "w2", "traits": {"email": EMAIL, "firstName": "Mara"}, "context": {}}
SECRETS = ("Lindqvist", "+493023125009", "1984-02-29", "35-44", "sv-SE", "snowshoes", "outdoor")
EXPIRED_ATTRIBUTES = (
    "identity.familyName",
    "contact.phone",
    "demographics.birthDate",
    "preferences.language",
)
EXPIRED_TOTALS = ("web.favouriteCategory", "web.firstSeenAt", "web.lastSeenAt")
EVENTS = "events(first: 20) { nodes { name properties } }"
ALL_CUSTOMERS = f"{{ customers(first: 10) {{ nodes {{ {build_selection()} {EVENTS} }} }} }}"
OWN_PROFILE = f"{{ me {{ {build_selection()} {EVENTS}}} }}"
PROVENANCE = "{ customers(first: 10) { nodes { provenance { attribute value source observedAt } } } }"


@pytest.fixture
def clock() -> Clock:
    """Return the platform's clock."""
    return Clock(FIRST_SEEN)


@pytest_asyncio.fixture
async def platform(
    database: Database, tmp_path: Path, commands: CommandRecorder, clock: Clock
) -> AsyncIterator[PlatformUnderTest]:
    """Yield a platform that received Mara at the start time of ``clock`` and again later."""
    test_platform = await build_test_platform(database, tmp_path, commands, clock=clock)
    async with test_platform.http:
        await test_platform.send_messages("web-shop", MARA, VIEW, ORDER)
        clock.set(SEEN_AGAIN)
        await test_platform.send_messages("web-shop", SECOND_IDENTIFY)
        yield test_platform


async def query_all_roles(platform: PlatformUnderTest) -> dict[str, str]:
    """Return the answer of each role to a query for all attributes, by role name."""
    answers_by_role = {}
    for role in ROLES:
        is_customer = role.name == "customer"
        token = platform.issue_token(role.name, subject=MARA["userId"] if is_customer else None)
        answers_by_role[role.name] = json.dumps(
            await platform.query(OWN_PROFILE if is_customer else ALL_CUSTOMERS, token)
        )
    return answers_by_role


async def dump_collections(platform: PlatformUnderTest) -> dict[str, list[dict[str, Any]]]:
    """Return every document of every collection, by collection name."""
    database = platform.internals.database
    return {
        collection.name: await database.find(collection.name, {}, sort=[("_id", 1)])
        for collection in COLLECTIONS
    }


async def run_sweep(platform: PlatformUnderTest) -> SweepRun:
    """Run a retention sweep."""
    return await platform.internals.retention_sweep.run(lambda _: None)


async def test_an_expired_value_is_withheld_from_every_role(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    """This holds before anything is deleted; a second before expiry the permitted roles still see it."""
    clock.set(BEFORE_EXPIRY)
    before = await query_all_roles(platform)
    assert all(
        secret in before["customer"] for secret in ("Lindqvist", "+493023125009", "1984-02-29", "sv-SE")
    )
    assert "Lindqvist" in before["support"]
    clock.set(AFTER_EXPIRY)
    after = await query_all_roles(platform)
    assert [(role, secret) for role, answer in after.items() for secret in SECRETS if secret in answer] == []
    assert "Mara" in after["customer"]
    own_answer = await platform.query(
        "{ me { identity { familyName givenName } } }",
        platform.issue_token("customer", subject=MARA["userId"]),
    )
    withheld = own_answer["extensions"]["disclosure"]["withheld"]
    assert withheld == [{"field": "identity.familyName", "reason": "RETENTION_LAPSED", "count": 1}]


async def test_a_sweep_deletes_expired_data_and_nothing_else(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    """Records, profile and events lose it; choices, ids, other records and the ledger are unchanged."""
    clock.set(AFTER_EXPIRY)
    await query_all_roles(platform)
    before = await dump_collections(platform)
    clock.advance(3_600_000)
    run = await run_sweep(platform)
    after = await dump_collections(platform)
    [record], [customer] = after["source_records"], after["customers"]
    stored_keys = {
        *record[codec.CELLS],
        *record[codec.TOTALS],
        *customer,
        *customer["p"],
    }
    assert stored_keys.isdisjoint(KEYS[path] for path in (*EXPIRED_ATTRIBUTES, *EXPIRED_TOTALS))
    assert {KEYS["identity.givenName"], KEYS["contact.email"], KEYS["commerce.orderCount"]} <= stored_keys
    assert [event[events.TYPE] for event in after["events"]] == ["Order Completed"]
    for name in ("disclosures", "messages", "identifiers", "identity_events", "rulings", "clients"):
        assert after[name] == before[name], name
    untouched = (
        *("_id", codec.SOURCE, codec.CUSTOMER, codec.IDENTIFIERS),
        *(
            codec.AMBIENT_CHOICES,
            codec.EXPLICIT_CHOICES,
            codec.FIRST,
        ),
        *(codec.LAST, codec.BORN, codec.HOME),
    )
    assert {name: record[name] for name in untouched} == {
        name: before["source_records"][0][name] for name in untouched
    }
    assert customer[ALLOW] & ~before["customers"][0][ALLOW] == 0
    assert run.values == dict.fromkeys((*EXPIRED_ATTRIBUTES, *EXPIRED_TOTALS), 1)
    assert run.events == {"Product Viewed": 1}


async def test_provenance_omits_deleted_values(platform: PlatformUnderTest, clock: Clock) -> None:
    """The steward sees no origin of deleted values; the remaining values keep theirs."""
    clock.set(AFTER_EXPIRY)
    await run_sweep(platform)
    answer = await platform.query(PROVENANCE, platform.issue_token("steward"))
    attributes = {entry["attribute"] for entry in answer["data"]["customers"]["nodes"][0]["provenance"]}
    assert attributes.isdisjoint(EXPIRED_ATTRIBUTES)
    assert {"identity.givenName", "contact.email"} <= attributes


async def test_the_answers_do_not_change_when_expired_data_are_deleted(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    """No role can distinguish a withheld value from a deleted one."""
    clock.set(AFTER_EXPIRY)
    before = await query_all_roles(platform)
    await run_sweep(platform)
    after = await query_all_roles(platform)
    for role, answer in after.items():
        assert json.loads(answer)["data"] == json.loads(before[role])["data"], role


async def test_a_dry_run_reports_the_same_counts_and_changes_nothing(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    """It records no sweep run either."""
    clock.set(AFTER_EXPIRY)
    clock.advance(3_600_000)
    before = await dump_collections(platform)
    preview = await platform.internals.retention_sweep.preview(lambda _: None)
    assert await dump_collections(platform) == before
    run = await run_sweep(platform)
    assert (preview.values, preview.events, preview.examined, preview.changed) == (
        run.values,
        run.events,
        run.examined,
        run.changed,
    )
    assert run.values


async def test_expired_data_that_are_sent_again_are_not_stored(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    """Expired values of repeated and late messages are minimised, and no event counts twice."""
    clock.set(AFTER_EXPIRY)
    clock.advance(3_600_000)
    await run_sweep(platform)
    before = await dump_collections(platform)
    old_time = {"timestamp": "2021-01-31T10:00:00Z"}
    outcome = await platform.send_messages(
        "web-shop", {**MARA, **old_time}, {**VIEW, **old_time}, {**ORDER, **old_time}
    )
    assert [result["status"] for result in outcome["results"]] == ["duplicate", "accepted", "duplicate"]
    assert outcome["results"][1]["minimised"] == 1
    assert [part["code"] for part in outcome["results"][1]["leftOut"]] == ["RETENTION_OVER"]
    late = await platform.send_messages("web-shop", {**MARA, **old_time, "messageId": "w3"})
    assert (late["accepted"], late["results"][0]["minimised"]) == (1, 6)
    [record] = await platform.internals.database.find("source_records", {})
    assert (record[codec.CELLS], record[codec.TOTALS]) == (
        before["source_records"][0][codec.CELLS],
        before["source_records"][0][codec.TOTALS],
    )
    assert await platform.internals.database.count("events", {}) == 1


async def test_a_message_of_which_nothing_may_be_stored_makes_nobody(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    """The answer names the time; a refusal in such a message does not expire."""
    clock.set(AFTER_EXPIRY)
    old = [
        {**MARA, "userId": "u-1", "messageId": "1", "timestamp": "2021-01-31T10:00:00Z", "context": {}},
        {**VIEW, "userId": "u-2", "messageId": "2", "timestamp": "2021-01-31T10:00:00Z"},
        {"type": "identify", "userId": "u-3", "messageId": "3", "timestamp": "1970-01-01T00:00:00Z"},
    ]
    customers = await platform.internals.database.count("customers", {})
    outcome = await platform.send_messages("web-shop", *old)
    assert [result["status"] for result in outcome["results"]] == ["accepted"] * 3
    assert {part["code"] for result in outcome["results"] for part in result["leftOut"]} == {"RETENTION_OVER"}
    assert await platform.internals.database.count("customers", {}) == customers
    await platform.send_messages("web-shop", {**old[0], "context": CONSENT})
    assert await platform.internals.database.count("customers", {}) == customers + 1


async def test_a_child_stays_protected_when_the_birth_date_expires(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """The birth date is withheld but kept until the child is of age: a sweep adds no permission."""
    clock = Clock("2021-03-01T10:00:00")
    platform = await build_test_platform(database, tmp_path, commands, clock=clock)
    async with platform.http:
        child = {**MARA, "traits": {**MARA["traits"], "birthday": "2013-06-01"}}
        await platform.send_messages("web-shop", child)
        [before] = await database.find("customers", {})
        clock.set("2024-03-02T10:00:00")
        assert "2013" not in json.dumps(await query_all_roles(platform))
        await run_sweep(platform)
        [after] = await database.find("customers", {})
        assert after[ALLOW] == before[ALLOW]
        assert list(parse_customer(after).sealed) == [KEYS["demographics.birthDate"]]
        clock.set("2031-06-01T12:00:00")
        await run_sweep(platform)
        [grown] = await database.find("customers", {})
        assert parse_customer(grown).sealed == {}
        [record] = await database.find("source_records", {})
        assert record[codec.CELLS] == {}


async def test_a_sweep_does_not_delete_restricted_data(platform: PlatformUnderTest, clock: Clock) -> None:
    """The run counts the restricted customers that it skipped."""
    clock.set(AFTER_EXPIRY)
    clock.advance(3_600_000)
    database = platform.internals.database
    await database.update_one("source_records", {}, {"$set": {codec.RESTRICTED: True}})
    await database.update_one("customers", {}, {"$set": {RESTRICTED: True}})
    before = await dump_collections(platform)
    run = await run_sweep(platform)
    after = await dump_collections(platform)
    assert {**after, "sweeps": []} == {**before, "sweeps": []}
    assert (run.restricted, run.changed, run.values) == (1, 0, {})
