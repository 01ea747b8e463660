"""An erasure, from the dry run to the day on which the last invoice goes, as those see it who may ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import pytest_asyncio

from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build
from tests.journeys.rights import ACCESS, ERASURE, ONE, OWN, PACKAGE, PREVIEW, asked, own, refused
from tests.store.domain.erasure.test_profile_deletion import ANN, BOB, TILL, WEB, order, viewed

EMAIL = "ann@shop.example"
HELD = "query($r: String!) { heldData(request: $r) { law why until items { type source values } } }"
FIND = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'
EVERYBODY = """{ customers(first: 50) { nodes {
  id identity { givenName } contact { email }
  events(first: 50) { nodes { name } } consents(first: 50) { nodes { id } } identifiers { type value }
} } }"""
INVOICE = {"order_id": "o1", "total": 12.5, "currency": "GBP"}


@pytest.fixture
def clock() -> Clock:
    """Later than today, so that MongoDB deletes nothing that has yet to expire."""
    return Clock("2027-01-12T10:00")


@pytest_asyncio.fixture
async def house(database: Database, tmp_path: Path, commands: Commands, clock: Clock) -> AsyncIterator[House]:
    built = await build(database, tmp_path, commands, clock=clock)
    async with built.http:
        yield built


async def everybody(house: House) -> list[dict[str, Any]]:
    """Everything that the office reads of everybody."""
    answer = await house.ask(EVERYBODY, house.token("steward"))
    assert "errors" not in answer, answer
    nodes: list[dict[str, Any]] = answer["data"]["customers"]["nodes"]
    return nodes


async def preview(house: House, token: str, **variables: Any) -> dict[str, Any]:
    """What an erasure would do."""
    answer = await house.ask(PREVIEW, token, variables)
    assert "errors" not in answer, answer
    told: dict[str, Any] = answer["data"]["erasurePreview"]
    return told


async def erased(house: House, email: str) -> dict[str, Any]:
    """The certificate of an erasure that somebody asked for and that was carried out, decoded."""
    token = await own(house, email)
    filed = await asked(house, token, ERASURE)
    await house.carry()
    request = await asked(house, token, ONE, id=filed["id"])
    assert request["state"] == "FULFILLED"
    told: dict[str, Any] = jwt.decode(request["result"]["certificate"], options={"verify_signature": False})
    return told


async def test_an_invoice_is_kept_for_its_law_alone_and_goes_on_its_day(house: House, clock: Clock) -> None:
    """The person is told so before they ask; afterwards only a steward sees it, for that purpose."""
    await house.tell("web-shop", ANN, BOB, order("o1", WEB), viewed("v1", WEB))
    told = await preview(house, await own(house, EMAIL))
    (stays,) = told["staying"]
    assert (stays["what"], stays["count"], stays["law"]) == ("Order Completed", 1, "gb")
    assert stays["why"]
    assert {"where": "events", "count": 2}.items() <= next(
        one for one in told["going"] if one["where"] == "events"
    ).items()
    certificate = await erased(house, EMAIL)
    number = {"r": certificate["jti"]}
    (kept,) = (await house.ask(HELD, house.token("steward"), number))["data"]["heldData"]
    assert (kept["law"], kept["why"], kept["until"]) == (stays["law"], stays["why"], stays["until"])
    assert kept["items"] == [{"type": "Order Completed", "source": "web-shop", "values": INVOICE}]
    assert [one["identity"]["givenName"] for one in await everybody(house)] == ["Bob"]
    assert "o1" not in str(await everybody(house))
    for token, code in (
        (house.token("support"), "STEWARD_ONLY"),
        (await own(house, "bob@shop.example"), "STEWARD_ONLY"),
        (house.token("steward", purposes=["analytics.reporting"]), "HELD_NOT_GRANTED"),
    ):
        assert await refused(house, token, HELD, **number) == code
    clock.set(stays["until"].removesuffix("Z"))
    clock.forward(-1)
    assert await house.platform.erasing.lapse() == 0
    clock.forward(1)
    assert await house.platform.erasing.lapse() == 1
    assert (await house.ask(HELD, house.token("steward"), number))["data"]["heldData"] == []


async def test_a_dry_run_changes_nothing_and_is_told_to_the_customer_and_the_office(house: House) -> None:
    """Of a part it says which values and events; a steward's look is on the person's account."""
    await house.tell("web-shop", ANN, BOB, order("o1", WEB), viewed("v1", WEB))
    await house.tell("tills", TILL)
    before, token = await everybody(house), await own(house, EMAIL)
    whole = await preview(house, token)
    assert (whole["scope"], whole["shared"]) == ("everything", 0)
    assert {one["where"]: one["count"] for one in whole["going"]}["source_records"] == 2
    part = await preview(house, token, scope={"channel": "store"})
    assert (part["scope"], part["events"], part["staying"]) == ("channel:store", [], [])
    assert {one["what"]: one["count"] for one in part["values"]}["contact.email"] == 1
    behaviour = await preview(house, token, scope={"category": "user.behavior"})
    assert {one["what"] for one in behaviour["events"]} == {"Order Completed", "Product Viewed"}
    assert await everybody(house) == before
    steward = house.token("steward")
    named = (await house.ask(FIND, steward, {"v": EMAIL}))["data"]["customer"]["id"]
    assert await preview(house, steward, customer=named) == whole
    seen = await house.ask("{ me { disclosures(first: 50) { nodes { client also } } } }", token)
    looks = seen["data"]["me"]["disclosures"]["nodes"]
    assert {"client": "privacy-office", "also": ["erasure_preview"]} in looks
    assert await refused(house, steward, PREVIEW) == "FOR_ARGUMENTS"
    assert await refused(house, house.token("support"), PREVIEW, customer=named) == "PREVIEW_NOT_GRANTED"
    assert await refused(house, token, PREVIEW, customer="another") == "FOR_ARGUMENTS"
    assert await refused(house, token, PREVIEW, scope={"channel": "moon"}) == "SCOPE_UNKNOWN"


async def test_two_profiles_that_were_made_one_are_erased_whole(house: House) -> None:
    """Under either id that the person had; a copy goes too, and neither door knows them again."""
    await house.tell("web-shop", ANN, BOB, viewed("v1", WEB))
    other = {**TILL, "traits": {"email": "annie@home.example"}}
    await house.tell("tills", other)
    early = await own(house, "annie@home.example")
    steward = house.token("steward")
    ids = [
        (await house.ask(FIND, steward, {"v": one}))["data"]["customer"]["id"]
        for one in (EMAIL, "annie@home.example")
    ]
    merged = await house.ask("mutation($i: [ID!]!) { merge(customers: $i) { id } }", steward, {"i": ids})
    assert "errors" not in merged, merged
    copy = await asked(house, early, ACCESS)
    await house.carry()
    assert "errors" not in await house.ask(PACKAGE, early, {"id": copy["id"]})
    filed = await asked(house, early, ERASURE)
    await house.carry()
    assert (await asked(house, early, ONE, id=filed["id"]))["state"] == "FULFILLED"
    assert await refused(house, early, PACKAGE, id=copy["id"]) in {"PACKAGE_GONE", "REQUEST_NOT_FOUND"}
    assert [one["identity"]["givenName"] for one in await everybody(house)] == ["Bob"]
    for one in (EMAIL, "annie@home.example"):
        assert (await house.ask(FIND, steward, {"v": one}))["data"]["customer"] is None
    late = [viewed("v2", WEB), {**ANN, "messageId": "w9"}]
    answer = await house.tell("web-shop", *late)
    assert [one["status"] for one in answer["results"]] == ["accepted"] * 2
    await house.tell("tills", {**other, "messageId": "s9"})
    assert [one["identity"]["givenName"] for one in await everybody(house)] == ["Bob"]


async def test_who_comes_back_is_a_new_customer(house: House, clock: Clock) -> None:
    """By doing something that enrols: under another id, without a past; and their old token is nobody's."""
    await house.tell("web-shop", ANN, order("o1", WEB), viewed("v1", WEB))
    old = await own(house, EMAIL)
    before = (await house.ask(FIND, house.token("steward"), {"v": EMAIL}))["data"]["customer"]["id"]
    await erased(house, EMAIL)
    clock.forward(1_800_000)
    await house.tell("web-shop", {**ANN, "messageId": "w2", "timestamp": "2027-01-12T10:10:00Z"})
    assert await everybody(house) == []
    back = order("o2", WEB, "2027-01-12T10:20:00Z")
    await house.tell("web-shop", back, {**ANN, "messageId": "w3", "timestamp": "2027-01-12T10:21:00Z"})
    await house.tell("web-shop", viewed("v9", WEB))  # of before, late
    (found,) = await everybody(house)
    assert found["id"] != before
    assert [one["name"] for one in found["events"]["nodes"]] == ["Order Completed"]
    assert found["consents"]["nodes"] == []
    assert (await house.ask("{ me { id } }", old))["data"]["me"] is None
    new = await own(house, EMAIL)
    assert (await house.ask(OWN, new))["data"]["me"]["rightsRequests"]["nodes"] == []
