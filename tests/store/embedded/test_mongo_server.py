"""The MongoDB we bring along: comes up, goes away, and comes back after every kind of end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from discretion.errors import Misconfigured
from discretion.store.driver.database import Session, connect
from discretion.store.embedded import mongo_server as embedded
from discretion.store.embedded import mongod
from discretion.store.embedded.mongod import Machine

PARENT = """
import asyncio, sys
from pathlib import Path
from discretion.store import embedded, mongod
mongo = asyncio.run(embedded.start(Path(sys.argv[1]), machine=mongod.Machine(sys.argv[2], "x86_64")))
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
    database = await connect(url, "kept", "pymongo")
    await database.insert_many("things", [{"_id": number}])
    await database.close()


async def _read(url: str) -> list[int]:
    database = await connect(url, "kept", "pymongo")
    found = await database.find("things", {}, sort=[("_id", 1)])
    await database.close()
    return [one["_id"] for one in found]


def _lives(pid: int) -> bool:
    try:
        return b"mongod" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


async def _code_of_start(folder: Path, port: int = 0) -> str:
    with pytest.raises(Misconfigured) as caught:
        await embedded.start(folder, port=port)
    assert caught.value.advice
    return caught.value.code


async def test_two_side_by_side_do_not_collide(tmp_path: Path) -> None:
    """Nor does either give its folder or its port away while it runs."""
    one, two = await asyncio.gather(embedded.start(tmp_path / "one"), embedded.start(tmp_path / "two"))
    try:
        await asyncio.gather(_write(one.url, 1), _write(two.url, 2))
        assert (await _read(one.url), await _read(two.url)) == ([1], [2])
        assert os.getpgid(one.pid) != os.getpgid(0)  # Ctrl-C in our terminal is not for them
        assert await _code_of_start(tmp_path / "one") == "MONGO_FOLDER_IN_USE"
        assert await _code_of_start(tmp_path / "three", port=two.port) == "MONGO_PORT_TAKEN"
    finally:
        await asyncio.gather(one.stop(), two.stop())
    assert not _lives(one.pid)
    await one.stop()


async def test_what_was_acknowledged_is_there_after_every_end(tmp_path: Path) -> None:
    """A clean stop, a kill, a start given up half-way, another port."""
    async with embedded.running(tmp_path) as mongo:
        await _write(mongo.url, 1)
        first_port = mongo.port
    started = time.monotonic()
    mongo = await embedded.start(tmp_path)
    took = time.monotonic() - started
    assert mongo.port == first_port
    await _write(mongo.url, 2)
    os.kill(mongo.pid, signal.SIGKILL)
    await mongo.stop()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(embedded.start(tmp_path), 0.2)
    async with (
        await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", first_port),
        embedded.running(tmp_path) as mongo,
    ):
        assert mongo.port != first_port
        assert await _read(mongo.url) == [1, 2]
    assert took < 5  # well below 2 s on a machine that does nothing else


@pytest.mark.skipif(sys.platform != "linux", reason="tells processes by /proc")
@pytest.mark.parametrize("system", ["linux", "darwin"])
async def test_a_killed_process_leaves_nothing_in_the_way(tmp_path: Path, system: str) -> None:
    """Linux ends mongod with its parent. Elsewhere it lives on, until the next start finds it."""
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
    assert system == "linux" or _lives(pid)
    async with embedded.running(tmp_path) as mongo:
        assert not _lives(pid)
        await _write(mongo.url, 1)


async def test_a_transaction_of_a_killed_process_ends_before_others_give_up(tmp_path: Path) -> None:
    """MongoDB does not notice that nobody will go on with it, and keeps its locks while it may live."""
    async with embedded.running(tmp_path) as mongo:
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
        database = await connect(mongo.url, "kept", "pymongo")

        async def work(session: Session) -> None:
            await database.update_one("things", {"_id": 1}, {"$set": {"n": 2}}, session=session)

        await database.transaction(work)
        assert await database.find("things", {}) == [{"_id": 1, "n": 2}]
        await database.close()


async def test_a_process_that_only_has_the_number_of_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mongod.lock").write_text(f"{os.getpid()}\n")
    await embedded._stop_orphan(tmp_path / "data")


async def test_an_argument_mongod_does_not_know_is_told_as_it_tells_it(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        await embedded.start(tmp_path, extra_arguments=["--nonsense"])
    assert caught.value.code == "MONGO_START_FAILED"
    assert "nonsense" in caught.value.message


@pytest.mark.parametrize(
    "machine", [Machine("linux", "riscv64"), Machine("freebsd", "amd64"), Machine("windows", "arm64")]
)
async def test_a_machine_without_a_wheel_is_said_to_be_unsupported(tmp_path: Path, machine: Machine) -> None:
    with pytest.raises(Misconfigured) as caught:
        await embedded.start(tmp_path / "never", machine=machine)
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
def test_why_it_did_not_start_comes_with_what_to_do(exit_code: int | None, line: str, advice: str) -> None:
    fault = mongod.start_failed(exit_code, [line] if line else [])
    assert fault.code == "MONGO_START_FAILED"
    assert advice.lower() in fault.advice.lower()
