"""Error codes of MongoDB failures, tested with fail points."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from discretion.errors import Unavailable
from discretion.store.driver.connection import connect_database
from discretion.store.driver.database import Database, build_insert
from tests.fixtures.mongo import FailPoint, with_options

pytestmark = pytest.mark.parametrize("driver", ["pymongo", "motor"])

WRITE_CONCERN_FAILED = {"code": 64, "codeName": "WriteConcernFailed", "errmsg": "waiting timed out"}
SHUTDOWN_IN_PROGRESS = 91


async def test_a_write_concern_error_is_unknown_since_the_document_is_stored(
    database: Database, fail: FailPoint
) -> None:
    writes: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: database.insert_many("things", [{"_id": 1}]),
        lambda: database.bulk_write("things", [build_insert({"_id": 2})]),
        lambda: database.update_one("things", {"_id": 3}, {"$set": {"n": 1}}, upsert=True),
    )
    for number, write in enumerate(writes, 1):
        await fail.set("insert", "update", writeConcernError=WRITE_CONCERN_FAILED)
        with pytest.raises(Unavailable) as caught:
            await write()
        assert caught.value.code == "STORE_WRITE_UNKNOWN"
        assert await database.count("things", {"_id": number}) == 1


async def test_one_failure_during_a_write_is_retried(database: Database, fail: FailPoint) -> None:
    """The driver retries with the same transaction number, and the server returns the first result."""
    await fail.set("insert", errorCode=SHUTDOWN_IN_PROGRESS, errorLabels=["RetryableWriteError"])
    await database.insert_many("things", [{"_id": 1}])
    await fail.set("insert", closeConnection=True)
    await database.insert_many("things", [{"_id": 2}])
    assert await database.count("things", {}) == 2


async def test_a_write_to_a_server_that_shuts_down_is_unknown(
    mongo_url: str, driver: str, fail: FailPoint
) -> None:
    url = with_options(mongo_url, heartbeatFrequencyMS=500, timeoutMS=700)
    impatient = await connect_database(url, "nothing", driver)
    await fail.set("insert", "find", times=1_000, errorCode=SHUTDOWN_IN_PROGRESS)
    with pytest.raises(Unavailable) as write:
        await impatient.insert_many("things", [{"_id": 1}])
    with pytest.raises(Unavailable) as read:
        await impatient.find("things", {})
    await impatient.close()
    assert [write.value.code, read.value.code] == ["STORE_WRITE_UNKNOWN", "STORE_UNAVAILABLE"]


async def test_a_connection_lost_during_a_read_is_reopened(database: Database, fail: FailPoint) -> None:
    await fail.set("find", closeConnection=True)
    assert await database.find("things", {}) == []
