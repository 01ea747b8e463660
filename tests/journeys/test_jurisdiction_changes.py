"""Where somebody lives, how old they are and what time it is decide what the next read reveals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House
from tests.journeys.request_states import (
    EMAIL,
    OWN_ADS,
    PAGES,
    PARTNERS,
    STATISTICS,
    TEXTS,
    ann,
    at,
    guardian_agrees,
    laws,
    own,
    permits,
    revealed,
    says,
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
async def test_who_moves_from_texas_to_berlin_is_protected_from_the_next_read_on(
    house: House, moved: dict[str, Any]
) -> None:
    """Partners see who says nothing in Texas, where one opts out; in Berlin they see who agreed."""
    await house.tell("web-shop", ann(1, address=TEXAS))
    assert await revealed(house, PARTNERS)
    assert await laws(house) == ["us-tx"]
    await house.tell("web-shop", ann(2, **moved))
    assert not await revealed(house, PARTNERS)
    assert await laws(house) == ["eu"]
    await says(house, PARTNERS, given=True)
    assert await revealed(house, PARTNERS)


@pytest.mark.parametrize(
    ("born", "alone"), [("2010-11-24", True), ("2010-11-25", False), ("2010-11-23", True)]
)
async def test_own_consent_counts_from_the_sixteenth_birthday_on(
    database: Database, tmp_path: Path, commands: Commands, born: str, alone: bool
) -> None:
    """GDPR Art. 8(1); before it, a guardian's does."""
    clock = Clock("2026-11-24T10:00:00")
    async with at(clock, database, tmp_path, commands) as house:
        await house.tell("web-shop", ann(1, address=BERLIN, birthday=born))
        assert not await revealed(house, EMAIL)
        await says(house, EMAIL, given=True)
        assert await revealed(house, EMAIL) is alone
        clock.forward(1)
        await guardian_agrees(house, EMAIL)
        assert await revealed(house, EMAIL)


@pytest.mark.parametrize(
    ("address", "born", "midnight"),
    [
        (BERLIN, "2010-11-25", "2026-11-24T23:00:00"),
        (TEXAS, "2013-11-25", "2026-11-25T06:00:00"),
        (CALIFORNIA, "2010-11-25", "2026-11-25T08:00:00"),
    ],
    ids=["16 in Germany", "13 in Texas", "16 in California"],
)
async def test_the_birthday_begins_at_midnight_where_somebody_lives(
    database: Database,
    tmp_path: Path,
    commands: Commands,
    address: dict[str, str],
    born: str,
    midnight: str,
) -> None:
    """The zone is the one in which the jurisdiction counts days. Time alone does it: nothing is written."""
    clock = Clock("2026-11-24T10:00:00")
    purpose = EMAIL if address is BERLIN else PARTNERS
    async with at(clock, database, tmp_path, commands) as house:
        await house.tell("web-shop", ann(1, address=address, birthday=born))
        if purpose is EMAIL:
            await says(house, EMAIL, given=True)
        commands.clear()
        clock.set(midnight)
        clock.forward(-1)
        assert not await revealed(house, purpose)
        clock.forward(1)
        assert written(commands) == []
        assert await revealed(house, purpose)


async def test_a_consent_is_over_at_the_moment_it_was_given_until(
    database: Database, tmp_path: Path, commands: Commands
) -> None:
    """By id, in lists, in counts and filters, and nothing is written in between."""
    clock = Clock("2026-11-24T10:00:00")
    async with at(clock, database, tmp_path, commands) as house:
        await house.tell("web-shop", ann(1, address=BERLIN))
        await says(house, PARTNERS, given=True, validUntil="2026-11-25T00:00:00Z")
        commands.clear()
        clock.set("2026-11-24T23:59:59.999")
        assert await revealed(house, PARTNERS)
        clock.set("2026-11-25T00:00:00")
        assert not await revealed(house, PARTNERS)
        assert written(commands) == []
        assert not (await permits(house))[PARTNERS]


def living(address: dict[str, str] | None) -> dict[str, Any]:
    """The traits of an address, if there is one."""
    return {"address": address} if address else {}


def written(commands: Commands) -> list[str]:
    """Collections of people that were written to."""
    changing = ("insert", "update", "delete", "findAndModify", "bulkWrite")
    into = [one[name] for name in changing for one in commands.named(name)]
    return [one for one in into if one in ("customers", "source_records", "identifiers", 1)]


@pytest.mark.parametrize(
    ("address", "key", "silence_permits"),
    [
        (BERLIN, "eu", {STATISTICS}),
        (TEXAS, "us-tx", {STATISTICS, PAGES, EMAIL, OWN_ADS, PARTNERS}),
        (CALIFORNIA, "us-ca", {STATISTICS, PAGES, EMAIL, OWN_ADS, PARTNERS}),
        ({"country": "CN"}, "cn", set()),
        (None, "unknown", set()),
    ],
)
async def test_silence_permits_what_the_law_of_the_place_lets_it(
    house: House, address: dict[str, str] | None, key: str, silence_permits: set[str]
) -> None:
    """Nowhere is the strictest place."""
    await house.tell("web-shop", ann(1, **living(address)))
    assert await laws(house) == [key]
    asked = {STATISTICS, PAGES, EMAIL, TEXTS, OWN_ADS, PARTNERS}
    told = await permits(house)
    assert {one for one in asked if told[one]} == silence_permits
    seen = {one for one in (STATISTICS, PAGES, EMAIL, OWN_ADS, PARTNERS) if await revealed(house, one)}
    assert seen == silence_permits


async def needs(house: House, purpose: str) -> list[str | None]:
    """The accessibility needs that a purpose is shown."""
    answer = await house.ask(NEEDS, house.token(client="reader", purposes=[purpose]))
    return [one["store"]["accessibilityNeeds"] for one in answer["data"]["customers"]["nodes"]]


async def test_health_takes_an_express_yes_where_the_law_says_so(house: House) -> None:
    """GDPR Art. 9(2)(a): a contract is none; nor is a yes to another purpose."""
    await house.tell("tills", ann(1, "L-1", address=BERLIN, accessibilityNeeds="wheelchair"))
    assert await needs(house, SUPPORT) == [None]
    assert await needs(house, PAGES) == []
    await says(house, EMAIL, given=True)
    assert await needs(house, SUPPORT) == [None]
    await says(house, PAGES, given=True)
    assert await needs(house, PAGES) == ["wheelchair"]
    assert await needs(house, SUPPORT) == [None]
    await says(house, PAGES, given=False)
    assert await needs(house, PAGES) == []


async def test_health_is_shown_in_california_until_its_use_is_limited(house: House) -> None:
    """Cal. Civ. Code 1798.121: health is shown until its use is limited."""
    await house.tell("tills", ann(1, "L-1", address=CALIFORNIA, accessibilityNeeds="wheelchair"))
    assert await needs(house, SUPPORT) == ["wheelchair"]
    assert await needs(house, PAGES) == ["wheelchair"]


@pytest.mark.parametrize(
    ("address", "born", "purpose", "silent", "alone", "guarded"),
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
async def test_a_child_is_asked_through_a_guardian(
    house: House,
    address: dict[str, str] | None,
    born: str,
    purpose: str,
    silent: bool,
    alone: bool,
    guarded: bool,
) -> None:
    """What silence, one's own yes and a guardian's come to; nowhere, the strictest law sells no child."""
    await house.tell("web-shop", ann(1, birthday=born, **living(address)))
    assert await revealed(house, purpose) is silent
    await says(house, purpose, given=True)
    assert await revealed(house, purpose) is alone
    await guardian_agrees(house, purpose)
    assert await revealed(house, purpose) is guarded
    await says(house, purpose, given=False)
    assert not await revealed(house, purpose)


async def test_what_was_refused_altogether_is_not_stored_and_counted(house: House) -> None:
    """GDPR Art. 5(1)(c): an event and a value without a purpose left stay out; what has another is kept."""
    await house.tell("web-shop", ann(1, address=BERLIN))
    for node in ("personalize", "marketing", "analytics"):
        await says(house, node, given=False)
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
    told = await house.tell("web-shop", visit, order, ann(2, firstName="Ann", campaign="winter-sale"))
    assert told["minimised"] == 3
    assert [one["minimised"] for one in told["results"]] == [2, 0, 1]
    database = house.platform.database
    assert [one["type"] for one in await database.find("events", {})] == ["Order Completed"]
    (record,) = await database.find("source_records", {"source": "web-shop"})
    (customer,) = await database.find("customers", {})
    for kept in (record, customer):
        assert "winter-sale" not in repr(kept)
        assert "snowshoes" not in repr(kept)
    assert "web/campaign" not in record["cells"]
    assert "identity/givenName" in record["cells"]
    assert (await own(house, "{ me { web { campaign } identity { givenName } } }"))["me"] == {
        "web": {"campaign": None},
        "identity": {"givenName": "Ann"},
    }
