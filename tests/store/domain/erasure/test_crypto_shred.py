"""Crypto-shredding: old copies of wrapped keys become useless; all other customers stay readable."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from discretion.domain.erasure.crypto_shred import CryptoShredder, ShredResult
from discretion.errors import Unavailable
from discretion.plan.customer_members import FORMER, FORMER_ID, FORMER_KEY, WRAPPED_KEY
from discretion.seal import file_lock
from discretion.seal.bucket_keys import wrapped_key_range
from discretion.seal.rewrapped_keys import RewrappedKeyFiles
from discretion.store.driver.database import Database, Session
from discretion.store.schema.apply import apply_schema
from discretion.store.wrapped_keys import KEY_LOCATIONS, KeyLocation
from tests.fixtures.mongo import borrow_database
from tests.fixtures.platform import PlatformUnderTest
from tests.fixtures.shred_program import (
    BUCKETS,
    NOW,
    WrappedPopulation,
    build_shredder,
    customer_in_bucket,
    derive_data_key,
    insert_population,
    open_bucket_keys,
    run_until_killed,
)
from tests.fixtures.waiting import WAIT_S

CHECKPOINTS = (
    "shred.publish",
    "shred.published",
    "shred.rewrap",
    "shred.rewrapped",
    "shred.record",
    "shred.verify",
    "shred.destroy",
    "shred.destroyed",
)
ANN = customer_in_bucket(1, 0)


@pytest_asyncio.fixture
async def database(mongo_url: str) -> AsyncIterator[Database]:
    """Yield a database without the schema, which refuses customers of whom there is nothing but a key."""
    async with borrow_database(mongo_url, is_new=True) as borrowed:
        yield borrowed


def select_bucket(bucket: int, customers: set[bytes]) -> set[bytes]:
    """Return the customers of a bucket."""
    return {customer for customer in customers if int.from_bytes(customer[:4]) % BUCKETS == bucket}


async def check_shredded(population: WrappedPopulation, result: ShredResult, generation: int) -> None:
    """Check that Ann's key is destroyed, and no key of others."""
    customers = set(population.copied_keys)
    assert population.list_unreadable() == select_bucket(1, customers)
    readable = await population.list_readable()
    assert readable == customers - {ANN, customer_in_bucket(2, 1)}
    assert result.destroyed_ms == NOW
    rewrapped = RewrappedKeyFiles(population.folder / "keys" / "rewrapped").read(1)
    keys = await population.keys()
    assert rewrapped == {customer: keys[customer] for customer in select_bucket(1, readable)}
    ring = open_bucket_keys(population.folder).ring
    assert (ring[1].generation, ring[1].previous_destroyed_at, ring.list_retiring()) == (
        generation,
        NOW,
        frozenset(),
    )


async def test_an_old_copy_of_a_key_is_useless_and_survivors_stay_readable(
    database: Database, tmp_path: Path
) -> None:
    """Merged customers and retained data are included; other buckets are unchanged."""
    population = await insert_population(database, tmp_path)
    await population.erase(ANN)
    result = await build_shredder(database, tmp_path).shred([ANN])
    assert (result.generations, result.horizon_ms) == ({1: 1}, NOW + 2000)
    await check_shredded(population, result, 2)
    assert {
        doc["v"]
        for doc in await database.find("customers", {f"{FORMER}.{FORMER_ID}": customer_in_bucket(1, 1)})
    } == {2}


@pytest.mark.parametrize("point", CHECKPOINTS)
async def test_shredding_killed_at_any_checkpoint_has_the_same_result(
    database: Database, mongo_url: str, tmp_path: Path, point: str
) -> None:
    """After ``kill -9`` all survivors are readable, and again after shredding is repeated."""
    population = await insert_population(database, tmp_path)
    await population.erase(ANN)
    await asyncio.to_thread(run_until_killed, point, mongo_url, database.name, tmp_path, [ANN])
    await population.list_readable()
    points = Counter[str]()
    result = await build_shredder(database, tmp_path).shred(
        [ANN], lambda checkpoint: points.update([checkpoint])
    )
    # A published rotation is finished first. Ann's key may have been rewrapped meanwhile: one more follows.
    await check_shredded(population, result, 2 if point == "shred.publish" else 3)
    assert points["shred.destroyed"] == (1 if point in ("shred.publish", "shred.destroyed") else 2)


async def test_every_checkpoint_is_tested(database: Database, tmp_path: Path) -> None:
    """A new checkpoint must be added to the list."""
    await insert_population(database, tmp_path)
    points: list[str] = []
    await build_shredder(database, tmp_path).shred([ANN], points.append)
    assert set(points) == set(CHECKPOINTS)


async def test_waiting_erasures_share_one_rotation(database: Database, tmp_path: Path) -> None:
    """A hundred erasures do not write a hundred key files; each key is destroyed when its call returns."""
    population = await insert_population(database, tmp_path, customers_per_bucket=2)
    shredder, points = build_shredder(database, tmp_path), Counter[str]()
    customers = [customer_in_bucket(number % BUCKETS, number) for number in range(100)]
    results = await asyncio.gather(
        *(
            shredder.shred([customer], lambda checkpoint: points.update([checkpoint]))
            for customer in customers
        )
    )
    assert points["shred.destroyed"] == 2
    assert {bucket for result in results for bucket in result.generations} == set(range(BUCKETS))
    assert population.list_unreadable() == set(population.copied_keys)
    await population.list_readable()


async def test_concurrent_shredding_processes_keep_all_survivors_readable(
    database: Database, tmp_path: Path
) -> None:
    """Each process has its own keys in memory, and rotates in turn."""
    population = await insert_population(database, tmp_path)
    shredders = [build_shredder(database, tmp_path) for _ in range(6)]
    result = await asyncio.gather(
        *(shredder.shred([customer_in_bucket(number % 3, 0)]) for number, shredder in enumerate(shredders))
    )
    assert [set(result.generations) for result in result] == [{0}, {1}, {2}] * 2
    assert population.list_unreadable() == {
        customer for customer in population.copied_keys if int.from_bytes(customer[:4]) % BUCKETS < 3
    }
    assert await population.list_readable() == set(population.copied_keys)


async def test_a_transaction_with_an_old_key_is_retried(database: Database, tmp_path: Path) -> None:
    """A key that moves from one customer to another is rewrapped, whichever transaction comes first."""
    population = await insert_population(database, tmp_path)
    merged_into, former = customer_in_bucket(0, 0), customer_in_bucket(1, 1)
    shredder = build_shredder(database, tmp_path)
    attempts = 0

    async def unmerge(session: Session) -> None:
        """Give the former customer their key back, as an unmerge does."""
        nonlocal attempts
        attempts += 1
        doc = await database.find_one("customers", {"_id": merged_into}, session=session)
        assert doc is not None
        if attempts == 1:
            await shredder.shred([ANN])
        change = {"$set": {FORMER: []}, "$inc": {"v": 1}}
        await database.update_one("customers", {"_id": merged_into, "v": doc["v"]}, change, session=session)
        [former_entry] = doc[FORMER]
        fresh = {"_id": former_entry[FORMER_ID], "v": 1, WRAPPED_KEY: former_entry[FORMER_KEY], FORMER: []}
        await database.insert_many("customers", [fresh], session=session)

    await database.run_transaction(unmerge)
    assert attempts == 2
    assert former in await population.list_readable()
    assert former in population.list_unreadable()


async def test_a_customer_inserted_during_a_rotation_is_rewrapped(database: Database, tmp_path: Path) -> None:
    """The rotation waits for a transaction that has wrapped a new key, and rewraps it."""
    population = await insert_population(database, tmp_path)
    bucket_keys, new_customer = open_bucket_keys(tmp_path), customer_in_bucket(1, 77)
    wrapped = asyncio.Event()

    async def insert_customer(session: Session) -> None:
        await bucket_keys.block_rotation(database.end_callbacks(session))
        key = bucket_keys.wrap(new_customer, derive_data_key(new_customer), os.urandom(12))
        wrapped.set()
        await asyncio.sleep(0.1)
        doc = {"_id": new_customer, "v": 1, WRAPPED_KEY: key, FORMER: []}
        await database.insert_many("customers", [doc], session=session)

    inserting = asyncio.create_task(database.run_transaction(insert_customer))
    await wrapped.wait()
    await build_shredder(database, tmp_path).shred([ANN])
    await inserting
    assert new_customer in await population.list_readable()


async def test_a_new_customer_waits_for_a_rotation(platform: PlatformUnderTest) -> None:
    """The key of a new customer is wrapped under the rotation lock; an existing customer needs no lock."""
    buckets = platform.internals.discloser.revealer.buckets
    identify = {"type": "identify", "messageId": "1", "userId": "existing", "traits": {"firstName": "Ann"}}
    assert (await platform.send_messages("web-shop", identify))["results"][0]["status"] == "accepted"
    async with buckets._rotation_lock.hold_exclusive():
        await platform.send_messages(
            "web-shop", {**identify, "messageId": "3", "traits": {"firstName": "Anna"}}
        )
        sending = asyncio.create_task(
            platform.send_messages("web-shop", {**identify, "messageId": "2", "userId": "new"})
        )
        await asyncio.sleep(0.1)
        assert not sending.done()
    assert (await sending)["results"][0]["status"] == "accepted"


async def test_a_failed_transaction_does_not_block_rotations(database: Database, tmp_path: Path) -> None:
    """A transaction releases the lock however it ends."""
    await insert_population(database, tmp_path)
    bucket_keys = open_bucket_keys(tmp_path)

    async def fail(session: Session) -> None:
        await bucket_keys.block_rotation(database.end_callbacks(session))
        await bucket_keys.block_rotation(database.end_callbacks(session))
        raise LookupError

    with pytest.raises(LookupError):
        await database.run_transaction(fail)
    await asyncio.wait_for(build_shredder(database, tmp_path).shred([ANN]), WAIT_S)


async def test_while_a_transaction_hangs_nothing_is_destroyed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The erasure fails, and succeeds when it is repeated."""
    monkeypatch.setattr(file_lock, "EXCLUSIVE_TIMEOUT_S", 0.05)
    population = await insert_population(database, tmp_path)
    release_lock = await open_bucket_keys(tmp_path)._rotation_lock.acquire_shared()
    shredder = build_shredder(database, tmp_path)
    with pytest.raises(Unavailable):
        await shredder.shred([ANN])
    assert population.list_unreadable() == set()
    release_lock()
    await shredder.shred([ANN])
    assert ANN in population.list_unreadable()


async def test_a_forged_wrapped_key_prevents_no_erasure(database: Database, tmp_path: Path) -> None:
    """The attack: a forged key is stored in the bucket, so that the bucket key is never destroyed."""
    population = await insert_population(database, tmp_path)
    forged = wrapped_key_range(1, 1)[0]
    await database.update_one("customers", {"_id": customer_in_bucket(2, 2)}, {"$set": {WRAPPED_KEY: forged}})
    shredder: CryptoShredder = build_shredder(database, tmp_path)
    await shredder.shred([ANN])
    assert population.list_unreadable() == select_bucket(1, set(population.copied_keys))


@pytest.mark.parametrize("key_location", KEY_LOCATIONS[:2], ids=["own", "merged"])
async def test_survivors_are_queried_by_an_index(database: Database, key_location: KeyLocation) -> None:
    """The number of documents examined depends on the survivors, and not on all customers."""
    await apply_schema(database)
    query = {
        "find": "customers",
        "filter": key_location.build_query([wrapped_key_range(1, 1), wrapped_key_range(2, 1)]),
    }
    explanation = await database.command({"explain": query, "verbosity": "queryPlanner"})
    plan = str(explanation["queryPlanner"]["winningPlan"])
    assert "COLLSCAN" not in plan
    assert "'f.k_1_partial'" in plan or "'k_1'" in plan
    assert "Infinity" not in plan
    assert "MaxKey" not in plan
