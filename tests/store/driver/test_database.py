"""Transactions: all or nothing, again when they meet, and never unsure without saying so."""

from __future__ import annotations

import asyncio

import pytest

from discretion.errors import Conflict, Unavailable
from discretion.store.driver import database as driver_module
from discretion.store.driver.database import Database, Session, insert, update
from tests.fixtures.mongo import Commands, FailPoint

pytestmark = pytest.mark.parametrize("driver", ["pymongo", "motor"])


async def test_a_transaction_is_durable_and_on_a_snapshot(database: Database, commands: Commands) -> None:
    async def work(session: Session) -> str:
        await database.bulk_write("things", [insert({"_id": 1})], session=session)
        assert session.in_transaction
        assert await database.find("things", {}, session=session) == [{"_id": 1}]
        assert await database.find("things", {}) == []
        return "done"

    await database.insert_many("others", [{"_id": 0}])
    commands.clear()
    assert await database.transaction(work) == "done"
    assert await database.count("things", {}) == 1
    first = commands.named("insert")[0]
    assert (first["startTransaction"], first["readConcern"]["level"]) == (True, "snapshot")
    assert commands.named("commitTransaction")[0]["writeConcern"] == {"w": "majority", "j": True}


async def test_an_exception_takes_everything_back(database: Database) -> None:
    class Changed(Exception):
        pass

    async def work(session: Session) -> None:
        await database.insert_many("things", [{"_id": 1}], session=session)
        raise Changed

    with pytest.raises(Changed):
        await database.transaction(work)
    assert await database.count("things", {}) == 0


async def test_transactions_that_meet_all_happen(database: Database) -> None:
    """Ten read a counter and write it one higher, all at once."""
    await database.insert_many("things", [{"_id": 1, "n": 0}])
    runs = 0

    async def work(session: Session) -> None:
        nonlocal runs
        runs += 1
        found = await database.find_one("things", {"_id": 1}, session=session)
        assert found is not None
        await asyncio.sleep(0.001)
        await database.bulk_write(
            "things", [update({"_id": 1}, {"$set": {"n": found["n"] + 1}})], session=session
        )

    await asyncio.gather(*(database.transaction(work) for _ in range(10)))
    assert await database.find("things", {}) == [{"_id": 1, "n": 10}]
    assert runs > 10


async def test_who_makes_the_same_document_second_sees_the_first(database: Database) -> None:
    """Racing to insert one key is a meeting, not a duplicate: the loser runs again and finds it."""

    async def work(session: Session) -> bool:
        if await database.find_one("things", {"_id": 1}, session=session):
            return False
        await asyncio.sleep(0.01)
        await database.bulk_write("things", [insert({"_id": 1})], session=session)
        return True

    await database.insert_many("things", [{"_id": 0}])
    won = await asyncio.gather(*(database.transaction(work) for _ in range(6)))
    assert sorted(won) == [False] * 5 + [True]


async def test_a_commit_that_landed_before_our_insert_is_a_meeting_too(database: Database) -> None:
    """The other order of the race: the key appears after our snapshot and before our write."""
    await database.insert_many("things", [{"_id": 0}])
    runs = 0

    async def work(session: Session) -> None:
        nonlocal runs
        runs += 1
        found = await database.find("things", {"_id": 1}, session=session)
        if runs == 1:
            await database.insert_many("things", [{"_id": 1}])
        if not found:
            await database.bulk_write("things", [insert({"_id": 1})], session=session)

    await database.transaction(work)
    assert runs == 2


async def test_a_taken_key_inside_a_transaction_is_a_conflict(database: Database) -> None:
    await database.insert_many("things", [{"_id": 1}])

    async def work(session: Session) -> None:
        await database.insert_many("things", [{"_id": 1}], session=session)

    with pytest.raises(Conflict):
        await database.transaction(work)


async def test_a_commit_whose_answer_is_lost_is_asked_again(database: Database, fail: FailPoint) -> None:
    await database.insert_many("things", [{"_id": 0}])

    async def work(session: Session) -> None:
        await database.insert_many("things", [{"_id": 1}], session=session)

    await fail.set("commitTransaction", times=3, closeConnection=True)
    await database.transaction(work)
    assert await database.count("things", {}) == 2


async def test_a_transaction_ends_at_its_deadline(
    database: Database, fail: FailPoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit never answered is unknown; a transaction never let through did nothing."""
    monkeypatch.setattr(driver_module, "TRANSACTION_SECONDS", 0.5)
    await database.insert_many("things", [{"_id": 0}])

    async def work(session: Session) -> None:
        await database.insert_many("things", [{"_id": 1}], session=session)

    codes = []
    for command, how in (
        ("commitTransaction", {"errorCode": 91}),
        ("insert", {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}),
    ):
        await fail.set(command, times=1_000, **how)
        with pytest.raises(Unavailable) as caught:
            await database.transaction(work)
        codes.append(caught.value.code)
        await fail.unset()
    await database.command({"killAllSessions": []}, admin=True)  # the one MongoDB never got to commit
    assert codes == ["STORE_WRITE_UNKNOWN", "STORE_UNAVAILABLE"]
