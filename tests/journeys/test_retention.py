"""What was observed too long ago is shown to nobody at once, and then it is gone from the database."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.demo.roles import ROLES
from discretion.domain.retention.sweep_run import Run
from discretion.store.driver.database import Database
from discretion.store.schema.collections import COLLECTIONS
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build
from tests.properties.random_population import selection

BEGUN = "2021-01-31T10:00:00"
LATER = "2023-06-01T10:00:00"
WITHIN = "2024-01-31T09:59:58"
OVER = "2024-01-31T10:00:01"

EMAIL = "Mara.Lind@post.example"
SAID = {"consent": {"categoryPreferences": {"marketing": True, "analytics": False}}}
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
    "context": SAID,
}
VIEWED = {
    "type": "track",
    "event": "Product Viewed",
    "userId": "u-7",
    "messageId": "v1",
    "properties": {"product_id": "snowshoes", "category": "outdoor"},
}
BOUGHT = {
    "type": "track",
    "event": "Order Completed",
    "userId": "u-7",
    "messageId": "o1",
    "properties": {"order_id": "o-1", "total": "19.90"},
}
AGAIN = {**MARA, "messageId": "w2", "traits": {"email": EMAIL, "firstName": "Mara"}, "context": {}}
SECRETS = ("Lindqvist", "+493023125009", "1984-02-29", "35-44", "sv-SE", "snowshoes", "outdoor")
GONE = ("identity/familyName", "contact/phone", "demographics/birthDate", "preferences/language")
GONE_TOTALS = ("web/favouriteCategory", "web/firstSeenAt", "web/lastSeenAt")
EVENTS = "events(first: 20) { nodes { name properties } }"
EVERYBODY = f"{{ customers(first: 10) {{ nodes {{ {selection()} {EVENTS} }} }} }}"
OWN = f"{{ me {{ {selection()} {EVENTS}}} }}"
PROVENANCE = "{ customers(first: 10) { nodes { provenance { attribute value source observedAt } } } }"


@pytest.fixture
def clock() -> Clock:
    """The house's clock."""
    return Clock(BEGUN)


@pytest_asyncio.fixture
async def aged(database: Database, tmp_path: Path, commands: Commands, clock: Clock) -> AsyncIterator[House]:
    """A house that told by ``clock`` has known Mara from the beginning, and met her again later."""
    built = await build(database, tmp_path, commands, clock=clock)
    async with built.http:
        await built.tell("web-shop", MARA, VIEWED, BOUGHT)
        clock.set(LATER)
        await built.tell("web-shop", AGAIN)
        yield built


async def answers(house: House, subject: str) -> dict[str, str]:
    """What each role is answered when it asks for everything."""
    told = {}
    for role in ROLES:
        own = role.name == "customer"
        token = house.token(role.name, subject=subject if own else None)
        told[role.name] = json.dumps(await house.ask(OWN if own else EVERYBODY, token))
    return told


async def own_id(house: House) -> str:
    """The id by which Mara's app knows her."""
    steward = house.token("steward", client="customer-app")
    answer = await house.ask("{ customers(first: 1) { nodes { id } } }", steward)
    name: str = answer["data"]["customers"]["nodes"][0]["id"]
    return name


async def kept(house: House) -> dict[str, list[dict[str, Any]]]:
    """Every document there is."""
    database = house.platform.database
    return {one.name: await database.find(one.name, {}, sort=[("_id", 1)]) for one in COLLECTIONS}


async def swept(house: House) -> Run:
    """What a sweep deletes now."""
    return await house.platform.sweep.run(lambda _: None)


async def test_at_its_hour_a_value_is_withheld_from_every_role(aged: House, clock: Clock) -> None:
    """Before anything is deleted; a second earlier those who may see it do."""
    clock.set(WITHIN)
    subject = await own_id(aged)
    before = await answers(aged, subject)
    assert all(one in before["customer"] for one in ("Lindqvist", "+493023125009", "1984-02-29", "sv-SE"))
    assert "Lindqvist" in before["support"]
    clock.set(OVER)
    after = await answers(aged, subject)
    assert [(role, one) for role, told in after.items() for one in SECRETS if one in told] == []
    assert "Mara" in after["customer"]
    own = await aged.ask(
        "{ me { identity { familyName givenName } } }", aged.token("customer", subject=subject)
    )
    withheld = own["extensions"]["disclosure"]["withheld"]
    assert withheld == [{"field": "identity.familyName", "reason": "RETENTION_LAPSED", "count": 1}]


async def test_then_it_is_gone_from_the_database_and_nothing_else_is(aged: House, clock: Clock) -> None:
    """Records, profile and events are without it; choices, ids, marks and the ledger are as they were."""
    clock.set(OVER)
    subject = await own_id(aged)
    await answers(aged, subject)
    before = await kept(aged)
    clock.forward(3_600_000)
    run = await swept(aged)
    after = await kept(aged)
    [record], [customer] = after["source_records"], after["customers"]
    named = {*record["cells"], *record["folds"], *(key for part in "sotp" for key in customer[part])}
    assert named.isdisjoint({*GONE, *GONE_TOTALS})
    assert {"identity/givenName", "contact/email", "commerce/orderCount"} <= named
    assert [one["type"] for one in after["events"]] == ["Order Completed"]
    for name in ("disclosures", "messages", "identifiers", "identity_events", "rulings", "clients"):
        assert after[name] == before[name], name
    untouched = ("_id", "source", "customer", "ids", "choices", "words", "first", "last", "born", "home")
    assert {name: record[name] for name in untouched} == {
        name: before["source_records"][0][name] for name in untouched
    }
    assert customer["allow"] & ~before["customers"][0]["allow"] == 0
    assert run.values == dict.fromkeys((*GONE, *GONE_TOTALS), 1)
    assert run.events == {"Product Viewed": 1}


async def test_provenance_has_nothing_of_it(aged: House, clock: Clock) -> None:
    """Neither for the steward nor in the document, and what is left still says where it comes from."""
    clock.set(OVER)
    await swept(aged)
    answer = await aged.ask(PROVENANCE, aged.token("steward"))
    told = {one["attribute"] for one in answer["data"]["customers"]["nodes"][0]["provenance"]}
    assert told.isdisjoint(one.replace("/", ".") for one in GONE)
    assert {"identity.givenName", "contact.email"} <= told


async def test_the_answers_do_not_change_when_it_is_deleted(aged: House, clock: Clock) -> None:
    """Withheld or gone is one to everybody who may not tell them apart."""
    clock.set(OVER)
    subject = await own_id(aged)
    before = await answers(aged, subject)
    await swept(aged)
    after = await answers(aged, subject)
    for role, told in after.items():
        assert json.loads(told)["data"] == json.loads(before[role])["data"], role


async def test_a_rehearsal_says_the_same_and_changes_nothing(aged: House, clock: Clock) -> None:
    """Nor does it leave a run on record."""
    clock.set(OVER)
    clock.forward(3_600_000)
    before = await kept(aged)
    dry = await aged.platform.sweep.rehearse(lambda _: None)
    assert await kept(aged) == before
    run = await swept(aged)
    assert (dry.values, dry.events, dry.met, dry.changed) == (run.values, run.events, run.met, run.changed)
    assert run.values


async def test_told_again_too_late_it_does_not_come_back(aged: House, clock: Clock) -> None:
    """The same messages, and another that says the old things only now: dropped, and none counts twice."""
    clock.set(OVER)
    clock.forward(3_600_000)
    await swept(aged)
    before = await kept(aged)
    old = {"timestamp": "2021-01-31T10:00:00Z"}
    told = await aged.tell("web-shop", {**MARA, **old}, {**VIEWED, **old}, {**BOUGHT, **old})
    assert [one["status"] for one in told["results"]] == ["duplicate", "accepted", "duplicate"]
    assert told["results"][1]["dropped"] == 1
    late = await aged.tell("web-shop", {**MARA, **old, "messageId": "w3"})
    assert (late["accepted"], late["results"][0]["dropped"]) == (1, 6)
    [record] = await aged.platform.database.find("source_records", {})
    assert (record["cells"], record["folds"]) == (
        before["source_records"][0]["cells"],
        before["source_records"][0]["folds"],
    )
    assert await aged.platform.database.count("events", {}) == 1


async def test_a_child_stays_a_child_when_their_birth_date_lapses(
    database: Database, tmp_path: Path, commands: Commands
) -> None:
    """It is withheld, and kept until they are of age: a sweep permits nothing that was not permitted."""
    clock = Clock("2021-03-01T10:00:00")
    house = await build(database, tmp_path, commands, clock=clock)
    async with house.http:
        child = {**MARA, "traits": {**MARA["traits"], "birthday": "2013-06-01"}}
        await house.tell("web-shop", child)
        [before] = await database.find("customers", {})
        clock.set("2024-03-02T10:00:00")
        assert "2013" not in json.dumps(await answers(house, await own_id(house)))
        await swept(house)
        [after] = await database.find("customers", {})
        assert after["allow"] == before["allow"]
        assert list(after["s"]) == ["demographics/birthDate"]
        clock.set("2031-06-01T12:00:00")
        await swept(house)
        [grown] = await database.find("customers", {})
        assert grown["s"] == {}
        [record] = await database.find("source_records", {})
        assert record["cells"] == {}


async def test_what_is_restricted_is_stored_and_nothing_else(aged: House, clock: Clock) -> None:
    """Withheld it is all the same; a run says how many it left."""
    clock.set(OVER)
    clock.forward(3_600_000)
    database = aged.platform.database
    await database.update_one("source_records", {}, {"$set": {"restricted": True}})
    await database.update_one("customers", {}, {"$set": {"restricted": True}})
    before = await kept(aged)
    run = await swept(aged)
    after = await kept(aged)
    assert {**after, "sweeps": []} == {**before, "sweeps": []}
    assert (run.held, run.changed, run.values) == (1, 0, {})
