"""The database facade behaves the same with both drivers."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from discretion.errors import Broken, Conflict, Misconfigured, Unavailable
from discretion.store.driver.connection import connect_database
from discretion.store.driver.database import (
    Database,
    StoreRefused,
    WriteResult,
    build_delete,
    build_insert,
    build_update,
)
from tests.fixtures.mongo import CommandRecorder

pytestmark = pytest.mark.parametrize("driver", ["pymongo", "motor"])


async def test_stored_documents_are_read_unchanged(database: Database) -> None:
    """Bytes stay bytes, 64-bit integers stay 64-bit integers, and times have a time zone."""
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    document = {
        "_id": b"\0" * 16,
        "allow": 2**62 + 1,
        "few": 7,
        "at": moment,
        "id": uuid.UUID(int=5),
        "o": {"commerce/loyaltyTier": "gold", "deep": [1, 2.5, True, None]},
    }
    await database.insert_many("things", [document])
    assert await database.find("things", {}) == [document]
    stored = await database.find_one("things", {"allow": {"$bitsAnySet": 1}})
    assert stored == document
    assert type(stored["_id"]) is bytes


async def test_find_applies_projection_sort_and_limit(database: Database) -> None:
    await database.insert_many("things", [{"_id": n, "even": n % 2 == 0, "x": -n} for n in range(250)])
    documents = await database.find("things", {"even": True}, {"x": 1}, sort=[("x", 1)], limit=2)
    assert documents == [{"_id": 248, "x": -248}, {"_id": 246, "x": -246}]
    assert len(await database.find("things", {})) == 250
    assert await database.find("things", {"_id": 3}, {"_id": 1}, hint="_id_") == [{"_id": 3}]
    assert await database.find_one("things", {"_id": 999}) is None
    assert await database.find_one("things", {}, {"_id": 1}, sort=[("_id", -1)]) == {"_id": 249}


async def test_count_and_aggregate(database: Database) -> None:
    """Both use the same documents as find."""
    await database.insert_many("things", [{"_id": n, "even": n % 2 == 0} for n in range(9)])
    assert await database.count("things", {"even": True}) == 5
    assert await database.count("things", {}, limit=4) == 4
    grouped = await database.aggregate(
        "things", [{"$group": {"_id": "$even", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
    )
    assert grouped == [{"_id": False, "n": 4}, {"_id": True, "n": 5}]


async def test_a_write_reports_the_affected_documents(database: Database) -> None:
    operations = [
        build_insert({"_id": 1, "n": 0}),
        build_update({"_id": 1}, {"$inc": {"n": 1}}),
        build_update({"_id": 1}, {"$set": {"n": 1}}),
        build_update({"_id": 2}, {"$set": {"n": 5}}, upsert=True),
        build_update({"_id": 3}, {"$set": {"n": 5}}),
        build_delete({"_id": 2}),
    ]
    result = await database.bulk_write("things", operations, ordered=True)
    assert result == WriteResult(matched=2, modified=1, upserted=1, inserted=1, deleted=1)
    assert result.affected == 5
    assert await database.bulk_write("things", []) == WriteResult()
    assert await database.update_one("things", {"_id": 1}, {"$inc": {"n": 1}}) == WriteResult(1, 1)
    assert await database.update_one("things", {"_id": 9}, {"$set": {"n": 1}}, upsert=True) == WriteResult(
        upserted=1
    )
    assert await database.replace_one("things", {"_id": 1}, {"_id": 1, "n": 7}) == WriteResult(1, 1)
    assert await database.find("things", {"_id": 1}) == [{"_id": 1, "n": 7}]
    assert await database.delete_many("things", {}) == 2


async def test_every_write_is_majority_and_journaled(database: Database, commands: CommandRecorder) -> None:
    await database.insert_many("things", [{"_id": 1}])
    await database.update_one("things", {"_id": 1}, {"$set": {"n": 1}})
    await database.bulk_write("things", [build_insert({"_id": 2})])
    await database.delete_many("things", {"_id": 1})
    writes = (
        commands.list_commands("insert") + commands.list_commands("update") + commands.list_commands("delete")
    )
    assert [command["writeConcern"] for command in writes] == [{"w": "majority", "j": True}] * 4


async def test_a_duplicate_key_is_a_conflict_without_values(database: Database) -> None:
    """Neither the message nor its cause contains the document."""
    secret = "ada@shop.example"
    await database.insert_many("things", [{"_id": secret}])
    for write in (
        database.insert_many("things", [{"_id": secret}, {"_id": "other"}]),
        database.bulk_write("things", [build_insert({"_id": secret})]),
        database.command({"create": "capped", "capped": secret}),
    ):
        with pytest.raises((Conflict, Broken)) as caught:
            await write
        assert secret not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
    assert await database.count("things", {}) == 2  # unordered: the other document is stored


async def test_an_invalid_operation_is_reported_as_a_programming_error(database: Database) -> None:
    with pytest.raises(StoreRefused) as refused:
        await database.find("things", {"$nonsense": 1})
    assert refused.value.number == 2
    for value in (2**70, object()):
        with pytest.raises(Broken) as caught:
            await database.insert_many("things", [{"_id": 1, "x": value}])
        assert caught.value.code == "STORE_DOCUMENT_INVALID"


async def test_an_unreachable_server_is_unavailable(driver: str) -> None:
    away = await connect_database("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=50", "nothing", driver)
    for call in (away.find("things", {}), away.insert_many("things", [{"_id": 1}])):
        with pytest.raises(Unavailable) as caught:
            await call
        assert caught.value.code == "STORE_UNAVAILABLE"
    await away.close()


@pytest.mark.parametrize("url", ["mongodb://", "http://127.0.0.1", "mongodb://ada:pass word@[::1/"])
async def test_an_invalid_url_is_refused_without_quoting_it(url: str, driver: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        await connect_database(url, "nothing", driver)
    assert caught.value.code == "MONGO_URL_INVALID"
    assert caught.value.__context__ is None
    assert "pass" not in str(caught.value)
