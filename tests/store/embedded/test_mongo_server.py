"""The embedded MongoDB starts, stops, and starts again after every kind of termination."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from discretion.errors import Misconfigured
from discretion.store.driver.connection import connect_database
from discretion.store.driver.database import Session
from discretion.store.embedded import mongo_server as embedded
from discretion.store.embedded import mongod
from discretion.store.embedded.mongod import Machine

PARENT = """
import asyncio, sys
from pathlib import Path
from discretion.store.embedded.mongo_server import start_embedded_mongo
from discretion.store.embedded.mongod import Machine
mongo = asyncio.run(start_embedded_mongo(Path(sys.argv[1]), machine=Machine(sys.argv[2], "x86_64")))
print(mongo.pid, flush=True)
sys.stdin.read()
"""

WRITER = """
import sys, pymongo
with pymongo.MongoClient(sys.argv[1]).start_session() as session, session.start_transaction():
    session.client["kept"]["things"].update_one({"_id": 1}, {"$set": {"n": 1}}, session=session)
    print("written", flush=True)
    sys.stdin.read()
"""


async def _write(url: str, number: int) -> None:
    database = await connect_database(url, "kept", "pymongo")
    await database.insert_many("things", [{"_id": number}])
    await database.close()


async def _read(url: str) -> list[int]:
    database = await connect_database(url, "kept", "pymongo")
    documents = await database.find("things", {}, sort=[("_id", 1)])
    await database.close()
    return [document["_id"] for document in documents]


def _is_running(pid: int) -> bool:
    try:
        return b"mongod" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


async def _start_and_fail(folder: Path, port: int = 0) -> str:
    with pytest.raises(Misconfigured) as caught:
        await embedded.start_embedded_mongo(folder, port=port)
    assert caught.value.advice
    return caught.value.code


async def test_two_servers_run_side_by_side(tmp_path: Path) -> None:
    """While a server runs, no other server can use its folder or its port."""
    first, second = await asyncio.gather(
        embedded.start_embedded_mongo(tmp_path / "one"), embedded.start_embedded_mongo(tmp_path / "two")
    )
    try:
        await asyncio.gather(_write(first.url, 1), _write(second.url, 2))
        assert (await _read(first.url), await _read(second.url)) == ([1], [2])
        assert os.getpgid(first.pid) != os.getpgid(0)  # Ctrl-C in the terminal must not reach them
        assert await _start_and_fail(tmp_path / "one") == "MONGO_FOLDER_IN_USE"
        assert await _start_and_fail(tmp_path / "three", port=second.port) == "MONGO_PORT_TAKEN"
    finally:
        await asyncio.gather(first.stop(), second.stop())
    assert not _is_running(first.pid)
    await first.stop()


async def test_acknowledged_data_survives_every_termination(tmp_path: Path) -> None:
    """The cases are a clean stop, a kill, an aborted start and another port."""
    async with embedded.run_embedded_mongo(tmp_path) as mongo:
        await _write(mongo.url, 1)
        first_port = mongo.port
    started = time.monotonic()
    mongo = await embedded.start_embedded_mongo(tmp_path)
    took = time.monotonic() - started
    assert mongo.port == first_port
    await _write(mongo.url, 2)
    os.kill(mongo.pid, signal.SIGKILL)
    await mongo.stop()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(embedded.start_embedded_mongo(tmp_path), 0.2)
    async with (
        await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", first_port),
        embedded.run_embedded_mongo(tmp_path) as mongo,
    ):
        assert mongo.port != first_port
        assert await _read(mongo.url) == [1, 2]
    assert took < 5  # well below 2 s on an idle machine


@pytest.mark.skipif(sys.platform != "linux", reason="identifies processes by /proc")
@pytest.mark.parametrize("system", ["linux", "darwin"])
async def test_a_killed_parent_process_does_not_block_the_next_start(tmp_path: Path, system: str) -> None:
    """On Linux mongod ends with its parent. Elsewhere it runs until the next start stops it."""
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path), system),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    parent.kill()
    await parent.communicate()
    assert system == "linux" or _is_running(pid)
    async with embedded.run_embedded_mongo(tmp_path) as mongo:
        assert not _is_running(pid)
        await _write(mongo.url, 1)


async def test_a_transaction_of_a_killed_process_ends_before_others_time_out(tmp_path: Path) -> None:
    """MongoDB does not notice that its client is dead, and keeps the locks until the transaction expires."""
    async with embedded.run_embedded_mongo(tmp_path) as mongo:
        await _write(mongo.url, 1)
        writer = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", WRITER, mongo.url),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert writer.stdout is not None
        assert await writer.stdout.readline() == b"written\n"
        writer.kill()
        await writer.wait()
        database = await connect_database(mongo.url, "kept", "pymongo")

        async def work(session: Session) -> None:
            await database.update_one("things", {"_id": 1}, {"$set": {"n": 2}}, session=session)

        await database.run_transaction(work)
        assert await database.find("things", {}) == [{"_id": 1, "n": 2}]
        await database.close()


async def test_another_process_with_the_recorded_pid_is_not_stopped(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mongod.lock").write_text(f"{os.getpid()}\n")
    await embedded._stop_orphan(tmp_path / "data")


async def test_the_message_of_mongod_about_an_unknown_argument_is_reported(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        await embedded.start_embedded_mongo(tmp_path, extra_arguments=["--nonsense"])
    assert caught.value.code == "MONGO_START_FAILED"
    assert "nonsense" in caught.value.message


@pytest.mark.parametrize(
    "machine", [Machine("linux", "riscv64"), Machine("freebsd", "amd64"), Machine("windows", "arm64")]
)
async def test_a_machine_without_a_wheel_is_unsupported(tmp_path: Path, machine: Machine) -> None:
    with pytest.raises(Misconfigured) as caught:
        await embedded.start_embedded_mongo(tmp_path / "never", machine=machine)
    assert caught.value.code == "MONGO_UNSUPPORTED_PLATFORM"
    assert machine.processor in caught.value.message
    assert "DISCRETION_MONGO_URL" in caught.value.advice
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize(
    ("exit_code", "line", "advice"),
    [
        (127, "error while loading shared libraries: libcrypto.so.3: cannot open", "OpenSSL 3"),
        (-4, "", "AVX"),
        (62, '{"s":"F","msg":"Wrong version","attr":{"error":"..."}}', "another"),
        (100, '{"s":"E","msg":"Write failed","attr":{"error":"No space left on device"}}', "disk is full"),
        (None, '{"s":"I","msg":"Still recovering"}', "mongod.log"),
    ],
)
def test_the_cause_of_a_failed_start_comes_with_advice(exit_code: int | None, line: str, advice: str) -> None:
    fault = mongod.build_start_error(exit_code, [line] if line else [])
    assert fault.code == "MONGO_START_FAILED"
    assert advice.lower() in fault.advice.lower()
