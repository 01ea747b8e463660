"""Shredding: old copies of wrapped keys are dead, and whoever is left stays readable, whatever happens."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path

import pytest

from discretion.domain.erasure.crypto_shred import Shred, Shredded
from discretion.errors import Unavailable
from discretion.seal import file_lock as lock
from discretion.seal.bucket_keys import span
from discretion.seal.rewrapped_keys import Rewrapped
from discretion.store.driver.database import Database, Session
from discretion.store.schema.apply import prepare
from discretion.store.wrapped_keys import PLACES, Place
from tests.fixtures.platform import House
from tests.fixtures.shred_program import (
    BUCKETS,
    NOW,
    People,
    data_key,
    in_bucket,
    kept,
    killed_at,
    people,
    shredder,
)

POINTS = (
    "shred.publish",
    "shred.published",
    "shred.rewrap",
    "shred.rewrapped",
    "shred.record",
    "shred.verify",
    "shred.destroy",
    "shred.destroyed",
)
ANN = in_bucket(1, 0)


def of_bucket(bucket: int, customers: set[bytes]) -> set[bytes]:
    """Those of them who are in a bucket."""
    return {one for one in customers if int.from_bytes(one[:4]) % BUCKETS == bucket}


async def shredded(them: People, done: Shredded, generation: int) -> None:
    """See that Ann is gone for good, and nobody else."""
    everybody = set(them.copy)
    assert them.dead() == of_bucket(1, everybody)
    left = await them.readable()
    assert left == everybody - {ANN, in_bucket(2, 1)}
    assert done.destroyed == NOW
    on_record = Rewrapped(them.folder / "keys" / "rewrapped").read(1)
    keys = await them.keys()
    assert on_record == {one: keys[one] for one in of_bucket(1, left)}
    ring = kept(them.folder).ring
    assert (ring[1].generation, ring[1].since, ring.retiring()) == (generation, NOW, frozenset())


async def test_an_old_copy_of_a_key_is_dead_and_survivors_are_not(database: Database, tmp_path: Path) -> None:
    """Those who were merged and what is held too; the other buckets stay as they are."""
    them = await people(database, tmp_path)
    await them.erase(ANN)
    done = await shredder(database, tmp_path)([ANN])
    assert (done.buckets, done.horizon) == ({1: 1}, NOW + 2000)
    await shredded(them, done, 2)
    assert {doc["v"] for doc in await database.find("customers", {"merged.id": in_bucket(1, 1)})} == {2}


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_any_point_it_ends_the_same(
    database: Database, mongo_url: str, tmp_path: Path, point: str
) -> None:
    """``kill -9``: whoever is left is readable then, and again when it has been asked once more."""
    them = await people(database, tmp_path)
    await them.erase(ANN)
    await asyncio.to_thread(killed_at, point, mongo_url, database.name, tmp_path, [ANN])
    await them.readable()
    points = Counter[str]()
    done = await shredder(database, tmp_path)([ANN], lambda one: points.update([one]))
    # What was published is finished first; whether Ann's key was wrapped anew meanwhile nobody knows.
    await shredded(them, done, 2 if point == "shred.publish" else 3)
    assert points["shred.destroyed"] == (1 if point in ("shred.publish", "shred.destroyed") else 2)


async def test_every_point_is_in_the_matrix(database: Database, tmp_path: Path) -> None:
    """A point that is added is killed at, too."""
    await people(database, tmp_path)
    points: list[str] = []
    await shredder(database, tmp_path)([ANN], points.append)
    assert set(points) == set(POINTS)


async def test_those_who_wait_share_one_rotation(database: Database, tmp_path: Path) -> None:
    """A hundred erasures one after another write no hundred files; each is shredded when it is told so."""
    them = await people(database, tmp_path, each=2)
    shred, points = shredder(database, tmp_path), Counter[str]()
    customers = [in_bucket(number % BUCKETS, number) for number in range(100)]
    done = await asyncio.gather(*(shred([one], lambda one: points.update([one])) for one in customers))
    assert points["shred.destroyed"] == 2
    assert {bucket for one in done for bucket in one.buckets} == set(range(BUCKETS))
    assert them.dead() == set(them.copy)
    await them.readable()


async def test_many_processes_that_shred_at_once_lose_nobody(database: Database, tmp_path: Path) -> None:
    """Each has its own keys in memory and its own turn."""
    them = await people(database, tmp_path)
    shreds = [shredder(database, tmp_path) for _ in range(6)]
    done = await asyncio.gather(*(one([in_bucket(number % 3, 0)]) for number, one in enumerate(shreds)))
    assert [set(one.buckets) for one in done] == [{0}, {1}, {2}] * 2
    assert them.dead() == {one for one in them.copy if int.from_bytes(one[:4]) % BUCKETS < 3}
    assert await them.readable() == set(them.copy)


async def test_who_read_a_profile_before_does_not_write_the_old_key_back(
    database: Database, tmp_path: Path
) -> None:
    """A key that is on its way from one customer to another is not missed, whoever comes first."""
    them = await people(database, tmp_path)
    one, former = in_bucket(0, 0), in_bucket(1, 1)
    shred = shredder(database, tmp_path)
    tries = 0

    async def part(session: Session) -> None:
        """As unmerging does: the former customer has the key again that they had."""
        nonlocal tries
        tries += 1
        doc = await database.find_one("customers", {"_id": one}, session=session)
        assert doc is not None
        if tries == 1:
            await shred([ANN])
        change = {"$set": {"merged": []}, "$inc": {"v": 1}}
        await database.update_one("customers", {"_id": one, "v": doc["v"]}, change, session=session)
        [old] = doc["merged"]
        fresh = {"_id": old["id"], "v": 1, "key": old["key"], "merged": []}
        await database.insert_many("customers", [fresh], session=session)

    await database.transaction(part)
    assert tries == 2
    assert former in await them.readable()
    assert former in them.dead()


async def test_whoever_is_written_while_it_is_published_is_not_missed(
    database: Database, tmp_path: Path
) -> None:
    """A transaction that has wrapped a new key is waited for, and its customer found."""
    them = await people(database, tmp_path)
    mine, new = kept(tmp_path), in_bucket(1, 77)
    wrapped = asyncio.Event()

    async def enrol(session: Session) -> None:
        await mine.hold(database.ends(session))
        key = mine.wrap(new, data_key(new), os.urandom(12))
        wrapped.set()
        await asyncio.sleep(0.1)
        doc = {"_id": new, "v": 1, "key": key, "merged": []}
        await database.insert_many("customers", [doc], session=session)

    enrolling = asyncio.create_task(database.transaction(enrol))
    await wrapped.wait()
    await shredder(database, tmp_path)([ANN])
    await enrolling
    assert new in await them.readable()


async def test_a_new_customer_waits_for_who_publishes(house: House) -> None:
    """Whoever is taken in wraps their key under the turnstile; somebody known needs none."""
    buckets = house.platform.conductor.revealer.buckets
    known = {"type": "identify", "messageId": "1", "userId": "known", "traits": {"firstName": "Ann"}}
    assert (await house.tell("web-shop", known))["results"][0]["status"] == "accepted"
    async with buckets._turnstile.alone():
        await house.tell("web-shop", {**known, "messageId": "3", "traits": {"firstName": "Anna"}})
        new = asyncio.create_task(house.tell("web-shop", {**known, "messageId": "2", "userId": "new"}))
        await asyncio.sleep(0.1)
        assert not new.done()
    assert (await new)["results"][0]["status"] == "accepted"


async def test_a_transaction_that_fails_keeps_nobody_waiting(database: Database, tmp_path: Path) -> None:
    """However it ends, rotations go on."""
    await people(database, tmp_path)
    mine = kept(tmp_path)

    async def fail(session: Session) -> None:
        await mine.hold(database.ends(session))
        await mine.hold(database.ends(session))
        raise LookupError

    with pytest.raises(LookupError):
        await database.transaction(fail)
    await asyncio.wait_for(shredder(database, tmp_path)([ANN]), 1)


async def test_while_a_transaction_hangs_nothing_is_destroyed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told so, and asked again it is done."""
    monkeypatch.setattr(lock, "PATIENCE_S", 0.05)
    them = await people(database, tmp_path)
    hanging = await kept(tmp_path)._turnstile.enter()
    shred = shredder(database, tmp_path)
    with pytest.raises(Unavailable):
        await shred([ANN])
    assert them.dead() == set()
    hanging()
    await shred([ANN])
    assert ANN in them.dead()


async def test_a_key_that_opens_nothing_stops_no_erasure(database: Database, tmp_path: Path) -> None:
    """The attack: a forged key in the bucket, so that its real key is never destroyed."""
    them = await people(database, tmp_path)
    forged = span(1, 1)[0]
    await database.update_one("customers", {"_id": in_bucket(2, 2)}, {"$set": {"key": forged}})
    shred: Shred = shredder(database, tmp_path)
    await shred([ANN])
    assert them.dead() == of_bucket(1, set(them.copy))


@pytest.mark.parametrize("place", PLACES[:2], ids=["own", "merged"])
async def test_survivors_are_found_by_an_index(database: Database, place: Place) -> None:
    """However many customers there are, no more documents are looked at than there are survivors."""
    await prepare(database)
    query = {"find": "customers", "filter": place.wanted([span(1, 1), span(2, 1)])}
    told = await database.command({"explain": query, "verbosity": "queryPlanner"})
    plan = str(told["queryPlanner"]["winningPlan"])
    assert "COLLSCAN" not in plan
    assert "'merged.key_1_partial'" in plan or "'key_1'" in plan
    assert "Infinity" not in plan
    assert "MaxKey" not in plan
