"""What is measured is taken in whole, and nothing else is counted."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from pymongo import MongoClient

from discretion.app.clock import now_ms
from tests.bench.ingest.senders import PLAIN, Supply, documents, encoded, ours, plain
from tests.bench.ingest.traffic import IDENTIFY_SHARE, MIXES, SOURCES, Batch, Traffic
from tests.fixtures.platform import House, open_house

CUSTOMERS = 6


async def test_every_message_is_accepted_and_nothing_dropped(house: House) -> None:
    """In all channels and from every sender; each known customer is one person afterwards."""
    traffic = Traffic(CUSTOMERS, now_ms())
    sent = list(traffic.introductions(4))
    for sender in range(len(MIXES)):
        sent += itertools.islice(traffic.batches(sender, 15), 4)
    for batch in sent:
        told = await house.tell(batch.source, *batch.messages)
        assert (told["accepted"], told["refused"], told["dropped"]) == (len(batch.messages), 0, 0), told
    assert {batch.source for batch in sent} == set(SOURCES)
    everyone = await house.ask("{ customers { totalCount } }", house.token("steward"))
    assert everyone["data"]["customers"]["totalCount"] == CUSTOMERS


def test_every_message_is_another_and_one_in_twenty_identifies() -> None:
    """Over all senders; events are counted as what is no identify."""
    traffic = Traffic(1_000, now_ms())
    made = [next(traffic.batches(sender, 2_000)) for sender in range(5)]
    messages = [one for batch in made for one in batch.messages]
    assert len({one["messageId"] for one in messages}) == len(messages) == 10_000
    events = sum(batch.events for batch in made)
    assert len(messages) - events == sum(one["type"] == "identify" for one in messages)
    assert 1 - events / len(messages) == pytest.approx(IDENTIFY_SHARE, rel=0.2)


def test_senders_can_speak_of_different_customers() -> None:
    """Four parts share nobody, and are everybody."""
    traffic = Traffic(11, now_ms())
    parts = [next(traffic.batches(sender, 200, 4)) for sender in range(4)]
    known = [{one["userId"].rpartition("-")[2] for one in batch.messages} for batch in parts]
    assert sum(map(len, known)) == len(set.union(*known)) == 11


def test_both_ways_in_are_given_the_same() -> None:
    """A supply tells everybody who asks the same batches, made beforehand or when they are needed."""
    traffic = Traffic(10, now_ms())
    supply = Supply(traffic.batches(0, 3))

    def ready(batch: Batch) -> Batch:
        return batch

    first = list(itertools.islice(supply.turn(ready, 0), 5))
    assert list(itertools.islice(supply.turn(ready, 4), 7))[:5] == first
    assert len({one["messageId"] for batch in first for one in batch.messages}) == 15


async def test_a_message_that_was_sent_before_or_is_refused_is_not_counted(
    mongo_url: str, tmp_path: Path
) -> None:
    """A server that takes nothing in is fast; the load stops there."""
    traffic = Traffic(3, now_ms())
    batch = next(traffic.batches(0, 2))
    wrong = Batch("web-shop", ({"type": "track", "messageId": "m", "userId": "u"},))
    async with open_house(mongo_url, tmp_path) as house:
        port = house.http.base_url.port
        assert port is not None
        ready = encoded(port, house.keys)
        load = await asyncio.to_thread(ours, port, [iter([ready(batch)])], 5, 2)
        assert len(load.latencies) == 1
        for bad in (batch, wrong):
            with pytest.raises(RuntimeError, match="accepted"):
                await asyncio.to_thread(ours, port, [iter([ready(bad)])], 5, len(bad.messages))


def test_the_plain_way_keeps_what_it_is_given(mongo_url: str) -> None:
    """As many as were counted, whole, in a collection that is gone afterwards."""
    traffic = Traffic(3, now_ms())
    supplies = [Supply(traffic.batches(sender, 10)) for sender in range(2)]
    kept: list[int] = []

    def seen(batch: Batch) -> list[dict[str, object]]:
        with MongoClient[dict[str, object]](mongo_url) as client:
            kept.append(client[PLAIN]["messages"].count_documents({"type": {"$exists": True}}))
        return documents(batch)

    turns = [itertools.islice(one.turn(seen, 0), 3) for one in supplies]
    load = plain(mongo_url, turns, 30)
    assert len(load.latencies) == 6
    assert max(kept) >= 40
    with MongoClient[dict[str, object]](mongo_url) as client:
        assert PLAIN not in client.list_database_names()
