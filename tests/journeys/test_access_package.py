"""Whoever asks gets all that is kept of them, by a link that works once, however often we are cut off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from discretion.catalogue.load import load
from discretion.domain.access.download_links import LINK_LASTS_MS
from discretion.domain.access.package_steps import LASTS_MS
from discretion.domain.kit.workflow.lease import HELD_MS
from discretion.domain.kit.workflow.runner import Engine
from discretion.domain.requests.model import State
from discretion.domain.requests.workflows import fulfilled
from discretion.law.jurisdiction import Right
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import Commands
from tests.fixtures.package import CLIENT, asked, customer, fetched, link, opened, package, unpacked
from tests.fixtures.platform import House, build

ANN = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "traits": {"firstName": "Ann", "salutation": "canary-salutation", "email": "ann@shop.example"},
}
SEARCHED = {
    "type": "track",
    "messageId": "w2",
    "userId": "w-1",
    "event": "Products Searched",
    "properties": {"query": "canary red shoes"},
}
BOB = {"type": "identify", "messageId": "w3", "userId": "w-2", "traits": {"email": "bob@shop.example"}}


class Cut(BaseException):
    """A process ends here."""


async def ann(house: House) -> tuple[bytes, str]:
    """Ann, who searched once; and her token."""
    await house.tell("web-shop", ANN, SEARCHED)
    return await customer(house, "email", "ann@shop.example"), await house.own_token(
        "email", "ann@shop.example"
    )


async def test_a_package_is_fetched_once(house: House) -> None:
    """Over HTTP; a second time there is nothing, as if there had never been. Its head takes nothing."""
    named, token = await ann(house)
    request = await asked(house, named)
    await house.platform.rights.engine.once()
    path = await link(house, request, token)
    assert (await house.http.head(path)).status_code == 405
    first = await fetched(house, path)
    assert first.status_code == 200
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["referrer-policy"] == "no-referrer"
    assert first.headers["content-disposition"] == 'attachment; filename="access.zip"'
    assert "canary red shoes" in unpacked(first.content).files["package.html"].decode()
    lost = [
        await fetched(house, one)
        for one in (path, path[:-2] + "AA", path[:-1], "/v1/packages/x", "/v1/packages/" + "\u00e4" * 43)
    ]
    assert {one.status_code for one in lost} == {404}
    assert len({one.text for one in lost}) == 1
    again = await fetched(house, await link(house, request, token))
    assert unpacked(again.content).sections == unpacked(first.content).sections


async def test_it_is_on_the_ledger(house: House) -> None:
    """That a package was made and that it was fetched, as the customer's own looks, each once."""
    given = await package_of_ann(house)
    token = await house.own_token("email", "ann@shop.example")
    answer = await house.ask("{ me { disclosures(first: 20) { nodes { actor also attributes } } } }", token)
    nodes = answer["data"]["me"]["disclosures"]["nodes"]
    made = [one for one in nodes if "told" in one["also"]]
    (whole,) = made
    assert whole["actor"] == "self"
    assert {"event:Products Searched", "identifiers", "disclosures"} <= set(whole["also"])
    assert {"identity.givenName", "contact.email"} <= set(whole["attributes"])
    assert len([one for one in nodes if one["also"] == ["package"]]) == 1
    assert not [one for one in given.sections["disclosures"] if "told" in one["also"]]


async def package_of_ann(house: House) -> Any:
    """Ann's package."""
    await ann(house)
    return await package(house, "email", "ann@shop.example")


async def test_a_link_and_a_package_end(database: Database, tmp_path: Path, commands: Commands) -> None:
    """A link after 15 minutes, the package after 5 days."""
    clock = Clock("2026-11-24T10:00")
    house = await build(database, tmp_path, commands, clock=clock)
    named, token = await ann(house)
    request = await asked(house, named)
    await house.platform.rights.engine.once()
    early, late = await link(house, request, token), await link(house, request, token)
    clock.forward(LINK_LASTS_MS - 1)
    assert (await fetched(house, early)).status_code == 200
    clock.forward(1)
    assert (await fetched(house, late)).status_code == 404
    clock.forward(LASTS_MS)
    token = await house.own_token("email", "ann@shop.example")
    answer = await opened(house, request, token)
    assert answer["errors"][0]["extensions"]["code"] == "PACKAGE_GONE"


async def test_nobody_else_gets_a_link(house: House) -> None:
    """Not another customer, not the steward, not nobody; and there is none before the package is ready."""
    named, token = await ann(house)
    await house.tell("web-shop", BOB)
    request = await asked(house, named)
    codes = [
        (await opened(house, request, one))["errors"][0]["extensions"]["code"]
        for one in (
            token,
            await house.own_token("email", "bob@shop.example"),
            house.token("steward", client=CLIENT),
            house.token("support", client=CLIENT),
        )
    ]
    assert codes == ["PACKAGE_NOT_READY", "REQUEST_NOT_FOUND", "PACKAGE_NOT_GRANTED", "PACKAGE_NOT_GRANTED"]


async def test_the_database_alone_opens_nothing(house: House) -> None:
    """Neither pages nor links are legible in it."""
    await package_of_ann(house)
    for collection in ("packages", "package_links", "requests"):
        kept = repr(await house.platform.database.find(collection, {}))
        assert "canary" not in kept
        assert "ann@" not in kept


@pytest.mark.parametrize(
    ("point", "at"),
    [
        *(("gather.page", 1), ("gather.page", 7), ("gather.acted", 1), ("gather.end", 1)),
        *(("ready.cleared", 1), ("ready.end", 1)),
    ],
)
async def test_cut_off_anywhere_it_is_one_package(
    database: Database, tmp_path: Path, commands: Commands, point: str, at: int
) -> None:
    """Whoever takes over makes it anew; pages of the one who died are gone, each section is there once."""
    clock = Clock("2026-11-24T10:00")
    house = await build(database, tmp_path, commands, clock=clock)
    named, token = await ann(house)
    request = await asked(house, named)
    dying = engine(house, clock, cutting(f"access.{point}", at))
    with pytest.raises(Cut):
        await dying.carry(request.id)
    clock.forward(HELD_MS + 1)
    await house.platform.rights.engine.once()
    given = unpacked((await fetched(house, await link(house, request, token))).content)
    assert [one["name"] for one in given.sections["events"]] == ["Products Searched"]
    stored = await database.find("packages", {})
    assert len({one["_id"][16:24] for one in stored}) == 1
    assert len(stored) == sum(1 for one in given.sections if given.sections[one])
    found = await house.platform.rights.requests.get(request.id)
    assert found is not None
    assert found["state"] == State.FULFILLED


def cutting(point: str, at: int) -> Callable[[str], None]:
    """Ends the process when a point is reached for the so-manieth time."""
    left = [at]

    def watch(here: str) -> None:
        left[0] -= here == point
        if left[0] == 0:
            raise Cut

    return watch


def engine(house: House, clock: Clock, at: Callable[[str], None]) -> Engine:
    """Another process on the same requests."""
    rights = house.platform.rights
    return Engine(rights.requests, house.platform.access.acts, fulfilled, clock, at)


async def test_what_a_law_forbids_is_named_and_not_shown(
    database: Database, tmp_path: Path, commands: Commands
) -> None:
    """A Californian's identity number is kept, and in no file of their package; a German's is in all."""
    shipped = load(None)
    attribute = shipped.attributes["identity.salutation"]
    number = replace(attribute, category="user.government_id", kinds=("government_id",))
    catalogue = replace(shipped, attributes={**shipped.attributes, number.path: number})
    house = await build(database, tmp_path, commands, catalogue)
    for name, place in (("cal", {"country": "US", "region": "CA"}), ("ger", {"country": "DE"})):
        traits = {"email": f"{name}@shop.example", "salutation": f"canary-{name}", "address": place}
        await house.tell(
            "web-shop", {"type": "identify", "messageId": name, "userId": name, "traits": traits}
        )
    given = await package(house, "email", "cal@shop.example")
    assert b"canary-cal" not in b"".join(given.files.values())
    for section in ("values", "told"):
        (one,) = [row for row in given.sections[section] if row["attribute"] == number.path]
        assert one["value"] is None
        assert "Cal. Civ. Code" in one["withheld"]
    german = await package(house, "email", "ger@shop.example")
    assert b"canary-ger" in german.files["package.json"]


async def test_parted_the_old_package_is_shut(house: House) -> None:
    """What turned out to be another's is no longer handed out, by a link that was given before either."""
    named, token = await ann(house)
    await house.tell("web-shop", BOB)
    steward = house.token("steward", client=CLIENT)
    everybody = await house.ask("{ customers { nodes { id } } }", steward)
    ids = [one["id"] for one in everybody["data"]["customers"]["nodes"]]
    merged = await house.ask(
        "mutation($i: [ID!]!) { merge(customers: $i) { id identityHistory { nodes { id } } } }",
        steward,
        {"i": ids},
    )
    (event,) = merged["data"]["merge"]["identityHistory"]["nodes"]
    token = house.token("customer", client=CLIENT, subject=merged["data"]["merge"]["id"])
    request = await asked(house, named)
    await house.platform.rights.engine.once()
    before = await link(house, request, token)
    await house.ask("mutation($m: ID!) { unmerge(merge: $m) { id } }", steward, {"m": event["id"]})
    assert (await fetched(house, before)).status_code == 404
    codes = {
        (await opened(house, request, await house.own_token("email", f"{one}@shop.example")))["errors"][0][
            "extensions"
        ]["code"]
        for one in ("ann", "bob")
    }
    assert codes == {"PACKAGE_STALE", "REQUEST_NOT_FOUND"}


async def test_who_received_is_told_without_the_rest(house: House) -> None:
    """The list of recipients and looks alone."""
    await ann(house)
    await house.ask(
        '{ customer(identifier: {type: "email", value: "ann@shop.example"}) { identity { givenName } } }',
        house.token("support"),
    )
    given = await package(house, "email", "ann@shop.example", Right.RECIPIENTS)
    assert set(given.sections) == {"about", "laws", "purposes", "recipients", "disclosures"}
    looks = [one for one in given.sections["disclosures"] if one["client"] == "support-desk"]
    assert [one["attributes"] for one in looks] == [["identity.givenName"]]
    assert "staff@shop.example" not in orjson.dumps(given.sections).decode()
    transfers = {one["recipient"]: one["transfers"] for one in given.sections["recipients"]}
    assert list(transfers["message-providers"]) == ["US"]


async def test_an_erasure_takes_the_package_too(house: House) -> None:
    """Its pages and its links go with the person; a link that was given before leads nowhere."""
    named, token = await ann(house)
    request = await asked(house, named)
    await house.platform.rights.engine.once()
    path = await link(house, request, token)
    await asked(house, named, Right.ERASURE)
    await house.platform.rights.engine.once()
    assert (await fetched(house, path)).status_code == 404
    for collection in ("packages", "package_links"):
        assert await house.platform.database.count(collection, {}) == 0
