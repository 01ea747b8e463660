"""Options in the MongoDB URL cannot make a read return less than was acknowledged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pymongo import ReadPreference

from discretion.errors import Misconfigured
from discretion.store.driver.connection import connect_database
from discretion.store.driver.database import Session
from discretion.store.driver.server_check import check_server
from discretion.store.dump import DumpStore
from tests.fixtures.mongo import CommandRecorder, with_options
from tests.fixtures.replica_set import ReplicaSet, run_replica_set

LAX_OPTIONS = (
    {"readPreference": "secondary"},
    {"readPreference": "secondaryPreferred", "maxStalenessSeconds": 120},
    {"readPreference": "nearest", "readPreferenceTags": "dc:two"},
    {"READPREFERENCE": "secondaryPreferred", "readConcernLevel": "available"},
)

pytestmark = pytest.mark.parametrize("driver", ["pymongo", "motor"])


@pytest.fixture(scope="module")
def replica_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    """Yield a replica set with a secondary."""
    with run_replica_set(tmp_path_factory.mktemp("replica_set")) as running:
        yield running


@pytest.mark.parametrize("options", LAX_OPTIONS)
async def test_every_collection_is_read_from_the_primary(driver: str, options: dict[str, object]) -> None:
    """Whatever the URL says of preference, tags, staleness and read concern."""
    url = with_options("mongodb://127.0.0.1:9/?replicaSet=discretion", **options)
    database = await connect_database(url, "nothing", driver)
    collection = database._collection("customers")
    assert collection.read_preference == ReadPreference.PRIMARY
    assert collection.read_concern.level == "local"
    await database.close()


@pytest.mark.parametrize("options", LAX_OPTIONS[:3])
async def test_no_kind_of_read_asks_a_secondary_that_lags(
    replica_set: ReplicaSet, driver: str, options: dict[str, object]
) -> None:
    """The secondary still has the document that was replaced; no read returns it."""
    commands = CommandRecorder()
    database = await connect_database(with_options(replica_set.url, **options), "lag", driver, [commands])
    try:
        await database.delete_many("things", {})
        await database.insert_many("things", [{"_id": 1, "allowed": True}])
        while replica_set.secondary["lag"]["things"].find_one() != {"_id": 1, "allowed": True}:
            pass
        with replica_set.hold_back_secondary():
            await database.update_one("things", {"_id": 1}, {"$set": {"allowed": False}})
            assert replica_set.secondary["lag"]["things"].find_one() == {"_id": 1, "allowed": True}
            now = [{"_id": 1, "allowed": False}]
            for _ in range(5):
                assert await database.find("things", {}) == now
                assert await database.count("things", {"allowed": True}) == 0
                assert await database.aggregate("things", [{"$match": {}}]) == now
                assert [batch async for batch in database.stream("things", {}, {}, batch_size=5)] == [now]
                answer = await database.command({"find": "things", "filter": {}})
                assert answer["cursor"]["firstBatch"] == now

            async def read(session: Session) -> object:
                return await database.find("things", {}, session=session)

            assert await database.run_transaction(read) == now
            async with DumpStore(database).open_snapshot() as reader:
                assert [batch async for batch in reader.read_raw("things")]
        reads = [command for name in ("find", "aggregate") for command in commands.list_commands(name)]
        preferences = [command.get("$readPreference", {"mode": "primary"})["mode"] for command in reads]
        assert set(preferences) == {"primary"}
    finally:
        await database.close()


async def test_a_direct_connection_to_one_of_several_members_is_refused(
    replica_set: ReplicaSet, driver: str
) -> None:
    """Drivers read from a directly connected member whatever its role is, also after it lost it."""
    direct_url = replica_set.url.partition("?")[0] + "?directConnection=true"
    database = await connect_database(direct_url, "lag", driver)
    try:
        with pytest.raises(Misconfigured) as caught:
            await check_server(database)
        assert caught.value.code == "MONGO_URL_UNSAFE"
        assert "directConnection" in caught.value.advice
    finally:
        await database.close()
