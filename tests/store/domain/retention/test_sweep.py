"""Retention sweeps run one at a time, are resumed by the next, and lose no concurrent writes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from discretion.domain.identity.person_rewrite import PersonRewriter
from discretion.domain.requests.restriction import ProcessingRestriction
from discretion.domain.retention import sweep as sweep_module
from discretion.domain.retention.daily_sweep import run_daily_sweep
from discretion.domain.retention.sweep import DAY_MS, GRACE_MS, LEASE_MS, RetentionSweep
from discretion.errors import Conflict
from discretion.store import events
from discretion.store.customer_codec import parse_customer
from discretion.store.driver.database import Database
from discretion.store.person_stores import open_person_stores
from discretion.store.source_record_codec import CELLS, CUSTOMER
from discretion.store.sweeps import SweepRun
from tests.fixtures.attribute_keys import KEYS
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.fixtures.waiting import WAIT_S

STARTED_AT = "2020-05-01T10:00:00"
SWEPT_AT = "2026-11-24T10:00:00"
PEOPLE = 12


def ignore_progress(_: SweepRun) -> None:
    """Ignore the progress of a sweep."""


def interrupt_before(
    database: Database, call: str, interruption: Callable[[], Awaitable[object]]
) -> Database:
    """Return a database that runs an interruption once, before the first call of this method."""
    interrupted, real_call, pending = copy(database), getattr(database, call), [interruption]

    async def call_after_interruption(*arguments: Any, **named_arguments: Any) -> Any:
        while pending:
            await pending.pop()()
        return await real_call(*arguments, **named_arguments)

    interrupted.__dict__[call] = call_after_interruption
    return interrupted


def use_database(sweep: RetentionSweep, database: Database) -> RetentionSweep:
    """Return a sweep that changes people through another database object."""
    stores = open_person_stores(database)
    return replace(sweep, rewriter=PersonRewriter(stores, sweep.rewriter.write_context))


def build_identify(number: int, name: str, **more_members: Any) -> dict[str, Any]:
    """Build an identify message."""
    return {
        "type": "identify",
        "userId": f"user-{number}",
        "messageId": f"{number}-{name}",
        "traits": {"lastName": name, "email": f"p{number}@post.example"},
        **more_members,
    }


def build_view(number: int) -> dict[str, Any]:
    """Build an event of a viewed product."""
    track = {"type": "track", "event": "Product Viewed", "properties": {"product_id": "p"}}
    return {**track, "userId": f"user-{number}", "messageId": f"v{number}"}


async def build_aged_platform(
    database: Database, folder: Path, commands: CommandRecorder
) -> tuple[PlatformUnderTest, Clock]:
    """Return a platform whose stored data is past its retention, and its clock."""
    clock = Clock(STARTED_AT)
    platform = await build_test_platform(database, folder, commands, clock=clock)
    for number in range(PEOPLE):
        await platform.send_messages("web-shop", build_identify(number, "Old"), build_view(number))
    clock.set(SWEPT_AT)
    return platform, clock


async def read_all(database: Database, collection: str) -> list[dict[str, Any]]:
    """Return all documents of a collection."""
    return await database.find(collection, {}, sort=[("_id", 1)])


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_writes_between_reads_and_writes_of_a_sweep_are_kept(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """The customers of a step get new values; the step runs again and keeps them."""
    platform, _ = await build_aged_platform(database, tmp_path, commands)

    async def send_new_values() -> None:
        new_traits = {"traits": {"lastName": "New", "firstName": "Ada"}}
        await asyncio.gather(
            *(
                platform.send_messages("web-shop", {**build_identify(number, "New"), **new_traits})
                for number in range(PEOPLE)
            )
        )

    sweep = platform.internals.retention_sweep
    run = await use_database(sweep, interrupt_before(database, "bulk_write", send_new_values)).run(
        ignore_progress
    )
    for record in await read_all(database, "source_records"):
        assert record[CELLS].keys() == {
            KEYS["identity.familyName"],
            KEYS["identity.givenName"],
        }
        assert {cell["m"].partition("-")[2] for cell in record[CELLS].values()} == {"New"}
    for customer in await read_all(database, "customers"):
        assert parse_customer(customer).sealed.keys() == {
            KEYS["identity.familyName"],
            KEYS["identity.givenName"],
        }
    assert run.values["contact.email"] == PEOPLE
    assert "identity.familyName" not in run.values


@pytest.mark.parametrize("call", ["run_transaction", "delete_many"])
async def test_events_of_a_customer_who_is_restricted_during_a_step_are_kept(
    database: Database, tmp_path: Path, commands: CommandRecorder, call: str
) -> None:
    """Whether after the page was read or between the reads and the writes of its transaction."""
    clock = Clock(STARTED_AT)
    platform = await build_test_platform(database, tmp_path, commands, clock=clock)
    await platform.send_messages("web-shop", build_view(1), build_view(2))
    clock.set(SWEPT_AT)
    sweep = platform.internals.retention_sweep
    restricted = (await read_all(database, "customers"))[0]["_id"]
    restriction, transactions = ProcessingRestriction(sweep.rewriter), sweep.rewriter.stores.transactions

    async def restrict() -> None:
        assert await transactions.run(lambda session: restriction.apply(restricted, session))

    run = await use_database(sweep, interrupt_before(database, call, restrict)).run(ignore_progress)
    assert [event[events.CUSTOMER] for event in await read_all(database, "events")] == [restricted]
    assert (run.events, run.examined) == ({"Product Viewed": 1}, 2)


async def test_a_sweep_under_traffic_loses_no_message(
    database: Database, tmp_path: Path, commands: CommandRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight senders write to customers that a sweep updates in pairs; each profile equals its records."""
    monkeypatch.setattr(sweep_module, "CUSTOMER_BATCH_SIZE", 2)
    platform, _ = await build_aged_platform(database, tmp_path, commands)

    async def send(sender: int) -> None:
        for number in range(sender, PEOPLE, 4):
            outcome = await platform.send_messages("web-shop", build_identify(number, f"New{sender}"))
            assert outcome["accepted"] == 1

    await asyncio.gather(
        platform.internals.retention_sweep.run(ignore_progress), *(send(sender) for sender in range(8))
    )
    records = await read_all(database, "source_records")
    assert len(records) == PEOPLE
    for record in records:
        assert record[CELLS].keys() == {KEYS["contact.email"], KEYS["identity.familyName"]}
    for customer in await read_all(database, "customers"):
        [record] = [record for record in records if record[CUSTOMER] == customer["_id"]]
        assert parse_customer(customer).sealed == {key: cell["c"] for key, cell in record[CELLS].items()}
        assert parse_customer(customer).open == {}
    assert await database.count("events", {}) == 0


async def test_one_process_sweeps_at_a_time(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """Of five that start concurrently, one runs; the others fail with a code."""
    platform, _ = await build_aged_platform(database, tmp_path, commands)
    runs = [platform.internals.retention_sweep.run(ignore_progress) for _ in range(5)]
    outcomes = await asyncio.gather(*runs, return_exceptions=True)
    [run] = [outcome for outcome in outcomes if isinstance(outcome, SweepRun)]
    assert [outcome.code for outcome in outcomes if isinstance(outcome, Conflict)] == ["SWEEP_RUNNING"] * 4
    assert (run.examined, run.values["contact.email"]) == (PEOPLE, PEOPLE)
    assert [int(sweep["_id"]) for sweep in await read_all(database, "sweeps")] == [1]


async def test_a_sweep_that_lost_its_lease_deletes_nothing(
    database: Database, tmp_path: Path, commands: CommandRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that pauses longer than its lease is taken over, and is fenced out when it continues."""
    monkeypatch.setattr(sweep_module, "PAGE_SIZE", 2)
    platform, clock = await build_aged_platform(database, tmp_path, commands)
    sweep = platform.internals.retention_sweep
    slow = await sweep._run_step(await sweep._begin_run())
    assert slow.examined == 2
    with pytest.raises(Conflict, match="Another process"):
        await sweep.run(ignore_progress)
    clock.advance(LEASE_MS + 1)
    other = await sweep._begin_run()
    before = await read_all(database, "source_records")
    with pytest.raises(Conflict, match="Another process"):
        await sweep._run_step(slow)
    assert await read_all(database, "source_records") == before
    assert (other.number, other.fence, other.examined, other.cursor) == (1, 2, 2, slow.cursor)
    while other.finished is None:
        other = await sweep._run_step(other)
    assert (other.examined, other.values["identity.familyName"]) == (PEOPLE, PEOPLE)


@pytest.mark.parametrize(
    ("page_size", "customer_batch_size", "event_batch_size"), [(5, 2, 1), (1, 1, 7), (200, 100, 500)]
)
async def test_steps_of_any_size_delete_the_same(
    database: Database,
    tmp_path: Path,
    commands: CommandRecorder,
    monkeypatch: pytest.MonkeyPatch,
    page_size: int,
    customer_batch_size: int,
    event_batch_size: int,
) -> None:
    """No transaction exceeds its batch size, and the counts equal the deleted data."""
    for name, size in (
        ("PAGE_SIZE", page_size),
        ("CUSTOMER_BATCH_SIZE", customer_batch_size),
        ("EVENT_BATCH_SIZE", event_batch_size),
    ):
        monkeypatch.setattr(sweep_module, name, size)
    platform, _ = await build_aged_platform(database, tmp_path, commands)
    steps: list[SweepRun] = []
    run = await platform.internals.retention_sweep.run(steps.append)
    assert all(record[CELLS] == {} for record in await read_all(database, "source_records"))
    for customer in map(parse_customer, await read_all(database, "customers")):
        assert (customer.sealed, customer.open, customer.provenance) == ({}, {}, {})
    assert run.events == {"Product Viewed": PEOPLE}
    assert run.values["identity.familyName"] == run.changed == run.examined == PEOPLE
    changed_counts = [0, *(run.changed for run in steps)]
    assert max(after - before for before, after in pairwise(changed_counts)) <= customer_batch_size
    event_counts = [0, *(sum(run.events.values()) for run in steps)]
    assert max(after - before for before, after in pairwise(event_counts)) <= event_batch_size
    [doc] = await read_all(database, "sweeps")
    assert (doc["finished"], doc["cursor"]) == (platform.internals.retention_sweep.now_ms(), b"")


async def test_events_are_deleted_an_hour_after_their_retention(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """The retention counts whole months. An event that arrives late within the hour is not counted twice."""
    clock = Clock("2025-05-31T10:00:00")
    platform = await build_test_platform(database, tmp_path, commands, clock=clock)
    await platform.send_messages("web-shop", build_view(1))
    clock.set("2026-07-01T00:00:00")
    await platform.internals.retention_sweep.run(ignore_progress)
    assert await database.count("events", {}) == 1
    clock.advance(GRACE_MS)
    await platform.internals.retention_sweep.run(ignore_progress)
    assert await database.count("events", {}) == 0


async def wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(WAIT_S):
        while not await condition():  # noqa: ASYNC110 - a database sends no notification
            await asyncio.sleep(0.01)


async def test_the_daily_sweep_runs_at_the_start_and_once_a_day(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """Two processes on one database sweep once; a sweep that stops is continued by the next."""
    platform, clock = await build_aged_platform(database, tmp_path, commands)
    sweep = platform.internals.retention_sweep

    async def finished(number: int) -> bool:
        latest = await sweep.sweeps.find_latest()
        return latest is not None and latest.number == number and latest.finished is not None

    async with run_daily_sweep(sweep, 0.01), run_daily_sweep(sweep, 0.01):
        await wait_until(lambda: finished(1))
        await asyncio.sleep(0.1)
        clock.advance(DAY_MS - 1)
        await asyncio.sleep(0.1)
        assert [int(sweep_document["_id"]) for sweep_document in await read_all(database, "sweeps")] == [1]
        clock.advance(1)
        await wait_until(lambda: finished(2))
    clock.advance(DAY_MS)
    await asyncio.sleep(0.05)
    assert [int(sweep_document["_id"]) for sweep_document in await read_all(database, "sweeps")] == [1, 2]
    assert all(record[CELLS] == {} for record in await read_all(database, "source_records"))


@pytest.mark.parametrize("call", ["bulk_write", "_commit"])
async def test_a_sweep_cancelled_in_a_step_rolls_the_step_back(
    database: Database, tmp_path: Path, commands: CommandRecorder, call: str
) -> None:
    """Cancelled before its writes or after all of them, a step changes nothing; the next sweep repeats it."""
    platform, clock = await build_aged_platform(database, tmp_path, commands)
    before = [await read_all(database, name) for name in ("source_records", "customers", "events")]
    reached, never = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        reached.set()
        await never.wait()

    sweep: RetentionSweep = platform.internals.retention_sweep
    async with run_daily_sweep(use_database(sweep, interrupt_before(database, call, hang))):
        await reached.wait()
    assert [await read_all(database, name) for name in ("source_records", "customers", "events")] == before
    clock.advance(LEASE_MS + 1)
    run = await sweep.run(ignore_progress)
    assert (run.number, run.fence, run.values["contact.email"]) == (1, 2, PEOPLE)
    assert all(record[CELLS] == {} for record in await read_all(database, "source_records"))
