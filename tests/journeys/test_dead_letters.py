"""A refused message is not lost: stored sealed, counted for the steward, replayed when it can be accepted."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import bson
import pytest
from bson.timestamp import Timestamp
from pymongo import AsyncMongoClient

from discretion.reveal.dead_letters import open_dead_letter
from discretion.store.dead_letters import DeadLetterFilter, parse_dead_letter
from discretion.store.driver.database import Database
from tests.fixtures.money import build_money
from tests.fixtures.platform import PlatformUnderTest
from tests.journeys.dead_letters import (
    COUNTS,
    DECLARED,
    MOON_LANDED,
    REPLAYED,
    SENT_AT,
    UNDECLARED,
    open_corrected_platform,
    read_counts,
    read_events,
    replay_dead_letters,
)


async def read_oplog_time(url: str) -> Timestamp:
    """Return the time of the last entry in the server's oplog."""
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        entry = await client["local"]["oplog.rs"].find_one(sort=[("$natural", -1)])
    assert entry is not None
    time: Timestamp = entry["ts"]
    return time


async def read_stored_bytes(url: str, database: str, since: Timestamp) -> bytes:
    """Return all documents of a database and its entries in the server's oplog since a time, as stored."""
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        documents = []
        for name in await client[database].list_collection_names():
            documents += [bson.encode(document) async for document in client[database][name].find()]
        oplog = client["local"]["oplog.rs"].find(
            {
                "ts": {"$gt": since},
                "$or": [{"ns": {"$regex": f"^{database}"}}, {"o.applyOps.ns": {"$regex": f"^{database}"}}],
            }
        )
        return b"".join([*documents, *[bson.encode(entry) async for entry in oplog]])


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_a_refused_event_is_on_the_timeline_after_it_is_declared(
    platform: PlatformUnderTest, database: Database, tmp_path: Path
) -> None:
    """It is replayed with its original time and the properties that were declared when it was refused."""
    outcome = await platform.send_messages("web-shop", MOON_LANDED)
    assert [(result["status"], result["code"], result["dropped"]) for result in outcome["results"]] == [
        ("refused", "EVENT_UNDECLARED", 3)
    ]
    assert await read_events(platform) == []
    (counts,) = await read_counts(platform)
    assert counts["oldestAt"] == counts["newestAt"]
    assert {name: counts[name] for name in ("code", "place", "source", "count")} == {
        "code": "EVENT_UNDECLARED",
        "place": "event",
        "source": "web-shop",
        "count": 1,
    }
    assert await replay_dead_letters(platform) == {**REPLAYED, "taken": 0, "refused": {"EVENT_UNDECLARED": 1}}
    async with open_corrected_platform(database, tmp_path) as corrected_platform:
        assert await replay_dead_letters(corrected_platform, dry_run=True) == REPLAYED
        assert await read_events(corrected_platform) == []
        assert await read_counts(corrected_platform) == [counts]
        assert await replay_dead_letters(corrected_platform) == REPLAYED
        assert await read_counts(corrected_platform) == []
        assert await read_events(corrected_platform) == [
            {
                "name": "Moon Landed",
                "occurredAt": SENT_AT,
                "receivedAt": counts["oldestAt"],
                "properties": {"total": build_money("12.00")},
            }
        ]
        assert (await corrected_platform.send_messages("web-shop", MOON_LANDED))["results"][0][
            "status"
        ] == "duplicate"
        assert (await replay_dead_letters(corrected_platform))["taken"] == 0


async def test_clock_skew_is_corrected_by_the_original_receipt_time(
    platform: PlatformUnderTest, database: Database, tmp_path: Path
) -> None:
    """The time of the replay is not used."""
    skewed_message = {**MOON_LANDED, "timestamp": "2020-01-01T00:00:00Z", "sentAt": "2020-01-01T00:00:10Z"}
    await platform.send_messages("web-shop", skewed_message)
    (counts,) = await read_counts(platform)
    await asyncio.sleep(0.05)
    async with open_corrected_platform(database, tmp_path) as corrected_platform:
        await replay_dead_letters(corrected_platform)
        (event,) = await read_events(corrected_platform)
    received, occurred = (datetime.fromisoformat(event[field]) for field in ("receivedAt", "occurredAt"))
    assert event["receivedAt"] == counts["oldestAt"]
    assert (received - occurred).total_seconds() == 10


async def test_refused_values_are_unreadable_in_the_database(
    platform: PlatformUnderTest, database: Database, mongo_url: str
) -> None:
    """Collections and the oplog lack them: undeclared values are not stored, refused ones are sealed."""
    since = await read_oplog_time(mongo_url)  # a test before this one may have used the same database
    valid_message = {"type": "identify", "userId": "u-2", "traits": {"hatSize": UNDECLARED, UNDECLARED: "x"}}
    invalid_message = {**MOON_LANDED, "messageId": "m-2", "event": "Order Completed", "timestamp": UNDECLARED}
    outcome = await platform.send_messages("web-shop", MOON_LANDED, valid_message, invalid_message)
    assert [result["status"] for result in outcome["results"]] == ["refused", "accepted", "refused"]
    stored_bytes = await read_stored_bytes(mongo_url, database.name, since)
    assert b"EVENT_UNDECLARED" in stored_bytes
    assert b"TIMESTAMP_INVALID" in stored_bytes
    assert stored_bytes.count(b"web-shop") > 4
    for value in (UNDECLARED, DECLARED, "ann@shop.example", "Moon Landed", "u-1", "m-1", SENT_AT[:10]):
        assert value.encode() not in stored_bytes, value


async def test_undeclared_values_are_not_even_stored_encrypted(platform: PlatformUnderTest) -> None:
    """A holder of the keys can read declared values and protocol fields, and nothing else."""
    await platform.send_messages("web-shop", MOON_LANDED)
    (dead_letter,) = await platform.internals.database.find("dead_letters", {})
    keys = platform.internals.dead_letter_recorder.keys
    decrypted = str(open_dead_letter(keys, parse_dead_letter(dead_letter)).value)
    assert DECLARED in decrypted
    assert UNDECLARED not in decrypted


@pytest.mark.parametrize("role", ["frontend", "support", "marketing", "partner", "customer"])
async def test_only_a_steward_sees_dead_letter_counts(platform: PlatformUnderTest, role: str) -> None:
    """Other roles get an error for this field, and the rest of their answer."""
    await platform.send_messages("web-shop", MOON_LANDED)
    answer = await platform.query(
        "{ purposes { key } deadLetters { code count } }", platform.issue_token(role)
    )
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["STEWARD_ONLY"]
    assert answer["data"]["deadLetters"] is None
    assert answer["data"]["purposes"]


async def test_dead_letter_counts_need_a_token(platform: PlatformUnderTest) -> None:
    await platform.send_messages("web-shop", MOON_LANDED)
    answer = await platform.query(COUNTS, None)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["TOKEN_MISSING"]
    assert answer["data"]["deadLetters"] is None


async def test_dead_letters_are_counted_by_reason_and_source(platform: PlatformUnderTest) -> None:
    """A message is one dead letter however often it is sent; the latest reason counts."""
    for _ in range(2):
        await platform.send_messages(
            "web-shop", MOON_LANDED, {**MOON_LANDED, "messageId": "m-2"}, MOON_LANDED
        )
    await platform.send_messages("tills", MOON_LANDED)
    changed_message = {
        **MOON_LANDED,
        "messageId": "m-2",
        "event": "Order Completed",
        "properties": {"order_id": "1"},
    }
    await platform.send_messages("web-shop", changed_message)
    counts = [
        (entry["code"], entry["place"], entry["source"], entry["count"])
        for entry in await read_counts(platform)
    ]
    assert counts == [
        ("EVENT_UNDECLARED", "event", "tills", 1),
        ("EVENT_UNDECLARED", "event", "web-shop", 1),
        ("PROPERTY_MISSING", "properties.total", "web-shop", 1),
    ]


async def test_messages_without_an_id_are_separate_dead_letters(
    platform: PlatformUnderTest, database: Database, tmp_path: Path
) -> None:
    """Each is assigned a message id, by which it is ingested only once."""
    message = {name: value for name, value in MOON_LANDED.items() if name != "messageId"}
    outcome = await platform.send_messages("web-shop", message, message)
    assert len({result["messageId"] for result in outcome["results"]}) == 2
    async with open_corrected_platform(database, tmp_path) as corrected_platform:
        assert (await replay_dead_letters(corrected_platform))["taken"] == 2
        resent = [{**message, "messageId": result["messageId"]} for result in outcome["results"]]
        assert (await corrected_platform.send_messages("web-shop", *resent))["duplicate"] == 2


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("hello", "MESSAGE_INVALID"),
        ({**MOON_LANDED, "messageId": 7}, "MESSAGE_ID_INVALID"),
        ({**MOON_LANDED, "type": "poke"}, "TYPE_UNSUPPORTED"),
        ({**MOON_LANDED, "userId": None}, "NO_USER_ANON_ID"),
        ({**MOON_LANDED, "x": "y" * 40_000}, "MESSAGE_TOO_LARGE"),
        ({"type": "track", "userId": {"x": 1}, "event": "Moon Landed"}, "ID_INVALID"),
    ],
)
async def test_messages_no_catalogue_could_accept_are_not_stored(
    platform: PlatformUnderTest, message: Any, code: str
) -> None:
    outcome = await platform.send_messages("web-shop", message)
    assert outcome["results"][0]["code"] == code
    assert await read_counts(platform) == []
    assert await platform.internals.database.count("dead_letters", {}) == 0


async def test_a_replay_is_filtered_by_reason_source_and_time(
    platform: PlatformUnderTest, database: Database, tmp_path: Path
) -> None:
    """What is still refused stays, with the reason of the latest refusal."""
    incomplete_message = {
        **MOON_LANDED,
        "messageId": "m-2",
        "event": "Order Completed",
        "properties": {"order_id": "1"},
    }
    await platform.send_messages("web-shop", MOON_LANDED, incomplete_message)
    await platform.send_messages("tills", {**MOON_LANDED, "messageId": "m-3"})
    async with open_corrected_platform(database, tmp_path) as corrected_platform:
        empty_tally = {**REPLAYED, "taken": 0}
        now = int(time.time() * 1000)
        assert await replay_dead_letters(corrected_platform, since=now + 60_000) == empty_tally
        assert await replay_dead_letters(corrected_platform, code="TYPE_WRONG") == empty_tally
        assert await replay_dead_letters(corrected_platform, source="ios-app") == empty_tally
        undeclared_tally = {**empty_tally, "refused": {"EVENT_UNDECLARED": 1}}
        assert (
            await replay_dead_letters(corrected_platform, code="EVENT_UNDECLARED", source="tills")
            == undeclared_tally
        )
        assert await replay_dead_letters(corrected_platform, since=now - 60_000) == {
            **REPLAYED,
            "refused": {"EVENT_UNDECLARED": 1, "PROPERTY_MISSING": 1},
        }
        assert [entry["source"] for entry in await read_counts(corrected_platform)] == ["tills", "web-shop"]


async def test_a_replay_updates_the_reason_of_the_refusal(
    platform: PlatformUnderTest, database: Database, tmp_path: Path
) -> None:
    """The event is declared now; its total is not a number."""
    await platform.send_messages("web-shop", {**MOON_LANDED, "properties": {"total": "much"}})
    async with open_corrected_platform(database, tmp_path) as corrected_platform:
        assert (await replay_dead_letters(corrected_platform))["refused"] == {"TYPE_WRONG": 1}
        (entry,) = await read_counts(corrected_platform)
        assert (entry["code"], entry["place"]) == ("TYPE_WRONG", "properties.total")


async def test_a_replay_processes_dead_letters_in_pages(
    platform: PlatformUnderTest, database: Database, tmp_path: Path
) -> None:
    await platform.send_messages("web-shop", *({**MOON_LANDED, "messageId": f"m-{n}"} for n in range(250)))
    async with open_corrected_platform(database, tmp_path) as corrected_platform:
        progress: list[int] = []
        await corrected_platform.internals.dead_letter_replay.run(
            DeadLetterFilter(), lambda tally: progress.append(tally.processed)
        )
        assert progress == [100, 200, 250]
        assert await read_counts(corrected_platform) == []
        assert await database.count("events", {}) == 250
