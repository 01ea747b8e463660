"""What outlives an erasure: by whose order, out of whose reach, until which day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import jwt
import pytest

from discretion.catalogue.load import load
from discretion.domain.legal_retention.retained_data_expiry import Lapse
from discretion.errors import Conflict
from discretion.law.jurisdiction import Cited, Counts, Keeping, Length, Unit
from discretion.law.load import load as load_law
from discretion.law.retention_duty import kept, lasts
from discretion.ledger.entry import parse
from discretion.store.requests import Requests
from tests.fixtures.erasure_steps import Erasing
from tests.fixtures.platform import House
from tests.store.domain.erasure.test_profile_deletion import ANN, BOB, TILL, WEB, order, viewed

CATALOGUE = load(None)
HELD = "query($r: String!) { heldData(request: $r) { law why until items { type source values } } }"


@pytest.fixture
def erasing(house: House) -> Erasing:
    """Erases customers of the house."""
    return Erasing(house)


async def test_a_steward_sees_the_invoice_and_nothing_else_and_that_is_on_record(erasing: Erasing) -> None:
    house = erasing.house
    await house.tell("web-shop", ANN, order("o1", WEB), viewed("v1", WEB))
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    request = (await erasing.whole(customer)).hex()

    found = (await house.ask(HELD, house.token("steward"), {"r": request}))["data"]["heldData"]
    assert [one["law"] for one in found] == ["gb"]
    assert found[0]["until"].startswith("2032-05-02T23:00")
    assert found[0]["items"] == [
        {
            "type": "Order Completed",
            "source": "web-shop",
            "values": {"order_id": "o1", "total": 12.5, "currency": "GBP"},
        }
    ]
    entries = await house.platform.database.find("disclosures", {}, sort=[("at", -1)])
    last = parse(entries[0]["entry"])
    assert last.extra == ("held",)
    assert len(last.subjects) == 1

    narrow = house.token("steward", purposes=["analytics.reporting"])
    for token, code in ((narrow, "HELD_NOT_GRANTED"), (house.token("support"), "STEWARD_ONLY")):
        refused = await house.ask(HELD, token, {"r": request})
        assert refused["errors"][0]["extensions"]["code"] == code


async def test_a_hold_outlives_the_erasure_until_it_is_lifted(erasing: Erasing) -> None:
    house, database = erasing.house, erasing.house.platform.database
    await house.tell("web-shop", ANN, viewed("v1", WEB))
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    steward = house.token("steward")
    find = (
        '{ customer(identifier: {type: "email", value: "ann@shop.example"}) { id events { nodes { id } } } }'
    )
    known = (await house.ask(find, steward))["data"]["customer"]
    place = """mutation($c: ID!) { placeHold(customer: $c, reason: "Claim 7", law: "ZPO 142") }"""
    hold = (await house.ask(place, steward, {"c": known["id"]}))["data"]["placeHold"]
    request = await erasing.whole(customer)
    held = (await house.ask(HELD, steward, {"r": request.hex()}))["data"]["heldData"][0]
    assert (held["law"], held["why"], held["until"]) == ("ZPO 142", "Claim 7", None)
    assert sorted(one["type"] for one in held["items"]) == ["Product Viewed", "record"]
    record = next(one["values"] for one in held["items"] if one["type"] == "record")
    assert record["contact.email"] == "Ann@Shop.Example"
    assert "ann@shop.example" in record.values()

    shredded: list[bytes] = []
    lapse = Lapse(database, lambda: 2**50, gathering(shredded))
    assert await lapse() == 0
    lifted = await house.ask("mutation($h: ID!) { liftHold(hold: $h) }", steward, {"h": hold})
    assert lifted["data"] == {"liftHold": True}
    holders = [one["_id"] for one in await database.find("held", {})]
    assert await lapse() == len(holders) == len(shredded)
    assert await database.count("held", {}) == await database.count("holds", {}) == 0


def gathering(into: list[bytes]) -> Any:
    """A shredder that notes whose keys it was told to destroy."""

    async def shred(holders: Sequence[bytes]) -> None:
        into.extend(holders)

    return shred


async def test_what_lapses_goes_on_its_day_even_if_it_was_cut_off(erasing: Erasing) -> None:
    house, database = erasing.house, erasing.house.platform.database
    await house.tell("web-shop", ANN, order("o1", WEB))
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    await erasing.whole(customer)
    until = (await database.find("held", {}))[0]["until"]
    shredded: list[bytes] = []
    assert await Lapse(database, lambda: until - 1, gathering(shredded))() == 0

    async def dies(_holders: Sequence[bytes]) -> None:
        raise Conflict("DIED", "Here.")

    with pytest.raises(Conflict):
        await Lapse(database, lambda: until, dies)()
    assert ["key" in one for one in await database.find("held", {})] == [False]
    assert await Lapse(database, lambda: until, gathering(shredded))() == len(shredded) == 1
    assert await database.count("held", {}) == 0


async def test_the_dry_run_promises_what_the_erasure_does(erasing: Erasing) -> None:
    house = erasing.house
    await house.tell("web-shop", ANN, BOB, order("o1", WEB), viewed("v1", WEB))
    await house.tell("tills", TILL)
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    steps = house.platform.erasing
    planned = await steps.rehearse(customer, {})
    part = await steps.rehearse(customer, {"category": "user.behavior"})
    assert part.events == {"Order Completed": 1, "Product Viewed": 1}
    assert part.staying == ()
    database = house.platform.database
    before = {one.collection: await database.count(one.collection, {}) for one in planned.going}
    request = await erasing.whole(customer)
    for one in planned.going:
        assert before[one.collection] - await database.count(one.collection, {}) == one.count, one.collection
    asked = await database.find_one("requests", {"_id": request})
    assert asked is not None
    assert [(one.what, one.count, one.law, one.until) for one in planned.staying] == [
        ("Order Completed", one["event"], one["law"], one["until"])
        for one in asked["steps"][0]["told"]["held"]
    ]


async def test_the_certificate_says_what_went_and_names_nobody(erasing: Erasing) -> None:
    house = erasing.house
    await house.tell("web-shop", ANN, order("o1", WEB), viewed("v1", WEB))
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    request = await erasing.request(customer)
    steps = house.platform.erasing
    await erasing.step(request, steps.depart, 0)
    with pytest.raises(Conflict, match="purge, shred, verify"):
        await erasing.step(request, steps.certify, 4)
    for number, act in list(enumerate(steps.acts.values()))[1:]:
        await erasing.step(request, act, number)
    asked = await Requests(house.platform.database).get(request)
    assert asked is not None
    signed = asked["result"]["certificate"]
    keys = jwt.PyJWKSet.from_dict((await house.http.get("/.well-known/jwks.json")).json())
    key = keys[jwt.get_unverified_header(signed)["kid"]]
    assert jwt.get_unverified_header(signed)["typ"] == "erasure-certificate+jwt"
    told = jwt.decode(signed, key, algorithms=["EdDSA"])
    assert told["deleted"]["events"] == 2
    assert told["kept"][0]["law"] == "gb"
    assert customer.hex() not in str(told)
    assert "ann" not in str(told).lower().replace("channel", "")


def test_a_year_ends_before_six_of_them_are_counted() -> None:
    def rule(counts: Counts) -> Keeping:
        cited = Cited(date(2000, 1, 1), None, "s")
        return Keeping(frozenset({"e"}), frozenset({"p"}), Length(72, Unit.MONTHS), counts, cited)

    at = int(datetime(2026, 5, 2, 10, tzinfo=UTC).timestamp() * 1000)
    ends = [lasts(rule(one), at, "Europe/London") for one in (Counts.YEAR_END, Counts.EVENT)]
    days = [datetime.fromtimestamp(one / 1000, UTC).isoformat()[:13] for one in ends]
    assert days == ["2033-01-01T00", "2032-05-02T23"]


def test_of_several_laws_the_longest_that_is_sure_is_obeyed_and_what_is_unsure_orders_nothing() -> None:
    book = load_law(None, CATALOGUE).jurisdictions
    at = now = int(datetime(2026, 5, 2, tzinfo=UTC).timestamp() * 1000)
    both = kept([book["gb"], book["ch"]], "Order Completed", at, now)
    assert both is not None
    assert both.law == "ch"
    assert kept([book["us-ca"], book["unknown"]], "Order Completed", at, now) is None
    assert kept([book["gb"]], "Product Viewed", at, now) is None
    assert kept([replace(book["gb"], keeping=())], "Order Completed", at, now) is None
