"""An unsuitable server is refused at the start, with advice."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.errors import Misconfigured
from discretion.store.driver.connection import connect_database
from discretion.store.driver.database import Database
from discretion.store.driver.server_check import check_server, check_server_version
from discretion.store.embedded import mongo_server as embedded
from discretion.store.embedded import mongod


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_a_recent_replica_set_is_accepted(database: Database) -> None:
    await check_server(database)


@pytest.mark.parametrize("version", [[5, 0, 31, 0], [4, 4, 0, 0], [2, 6]])
def test_an_old_server_is_refused(version: list[int]) -> None:
    with pytest.raises(Misconfigured) as caught:
        check_server_version(version)
    assert caught.value.code == "MONGO_TOO_OLD"
    assert ".".join(str(part) for part in version[:3]) in caught.value.message


@pytest.mark.parametrize("version", [[6, 0, 0, 0], [6, 0, 5, 0], [7, 1, 0], [10, 0, 0]])
def test_a_recent_server_is_accepted(version: list[int]) -> None:
    check_server_version(version)


async def test_a_missing_server_is_reported_as_unreachable() -> None:
    away = await connect_database("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=50", "nothing", "pymongo")
    with pytest.raises(Misconfigured) as caught:
        await check_server(away)
    assert caught.value.code == "MONGO_UNREACHABLE"
    await away.close()


async def test_a_standalone_server_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded mongod is started without a replica set."""
    build_arguments = mongod.build_arguments

    def standalone(*args: object) -> list[str]:
        arguments = build_arguments(*args)  # type: ignore[arg-type]
        position = arguments.index("--replSet")
        return arguments[:position] + arguments[position + 2 :]

    async def listening(port: int, _data: Path) -> None:
        while not await embedded._is_listening(port):
            pass

    monkeypatch.setattr(mongod, "build_arguments", standalone)
    monkeypatch.setattr(embedded, "_elect_primary", listening)
    async with embedded.run_embedded_mongo(tmp_path) as mongo:
        database = await connect_database(f"mongodb://127.0.0.1:{mongo.port}", "nothing", "pymongo")
        with pytest.raises(Misconfigured) as caught:
            await check_server(database)
        await database.close()
    assert caught.value.code == "MONGO_NOT_REPLICA_SET"
