"""The facade does the same over both drivers."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from discretion.errors import Broken, Conflict, Misconfigured, Unavailable
from discretion.store.driver.database import BulkResult, Database, Refused, connect, delete, insert, update
from tests.fixtures.mongo import Commands

pytestmark = pytest.mark.parametrize("driver", ["pymongo", "motor"])


async def test_what_goes_in_comes_out(database: Database) -> None:
    """Bytes stay bytes, 64 bits stay 64 bits, times carry their zone."""
    at = datetime(2026, 1, 2, tzinfo=UTC)
    document = {
        "_id": b"\0" * 16,
        "allow": 2**62 + 1,
        "few": 7,
        "at": at,
        "id": uuid.UUID(int=5),
        "o": {"commerce/loyaltyTier": "gold", "deep": [1, 2.5, True, None]},
    }
    await database.insert_many("things", [document])
    assert await database.find("things", {}) == [document]
    found = await database.find_one("things", {"allow": {"$bitsAnySet": 1}})
    assert found == document
    assert type(found["_id"]) is bytes


async def test_find_projects_sorts_and_limits(database: Database) -> None:
    await database.insert_many("things", [{"_id": n, "even": n % 2 == 0, "x": -n} for n in range(250)])
    found = await database.find("things", {"even": True}, {"x": 1}, sort=[("x", 1)], limit=2)
    assert found == [{"_id": 248, "x": -248}, {"_id": 246, "x": -246}]
    assert len(await database.find("things", {})) == 250
    assert await database.find("things", {"_id": 3}, {"_id": 1}, hint="_id_") == [{"_id": 3}]
    assert await database.find_one("things", {"_id": 999}) is None
    assert await database.find_one("things", {}, {"_id": 1}, sort=[("_id", -1)]) == {"_id": 249}


async def test_count_and_aggregate(database: Database) -> None:
    """Both see what find sees."""
    await database.insert_many("things", [{"_id": n, "even": n % 2 == 0} for n in range(9)])
    assert await database.count("things", {"even": True}) == 5
    assert await database.count("things", {}, limit=4) == 4
    grouped = await database.aggregate(
        "things", [{"$group": {"_id": "$even", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
    )
    assert grouped == [{"_id": False, "n": 4}, {"_id": True, "n": 5}]


async def test_a_write_says_what_it_touched(database: Database) -> None:
    one = [
        insert({"_id": 1, "n": 0}),
        update({"_id": 1}, {"$inc": {"n": 1}}),
        update({"_id": 1}, {"$set": {"n": 1}}),
        update({"_id": 2}, {"$set": {"n": 5}}, upsert=True),
        update({"_id": 3}, {"$set": {"n": 5}}),
        delete({"_id": 2}),
    ]
    done = await database.bulk_write("things", one, ordered=True)
    assert done == BulkResult(matched=2, modified=1, upserted=1, inserted=1, deleted=1)
    assert done.touched == 5
    assert await database.bulk_write("things", []) == BulkResult()
    assert await database.update_one("things", {"_id": 1}, {"$inc": {"n": 1}}) == BulkResult(1, 1)
    assert await database.update_one("things", {"_id": 9}, {"$set": {"n": 1}}, upsert=True) == BulkResult(
        upserted=1
    )
    assert await database.replace_one("things", {"_id": 1}, {"_id": 1, "n": 7}) == BulkResult(1, 1)
    assert await database.find("things", {"_id": 1}) == [{"_id": 1, "n": 7}]
    assert await database.delete_many("things", {}) == 2


async def test_every_write_is_majority_and_journaled(database: Database, commands: Commands) -> None:
    await database.insert_many("things", [{"_id": 1}])
    await database.update_one("things", {"_id": 1}, {"$set": {"n": 1}})
    await database.bulk_write("things", [insert({"_id": 2})])
    await database.delete_many("things", {"_id": 1})
    writes = commands.named("insert") + commands.named("update") + commands.named("delete")
    assert [one["writeConcern"] for one in writes] == [{"w": "majority", "j": True}] * 4


async def test_a_taken_key_is_a_conflict_that_shows_no_value(database: Database) -> None:
    """Neither the message nor anything it came from quotes the document."""
    secret = "ada@shop.example"
    await database.insert_many("things", [{"_id": secret}])
    for write in (
        database.insert_many("things", [{"_id": secret}, {"_id": "other"}]),
        database.bulk_write("things", [insert({"_id": secret})]),
        database.command({"create": "capped", "capped": secret}),
    ):
        with pytest.raises((Conflict, Broken)) as caught:
            await write
        assert secret not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
    assert await database.count("things", {}) == 2  # unordered: the other one is there


async def test_a_mistake_of_ours_is_reported_as_one(database: Database) -> None:
    with pytest.raises(Refused) as refused:
        await database.find("things", {"$nonsense": 1})
    assert refused.value.number == 2
    for value in (2**70, object()):
        with pytest.raises(Broken) as caught:
            await database.insert_many("things", [{"_id": 1, "x": value}])
        assert caught.value.code == "STORE_DOCUMENT_INVALID"


async def test_a_server_that_is_away_is_unavailable(driver: str) -> None:
    away = await connect("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=50", "nothing", driver)
    for call in (away.find("things", {}), away.insert_many("things", [{"_id": 1}])):
        with pytest.raises(Unavailable) as caught:
            await call
        assert caught.value.code == "STORE_UNAVAILABLE"
    await away.close()


@pytest.mark.parametrize("url", ["mongodb://", "http://127.0.0.1", "mongodb://ada:pass word@[::1/"])
async def test_a_wrong_url_is_refused_without_showing_it(url: str, driver: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        await connect(url, "nothing", driver)
    assert caught.value.code == "MONGO_URL_INVALID"
    assert caught.value.__context__ is None
    assert "pass" not in str(caught.value)
