"""A customer's residence, age and the current time decide what the next read reveals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from discretion.store.driver.database import Database
from discretion.store.events import TYPE
from discretion.store.source_record_codec import CELLS, SOURCE
from tests.fixtures.attribute_keys import KEYS
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest
from tests.fixtures.proofs import build_card_confirmation
from tests.journeys.request_states import (
    EMAIL,
    FIRST_PARTY_ADS,
    PAGES,
    PARTNERS,
    STATISTICS,
    TEXTS,
    build_ann_message,
    give_guardian_consent,
    is_ann_revealed,
    open_platform_at,
    query_as_customer,
    read_jurisdictions,
    read_permissions,
    set_consent,
)

TEXAS = {"country": "US", "region": "TX"}
CALIFORNIA = {"country": "US", "region": "CA"}
BERLIN = {"country": "DE", "region": "Berlin", "city": "Berlin"}
NEEDS = "{ customers { nodes { store { accessibilityNeeds } } } }"
SUPPORT = "essential.service.operations.support"


@pytest.mark.parametrize(
    "moved",
    [
        {"address": BERLIN},
        {"address": {"country": "DE"}},
        {"address": {"country": "Deutschland", "city": "Berlin"}},
        {"residence": "DE"},
    ],
)
async def test_a_move_from_texas_to_berlin_applies_from_the_next_read(
    platform: PlatformUnderTest, moved: dict[str, Any]
) -> None:
    """In Texas partners see customers without a statement; in Berlin only customers who consented."""
    await platform.send_messages("web-shop", build_ann_message(1, address=TEXAS))
    assert await is_ann_revealed(platform, PARTNERS)
    assert await read_jurisdictions(platform) == ["us-tx"]
    await platform.send_messages("web-shop", build_ann_message(2, **moved))
    assert not await is_ann_revealed(platform, PARTNERS)
    assert await read_jurisdictions(platform) == ["eu"]
    await set_consent(platform, PARTNERS, granted=True)
    assert await is_ann_revealed(platform, PARTNERS)


@pytest.mark.parametrize(
    ("birth_date", "own_consent_counts"), [("2010-11-24", True), ("2010-11-25", False), ("2010-11-23", True)]
)
async def test_own_consent_counts_from_the_sixteenth_birthday(
    database: Database, tmp_path: Path, commands: CommandRecorder, birth_date: str, own_consent_counts: bool
) -> None:
    """GDPR Art. 8(1): before the sixteenth birthday a guardian must consent."""
    clock = Clock("2026-11-24T10:00:00")
    async with open_platform_at(clock, database, tmp_path, commands) as platform:
        await platform.send_messages("web-shop", build_ann_message(1, address=BERLIN, birthday=birth_date))
        assert not await is_ann_revealed(platform, EMAIL)
        await set_consent(platform, EMAIL, granted=True)
        assert await is_ann_revealed(platform, EMAIL) is own_consent_counts
        clock.advance(1)
        await give_guardian_consent(platform, EMAIL)
        assert await is_ann_revealed(platform, EMAIL)


async def test_a_birth_date_that_is_no_longer_stated_still_protects(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """Attack: a child's account sends a birthday of null, so that the child's own yes counts."""
    clock = Clock("2026-11-24T10:00:00")
    async with open_platform_at(clock, database, tmp_path, commands) as platform:
        await platform.send_messages("web-shop", build_ann_message(1, address=BERLIN, birthday="2014-05-06"))
        await set_consent(platform, EMAIL, granted=True)
        assert not await is_ann_revealed(platform, EMAIL)
        clock.advance(1)
        await platform.send_messages("web-shop", build_ann_message(2, address=BERLIN, birthday=None))
        assert not await is_ann_revealed(platform, EMAIL)
        await platform.send_messages("web-shop", build_ann_message(3, address=BERLIN, birthday="1980-05-06"))
        assert await is_ann_revealed(platform, EMAIL)


async def test_a_joined_birth_date_lifts_no_refusal(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """A guardian agreed after she had refused; then a till learns that she is a child."""
    clock = Clock("2026-11-24T10:00:00")
    async with open_platform_at(clock, database, tmp_path, commands) as platform:
        await platform.send_messages("web-shop", build_ann_message(1, address=BERLIN))
        await set_consent(platform, EMAIL, granted=False)
        clock.advance(1)
        await give_guardian_consent(platform, EMAIL)
        assert not await is_ann_revealed(platform, EMAIL)
        account = str(build_ann_message(1)["userId"])
        await platform.send_messages("web-shop", build_card_confirmation("c1", account, "L-100200"))
        child = {"type": "identify", "messageId": "t1", "userId": "L-100200"}
        await platform.send_messages("tills", {**child, "traits": {"birthday": "2014-05-06"}})
        assert not await is_ann_revealed(platform, EMAIL)


@pytest.mark.parametrize(
    ("address", "birth_date", "midnight"),
    [
        (BERLIN, "2010-11-25", "2026-11-24T23:00:00"),
        (TEXAS, "2013-11-25", "2026-11-25T06:00:00"),
        (CALIFORNIA, "2010-11-25", "2026-11-25T08:00:00"),
    ],
    ids=["16 in Germany", "13 in Texas", "16 in California"],
)
async def test_a_birthday_begins_at_midnight_in_the_customers_time_zone(
    database: Database,
    tmp_path: Path,
    commands: CommandRecorder,
    address: dict[str, str],
    birth_date: str,
    midnight: str,
) -> None:
    """The zone is that in which the jurisdiction counts days. The change needs no write."""
    clock = Clock("2026-11-24T10:00:00")
    purpose = EMAIL if address is BERLIN else PARTNERS
    async with open_platform_at(clock, database, tmp_path, commands) as platform:
        await platform.send_messages("web-shop", build_ann_message(1, address=address, birthday=birth_date))
        if purpose is EMAIL:
            await set_consent(platform, EMAIL, granted=True)
        commands.clear()
        clock.set(midnight)
        clock.advance(-1)
        assert not await is_ann_revealed(platform, purpose)
        clock.advance(1)
        assert list_written_collections(commands) == []
        assert await is_ann_revealed(platform, purpose)


async def test_a_consent_ends_exactly_at_its_valid_until(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """Reads by id, lists, counts and filters agree; the change needs no write."""
    clock = Clock("2026-11-24T10:00:00")
    async with open_platform_at(clock, database, tmp_path, commands) as platform:
        await platform.send_messages("web-shop", build_ann_message(1, address=BERLIN))
        await set_consent(platform, PARTNERS, granted=True, validUntil="2026-11-25T00:00:00Z")
        commands.clear()
        clock.set("2026-11-24T23:59:59.999")
        assert await is_ann_revealed(platform, PARTNERS)
        clock.set("2026-11-25T00:00:00")
        assert not await is_ann_revealed(platform, PARTNERS)
        assert list_written_collections(commands) == []
        assert not (await read_permissions(platform))[PARTNERS]


def build_address_traits(address: dict[str, str] | None) -> dict[str, Any]:
    """Build the traits of an address; empty without one."""
    return {"address": address} if address else {}


def list_written_collections(commands: CommandRecorder) -> list[str]:
    """Return the collections of personal data that were written to; 1 for a client-level bulk write."""
    write_commands = ("insert", "update", "delete", "findAndModify", "bulkWrite")
    targets = [command[name] for name in write_commands for command in commands.list_commands(name)]
    return [target for target in targets if target in ("customers", "source_records", "identifiers", 1)]


@pytest.mark.parametrize(
    ("address", "key", "silence_permits"),
    [
        (BERLIN, "eu", {STATISTICS}),
        (TEXAS, "us-tx", {STATISTICS, PAGES, EMAIL, FIRST_PARTY_ADS, PARTNERS}),
        (CALIFORNIA, "us-ca", {STATISTICS, PAGES, EMAIL, FIRST_PARTY_ADS, PARTNERS}),
        ({"country": "CN"}, "cn", set()),
        (None, "unknown", set()),
    ],
)
async def test_the_jurisdiction_decides_what_is_permitted_without_a_statement(
    platform: PlatformUnderTest, address: dict[str, str] | None, key: str, silence_permits: set[str]
) -> None:
    """An unknown residence is protected by the strictest law."""
    await platform.send_messages("web-shop", build_ann_message(1, **build_address_traits(address)))
    assert await read_jurisdictions(platform) == [key]
    purposes = {STATISTICS, PAGES, EMAIL, TEXTS, FIRST_PARTY_ADS, PARTNERS}
    permissions = await read_permissions(platform)
    assert {purpose for purpose in purposes if permissions[purpose]} == silence_permits
    revealed = {
        purpose
        for purpose in (STATISTICS, PAGES, EMAIL, FIRST_PARTY_ADS, PARTNERS)
        if await is_ann_revealed(platform, purpose)
    }
    assert revealed == silence_permits


async def read_needs(platform: PlatformUnderTest, purpose: str) -> list[str | None]:
    """Return the accessibility needs that a read for a purpose reveals."""
    answer = await platform.query(NEEDS, platform.issue_token(client="reader", purposes=[purpose]))
    return [node["store"]["accessibilityNeeds"] for node in answer["data"]["customers"]["nodes"]]


async def test_health_data_need_explicit_consent_in_the_eu(platform: PlatformUnderTest) -> None:
    """GDPR Art. 9(2)(a): neither a contract nor consent to another purpose is enough."""
    await platform.send_messages(
        "tills", build_ann_message(1, "L-1", address=BERLIN, accessibilityNeeds="wheelchair")
    )
    await platform.send_messages("web-shop", build_card_confirmation("c1", "w-ann", "L-1"))
    assert await read_needs(platform, SUPPORT) == [None]
    assert await read_needs(platform, PAGES) == []
    await set_consent(platform, EMAIL, granted=True)
    assert await read_needs(platform, SUPPORT) == [None]
    await set_consent(platform, PAGES, granted=True)
    assert await read_needs(platform, PAGES) == ["wheelchair"]
    assert await read_needs(platform, SUPPORT) == [None]
    await set_consent(platform, PAGES, granted=False)
    assert await read_needs(platform, PAGES) == []


async def test_health_data_are_shown_in_california_until_their_use_is_limited(
    platform: PlatformUnderTest,
) -> None:
    """Cal. Civ. Code 1798.121: the use of sensitive data is permitted until the customer limits it."""
    await platform.send_messages(
        "tills", build_ann_message(1, "L-1", address=CALIFORNIA, accessibilityNeeds="wheelchair")
    )
    assert await read_needs(platform, SUPPORT) == ["wheelchair"]
    assert await read_needs(platform, PAGES) == ["wheelchair"]


@pytest.mark.parametrize(
    ("address", "birth_date", "purpose", "by_silence", "with_own_consent", "with_guardian"),
    [
        (BERLIN, "2016-05-01", EMAIL, False, False, True),
        (BERLIN, "2016-05-01", PARTNERS, False, False, True),
        (BERLIN, "1980-05-01", PARTNERS, False, True, True),
        (CALIFORNIA, "2016-05-01", PARTNERS, False, False, True),
        (CALIFORNIA, "2012-05-01", PARTNERS, False, True, True),
        (CALIFORNIA, "1980-05-01", PARTNERS, True, True, True),
        (TEXAS, "2016-05-01", EMAIL, False, False, True),
        (None, "2016-05-01", EMAIL, False, False, True),
        (None, "2016-05-01", PARTNERS, False, False, False),
    ],
)
async def test_a_childs_consent_needs_a_guardian(
    platform: PlatformUnderTest,
    address: dict[str, str] | None,
    birth_date: str,
    purpose: str,
    by_silence: bool,
    with_own_consent: bool,
    with_guardian: bool,
) -> None:
    """The effect of no statement, of the customer's consent and of a guardian's consent.

    Without a residence the strictest law applies: no sale of a child's data.
    """
    await platform.send_messages(
        "web-shop", build_ann_message(1, birthday=birth_date, **build_address_traits(address))
    )
    assert await is_ann_revealed(platform, purpose) is by_silence
    await set_consent(platform, purpose, granted=True)
    assert await is_ann_revealed(platform, purpose) is with_own_consent
    await give_guardian_consent(platform, purpose)
    assert await is_ann_revealed(platform, purpose) is with_guardian
    await set_consent(platform, purpose, granted=False)
    assert not await is_ann_revealed(platform, purpose)


async def test_data_without_a_permitted_purpose_are_not_stored_and_counted(
    platform: PlatformUnderTest,
) -> None:
    """GDPR Art. 5(1)(c): an event or a value without any permitted purpose is dropped; others are stored."""
    await platform.send_messages("web-shop", build_ann_message(1, address=BERLIN))
    for node in ("personalize", "marketing", "analytics"):
        await set_consent(platform, node, granted=False)
    visit = {
        "type": "track",
        "event": "Products Searched",
        "messageId": "s1",
        "userId": "w-1",
        "properties": {"query": "snowshoes"},
        "context": {"campaign": {"name": "winter-sale"}},
    }
    order = {
        "type": "track",
        "event": "Order Completed",
        "messageId": "o1",
        "userId": "w-1",
        "properties": {"order_id": "o-1", "total": 12},
    }
    outcome = await platform.send_messages(
        "web-shop", visit, order, build_ann_message(2, firstName="Ann", campaign="winter-sale")
    )
    assert outcome["minimised"] == 3
    assert [result["minimised"] for result in outcome["results"]] == [2, 0, 1]
    database = platform.internals.database
    assert [event[TYPE] for event in await database.find("events", {})] == ["Order Completed"]
    (record,) = await database.find("source_records", {SOURCE: "web-shop"})
    (customer,) = await database.find("customers", {})
    for document in (record, customer):
        assert "winter-sale" not in repr(document)
        assert "snowshoes" not in repr(document)
    assert KEYS["web.campaign"] not in record[CELLS]
    assert KEYS["identity.givenName"] in record[CELLS]
    assert (await query_as_customer(platform, "{ me { web { campaign } identity { givenName } } }"))[
        "me"
    ] == {
        "web": {"campaign": None},
        "identity": {"givenName": "Ann"},
    }
