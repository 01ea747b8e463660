"""Transactions are atomic, are retried on conflicts, and report an unknown outcome."""

from __future__ import annotations

import asyncio

import pytest

from discretion.errors import Conflict, Unavailable
from discretion.store.driver import database as driver_module
from discretion.store.driver.database import Database, Session, build_insert, build_update
from tests.fixtures.mongo import CommandRecorder, FailPoint

pytestmark = pytest.mark.parametrize("driver", ["pymongo", "motor"])


async def test_a_transaction_is_durable_and_reads_a_snapshot(
    database: Database, commands: CommandRecorder
) -> None:
    async def work(session: Session) -> str:
        await database.bulk_write("things", [build_insert({"_id": 1})], session=session)
        assert session.in_transaction
        assert await database.find("things", {}, session=session) == [{"_id": 1}]
        assert await database.find("things", {}) == []
        return "done"

    await database.insert_many("others", [{"_id": 0}])
    commands.clear()
    assert await database.run_transaction(work) == "done"
    assert await database.count("things", {}) == 1
    first_insert = commands.list_commands("insert")[0]
    assert (first_insert["startTransaction"], first_insert["readConcern"]["level"]) == (True, "snapshot")
    assert commands.list_commands("commitTransaction")[0]["writeConcern"] == {"w": "majority", "j": True}


async def test_an_exception_rolls_a_transaction_back(database: Database) -> None:
    class Changed(Exception):
        pass

    async def work(session: Session) -> None:
        await database.insert_many("things", [{"_id": 1}], session=session)
        raise Changed

    with pytest.raises(Changed):
        await database.run_transaction(work)
    assert await database.count("things", {}) == 0


async def test_conflicting_transactions_are_all_applied(database: Database) -> None:
    """Ten transactions increment a counter concurrently."""
    await database.insert_many("things", [{"_id": 1, "n": 0}])
    runs = 0

    async def work(session: Session) -> None:
        nonlocal runs
        runs += 1
        document = await database.find_one("things", {"_id": 1}, session=session)
        assert document is not None
        await asyncio.sleep(0.001)
        await database.bulk_write(
            "things", [build_update({"_id": 1}, {"$set": {"n": document["n"] + 1}})], session=session
        )

    await asyncio.gather(*(database.run_transaction(work) for _ in range(10)))
    assert await database.find("things", {}) == [{"_id": 1, "n": 10}]
    assert runs > 10


async def test_the_second_insert_of_a_document_sees_the_first(database: Database) -> None:
    """A concurrent insert of one key is a conflict and no duplicate: the loser runs again and finds it."""

    async def work(session: Session) -> bool:
        if await database.find_one("things", {"_id": 1}, session=session):
            return False
        await asyncio.sleep(0.01)
        await database.bulk_write("things", [build_insert({"_id": 1})], session=session)
        return True

    await database.insert_many("things", [{"_id": 0}])
    results = await asyncio.gather(*(database.run_transaction(work) for _ in range(6)))
    assert sorted(results) == [False] * 5 + [True]


async def test_a_commit_after_the_snapshot_is_a_conflict_too(database: Database) -> None:
    """The other order of the race: the key appears after the snapshot and before the write."""
    await database.insert_many("things", [{"_id": 0}])
    runs = 0

    async def work(session: Session) -> None:
        nonlocal runs
        runs += 1
        documents = await database.find("things", {"_id": 1}, session=session)
        if runs == 1:
            await database.insert_many("things", [{"_id": 1}])
        if not documents:
            await database.bulk_write("things", [build_insert({"_id": 1})], session=session)

    await database.run_transaction(work)
    assert runs == 2


async def test_a_duplicate_key_inside_a_transaction_is_a_conflict(database: Database) -> None:
    await database.insert_many("things", [{"_id": 1}])

    async def work(session: Session) -> None:
        await database.insert_many("things", [{"_id": 1}], session=session)

    with pytest.raises(Conflict):
        await database.run_transaction(work)


async def test_a_commit_whose_answer_is_lost_is_retried(database: Database, fail: FailPoint) -> None:
    await database.insert_many("things", [{"_id": 0}])

    async def work(session: Session) -> None:
        await database.insert_many("things", [{"_id": 1}], session=session)

    await fail.set("commitTransaction", times=3, closeConnection=True)
    await database.run_transaction(work)
    assert await database.count("things", {}) == 2


async def test_a_transaction_ends_at_its_deadline(
    database: Database, fail: FailPoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit without an answer is unknown; a transaction that is always refused changed nothing."""
    monkeypatch.setattr(driver_module, "TRANSACTION_SECONDS", 0.5)
    await database.insert_many("things", [{"_id": 0}])

    async def work(session: Session) -> None:
        await database.insert_many("things", [{"_id": 1}], session=session)

    codes = []
    for command, failure in (
        ("commitTransaction", {"errorCode": 91}),
        ("insert", {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}),
    ):
        await fail.set(command, times=1_000, **failure)
        with pytest.raises(Unavailable) as caught:
            await database.run_transaction(work)
        codes.append(caught.value.code)
        await fail.unset()
    await database.command({"killAllSessions": []}, admin=True)  # the transaction that MongoDB did not commit
    assert codes == ["STORE_WRITE_UNKNOWN", "STORE_UNAVAILABLE"]


async def test_a_document_is_changed_and_read_by_one_command(
    database: Database, commands: CommandRecorder
) -> None:
    await database.insert_many("things", [{"_id": n, "n": 9 - n} for n in (1, 2)])
    commands.clear()
    changed = await database.find_one_and_update(
        "things", {"n": {"$gt": 0}}, {"$inc": {"n": 10}}, sort=[("n", 1)]
    )
    assert changed == {"_id": 2, "n": 17}
    assert await database.find_one_and_update("things", {"_id": 3}, {"$inc": {"n": 1}}) is None
    assert [next(iter(command)) for command in commands.sent] == ["findAndModify", "findAndModify"]


async def test_a_list_longer_than_the_first_answer_by_default_is_read_by_one_command(
    database: Database, commands: CommandRecorder
) -> None:
    await database.insert_many("things", [{"_id": n} for n in range(300)])
    commands.clear()
    assert len(await database.find("things", {})) == 300
    assert len(await database.find("things", {}, limit=200)) == 200
    assert [next(iter(command)) for command in commands.sent] == ["find", "find"]
