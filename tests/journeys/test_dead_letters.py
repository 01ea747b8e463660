"""What is refused is not lost: kept sealed, counted for the steward, sent again when it can be taken in."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo import AsyncMongoClient

from discretion.reveal.dead_letters import opened
from discretion.store.dead_letters import Wanted
from discretion.store.driver.database import Database
from tests.fixtures.platform import House
from tests.journeys.dead_letters import (
    COUNTS,
    DECLARED,
    LANDED,
    TAKEN,
    UNDECLARED,
    WHEN,
    counts,
    events,
    mended_house,
    replay,
)


async def everything(url: str, database: str) -> bytes:
    """All documents of a database, and what the server's oplog says of it, as stored."""
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        found = []
        for name in await client[database].list_collection_names():
            found += [bson.encode(one) async for one in client[database][name].find()]
        oplog = client["local"]["oplog.rs"].find(
            {"$or": [{"ns": {"$regex": f"^{database}"}}, {"o.applyOps.ns": {"$regex": f"^{database}"}}]}
        )
        return b"".join([*found, *[bson.encode(one) async for one in oplog]])


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_a_refused_event_is_on_the_timeline_once_it_is_declared(
    house: House, database: Database, tmp_path: Path
) -> None:
    """Refused, counted, replayed; at its original time, with the properties that were declared then."""
    told = await house.tell("web-shop", LANDED)
    assert [(one["status"], one["code"], one["dropped"]) for one in told["results"]] == [
        ("refused", "EVENT_UNDECLARED", 3)
    ]
    assert await events(house) == []
    (before,) = await counts(house)
    assert before["oldestAt"] == before["newestAt"]
    assert {name: before[name] for name in ("code", "place", "source", "count")} == {
        "code": "EVENT_UNDECLARED",
        "place": "event",
        "source": "web-shop",
        "count": 1,
    }
    assert await replay(house) == {**TAKEN, "taken": 0, "refused": {"EVENT_UNDECLARED": 1}}
    async with mended_house(database, tmp_path) as later:
        assert await replay(later, dry=True) == TAKEN
        assert await events(later) == []
        assert await counts(later) == [before]
        assert await replay(later) == TAKEN
        assert await counts(later) == []
        assert await events(later) == [
            {
                "name": "Moon Landed",
                "occurredAt": WHEN,
                "receivedAt": before["oldestAt"],
                "properties": {"total": 12.0},
            }
        ]
        assert (await later.tell("web-shop", LANDED))["results"][0]["status"] == "duplicate"
        assert (await replay(later))["taken"] == 0


async def test_a_wrong_clock_is_corrected_by_the_time_the_message_came(
    house: House, database: Database, tmp_path: Path
) -> None:
    """Not by the time it is sent again."""
    skewed = {**LANDED, "timestamp": "2020-01-01T00:00:00Z", "sentAt": "2020-01-01T00:00:10Z"}
    await house.tell("web-shop", skewed)
    (before,) = await counts(house)
    await asyncio.sleep(0.05)
    async with mended_house(database, tmp_path) as later:
        await replay(later)
        (event,) = await events(later)
    came, occurred = (datetime.fromisoformat(event[one]) for one in ("receivedAt", "occurredAt"))
    assert event["receivedAt"] == before["oldestAt"]
    assert (came - occurred).total_seconds() == 10


async def test_neither_undeclared_nor_refused_values_can_be_read_in_the_database(
    house: House, database: Database, mongo_url: str
) -> None:
    """In no collection and not in the oplog: the first are nowhere, the second are sealed."""
    fine = {"type": "identify", "userId": "u-2", "traits": {"hatSize": UNDECLARED, UNDECLARED: "x"}}
    wrong = {**LANDED, "messageId": "m-2", "event": "Order Completed", "timestamp": UNDECLARED}
    told = await house.tell("web-shop", LANDED, fine, wrong)
    assert [one["status"] for one in told["results"]] == ["refused", "accepted", "refused"]
    raw = await everything(mongo_url, database.name)
    assert b"EVENT_UNDECLARED" in raw
    assert b"TIMESTAMP_INVALID" in raw
    assert raw.count(b"web-shop") > 4
    for value in (UNDECLARED, DECLARED, "ann@shop.example", "Moon Landed", "u-1", "m-1", WHEN[:10]):
        assert value.encode() not in raw, value


async def test_undeclared_values_are_not_even_under_the_seal(house: House) -> None:
    """Whoever has the keys finds what is declared and the protocol's own, and no more."""
    await house.tell("web-shop", LANDED)
    (letter,) = await house.platform.database.find("dead_letters", {})
    kept = str(opened(house.platform.letters.keys, letter).value)
    assert DECLARED in kept
    assert UNDECLARED not in kept


@pytest.mark.parametrize("role", ["frontend", "support", "marketing", "partner", "customer"])
async def test_only_the_steward_sees_what_is_refused(house: House, role: str) -> None:
    """Nobody else does, and the rest of their answer stands."""
    await house.tell("web-shop", LANDED)
    answer = await house.ask("{ purposes { key } deadLetters { code count } }", house.token(role))
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["DEAD_LETTERS_NOT_GRANTED"]
    assert answer["data"]["deadLetters"] is None
    assert answer["data"]["purposes"]


async def test_nobody_sees_what_is_refused_without_a_token(house: House) -> None:
    await house.tell("web-shop", LANDED)
    answer = await house.ask(COUNTS, None)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["TOKEN_MISSING"]
    assert answer["data"]["deadLetters"] is None


async def test_letters_are_counted_by_reason_and_source(house: House) -> None:
    """One message is one letter however often it is sent; the latest reason counts."""
    for _ in range(2):
        await house.tell("web-shop", LANDED, {**LANDED, "messageId": "m-2"}, LANDED)
    await house.tell("tills", LANDED)
    much = {**LANDED, "messageId": "m-2", "event": "Order Completed", "properties": {"order_id": "1"}}
    await house.tell("web-shop", much)
    found = [(one["code"], one["place"], one["source"], one["count"]) for one in await counts(house)]
    assert found == [
        ("EVENT_UNDECLARED", "event", "tills", 1),
        ("EVENT_UNDECLARED", "event", "web-shop", 1),
        ("PROPERTY_MISSING", "properties.total", "web-shop", 1),
    ]


async def test_messages_without_an_id_are_letters_of_their_own(
    house: House, database: Database, tmp_path: Path
) -> None:
    """Each has been given one, by which it is taken in once."""
    nameless = {name: value for name, value in LANDED.items() if name != "messageId"}
    told = await house.tell("web-shop", nameless, nameless)
    assert len({one["messageId"] for one in told["results"]}) == 2
    async with mended_house(database, tmp_path) as later:
        assert (await replay(later))["taken"] == 2
        again = [{**nameless, "messageId": one["messageId"]} for one in told["results"]]
        assert (await later.tell("web-shop", *again))["duplicate"] == 2


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("hello", "MESSAGE_INVALID"),
        ({**LANDED, "messageId": 7}, "MESSAGE_ID_INVALID"),
        ({**LANDED, "type": "poke"}, "TYPE_UNSUPPORTED"),
        ({**LANDED, "userId": None}, "NO_USER_ANON_ID"),
        ({**LANDED, "x": "y" * 40_000}, "MESSAGE_TOO_LARGE"),
        ({"type": "track", "userId": {"x": 1}, "event": "Moon Landed"}, "ID_INVALID"),
    ],
)
async def test_of_what_no_catalogue_could_accept_nothing_is_kept(
    house: House, message: Any, code: str
) -> None:
    told = await house.tell("web-shop", message)
    assert told["results"][0]["code"] == code
    assert await counts(house) == []
    assert await house.platform.database.count("dead_letters", {}) == 0


async def test_a_replay_takes_what_was_asked_for(house: House, database: Database, tmp_path: Path) -> None:
    """By reason, by source, by time; what is still refused stays, for the reason it has now."""
    missing = {**LANDED, "messageId": "m-2", "event": "Order Completed", "properties": {"order_id": "1"}}
    await house.tell("web-shop", LANDED, missing)
    await house.tell("tills", {**LANDED, "messageId": "m-3"})
    async with mended_house(database, tmp_path) as later:
        nothing = {**TAKEN, "taken": 0}
        now = int(time.time() * 1000)
        assert await replay(later, since=now + 60_000) == nothing
        assert await replay(later, code="TYPE_WRONG") == nothing
        assert await replay(later, source="ios-app") == nothing
        undeclared = {**nothing, "refused": {"EVENT_UNDECLARED": 1}}
        assert await replay(later, code="EVENT_UNDECLARED", source="tills") == undeclared
        assert await replay(later, since=now - 60_000) == {
            **TAKEN,
            "refused": {"EVENT_UNDECLARED": 1, "PROPERTY_MISSING": 1},
        }
        assert [one["source"] for one in await counts(later)] == ["tills", "web-shop"]


async def test_a_letter_is_given_the_reason_it_is_refused_for_now(
    house: House, database: Database, tmp_path: Path
) -> None:
    """The event is declared; its total is not money."""
    await house.tell("web-shop", {**LANDED, "properties": {"total": "much"}})
    async with mended_house(database, tmp_path) as later:
        assert (await replay(later))["refused"] == {"TYPE_WRONG": 1}
        (one,) = await counts(later)
        assert (one["code"], one["place"]) == ("TYPE_WRONG", "properties.total")


async def test_many_letters_are_sent_again_in_pages(house: House, database: Database, tmp_path: Path) -> None:
    await house.tell("web-shop", *({**LANDED, "messageId": f"m-{n}"} for n in range(250)))
    async with mended_house(database, tmp_path) as later:
        so_far: list[int] = []
        await later.platform.replay.run(Wanted(), lambda tally: so_far.append(tally.met))
        assert so_far == [100, 200, 250]
        assert await counts(later) == []
        assert await database.count("events", {}) == 250
