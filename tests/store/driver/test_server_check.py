"""A server that will not do is refused at the start, with what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.errors import Misconfigured
from discretion.store.driver.database import Database, connect
from discretion.store.driver.server_check import check_version, inspect
from discretion.store.embedded import mongo_server as embedded
from discretion.store.embedded import mongod


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_a_replica_set_that_is_new_enough_will_do(database: Database) -> None:
    await inspect(database)


@pytest.mark.parametrize("version", [[5, 0, 31, 0], [4, 4, 0, 0], [2, 6]])
def test_an_old_server_is_refused(version: list[int]) -> None:
    with pytest.raises(Misconfigured) as caught:
        check_version(version)
    assert caught.value.code == "MONGO_TOO_OLD"
    assert ".".join(str(part) for part in version[:3]) in caught.value.message


@pytest.mark.parametrize("version", [[6, 0, 0, 0], [6, 0, 5, 0], [7, 1, 0], [10, 0, 0]])
def test_a_new_server_is_taken(version: list[int]) -> None:
    check_version(version)


async def test_a_server_that_is_not_there_is_said_to_be_away() -> None:
    away = await connect("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=50", "nothing", "pymongo")
    with pytest.raises(Misconfigured) as caught:
        await inspect(away)
    assert caught.value.code == "MONGO_UNREACHABLE"
    await away.close()


async def test_a_standalone_server_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own mongod, told nothing of a replica set and not made one."""
    told = mongod.arguments

    def standalone(*args: object) -> list[str]:
        words = told(*args)  # type: ignore[arg-type]
        at = words.index("--replSet")
        return words[:at] + words[at + 2 :]

    async def listening(port: int, _data: Path) -> None:
        while not await embedded._listens(port):
            pass

    monkeypatch.setattr(mongod, "arguments", standalone)
    monkeypatch.setattr(embedded, "_lead", listening)
    async with embedded.running(tmp_path) as mongo:
        database = await connect(f"mongodb://127.0.0.1:{mongo.port}", "nothing", "pymongo")
        with pytest.raises(Misconfigured) as caught:
            await inspect(database)
        await database.close()
    assert caught.value.code == "MONGO_NOT_REPLICA_SET"
