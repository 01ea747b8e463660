"""The ingest benchmark counts only batches whose messages are all stored."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from pymongo import MongoClient

from discretion.app.clock import now_ms
from discretion.domain.ingest.file_import.dry_run import ImportDryRun
from discretion.domain.ingest.file_import.file_import import ImportOrder
from discretion.domain.ingest.file_import.row_file import FileFormat
from tests.bench.ingest.history import MAPPING, build_batches, generate_receipts
from tests.bench.ingest.senders import (
    PLAIN_DATABASE,
    BatchSupply,
    build_documents,
    build_encoder,
    insert_plain,
    send_to_discretion,
)
from tests.bench.ingest.traffic import IDENTIFY_SHARE, MIXES, SOURCES, Batch, Traffic
from tests.fixtures.platform import PlatformUnderTest, open_platform
from tests.fixtures.validator import build_validator
from tests.journeys.file_imports import write_receipts
from tests.unit.domain.ingest.messages import CATALOGUE

CUSTOMERS = 6


async def test_every_message_is_accepted_and_nothing_dropped(platform: PlatformUnderTest) -> None:
    """In all channels and from every sender. Afterwards each generated customer is one customer."""
    traffic = Traffic(CUSTOMERS, now_ms())
    batches = list(traffic.generate_introductions(4))
    for sender in range(len(MIXES)):
        batches += itertools.islice(traffic.generate_batches(sender, 15), 4)
    for batch in batches:
        answer = await platform.send_messages(batch.source, *batch.messages)
        assert (answer["accepted"], answer["refused"], answer["dropped"]) == (len(batch.messages), 0, 0), (
            answer
        )
    assert {batch.source for batch in batches} == set(SOURCES)
    everyone = await platform.query("{ customers { totalCount } }", platform.issue_token("steward"))
    assert everyone["data"]["customers"]["totalCount"] == CUSTOMERS


def test_the_file_and_the_requests_of_the_import_benchmark_have_the_same_rows(tmp_path: Path) -> None:
    """None is refused or left out, so both ways store each of them."""
    receipts = generate_receipts(1_000, 50)
    batches = build_batches(receipts, 100)
    assert [len(batch.messages) for batch in batches] == [100] * 10
    order = ImportOrder(
        write_receipts(tmp_path / "r.csv", receipts), CATALOGUE.imports[MAPPING], FileFormat.CSV
    )
    tally = ImportDryRun(CATALOGUE, build_validator(CATALOGUE), now_ms).run(order, lambda _done, _size: None)
    assert (tally.messages, tally.faults) == ({"accepted": 1_000}, {})


def test_message_ids_are_unique_and_one_message_in_twenty_is_an_identify() -> None:
    """Over all senders. Every message except an identify message counts as an event."""
    traffic = Traffic(1_000, now_ms())
    batches = [next(traffic.generate_batches(sender, 2_000)) for sender in range(5)]
    messages = [message for batch in batches for message in batch.messages]
    assert len({message["messageId"] for message in messages}) == len(messages) == 10_000
    events = sum(batch.event_count for batch in batches)
    assert len(messages) - events == sum(message["type"] == "identify" for message in messages)
    assert 1 - events / len(messages) == pytest.approx(IDENTIFY_SHARE, rel=0.2)


def test_senders_can_be_limited_to_disjoint_customers() -> None:
    """Four parts have no customer in common and contain all customers together."""
    traffic = Traffic(11, now_ms())
    parts = [next(traffic.generate_batches(sender, 200, 4)) for sender in range(4)]
    customers_by_sender = [
        {message["userId"].rpartition("-")[2] for message in batch.messages} for batch in parts
    ]
    assert sum(map(len, customers_by_sender)) == len(set.union(*customers_by_sender)) == 11


def test_both_measured_ways_receive_the_same_batches() -> None:
    """All streams of a supply have the same batches, whether prepared in advance or on demand."""
    traffic = Traffic(10, now_ms())
    supply = BatchSupply(traffic.generate_batches(0, 3))

    def return_batch(batch: Batch) -> Batch:
        return batch

    first = list(itertools.islice(supply.start_stream(return_batch, 0), 5))
    assert list(itertools.islice(supply.start_stream(return_batch, 4), 7))[:5] == first
    assert len({message["messageId"] for batch in first for message in batch.messages}) == 15


async def test_a_duplicate_or_refused_message_stops_the_load(mongo_url: str, tmp_path: Path) -> None:
    """A server that stores nothing is fast, so its answers must not count."""
    traffic = Traffic(3, now_ms())
    batch = next(traffic.generate_batches(0, 2))
    invalid_batch = Batch("web-shop", ({"type": "track", "messageId": "m", "userId": "u"},))
    async with open_platform(mongo_url, tmp_path) as platform:
        port = platform.http.base_url.port
        assert port is not None
        encode_batch = build_encoder(port, platform.write_keys)
        load = await asyncio.to_thread(send_to_discretion, port, [iter([encode_batch(batch)])], 5, 2)
        assert len(load.latencies) == 1
        for rejected_batch in (batch, invalid_batch):
            with pytest.raises(RuntimeError, match="accepted"):
                await asyncio.to_thread(
                    send_to_discretion,
                    port,
                    [iter([encode_batch(rejected_batch)])],
                    5,
                    len(rejected_batch.messages),
                )


def test_plain_inserts_store_every_message_and_drop_the_database(mongo_url: str) -> None:
    """All counted messages are stored, and the database is dropped afterwards."""
    traffic = Traffic(3, now_ms())
    supplies = [BatchSupply(traffic.generate_batches(sender, 10)) for sender in range(2)]
    stored_counts: list[int] = []

    def count_and_build(batch: Batch) -> list[dict[str, object]]:
        with MongoClient[dict[str, object]](mongo_url) as client:
            stored_counts.append(
                client[PLAIN_DATABASE]["messages"].count_documents({"type": {"$exists": True}})
            )
        return build_documents(batch)

    streams = [itertools.islice(supply.start_stream(count_and_build, 0), 3) for supply in supplies]
    load = insert_plain(mongo_url, streams, 30)
    assert len(load.latencies) == 6
    assert max(stored_counts) >= 40
    with MongoClient[dict[str, object]](mongo_url) as client:
        assert PLAIN_DATABASE not in client.list_database_names()
