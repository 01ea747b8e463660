"""The file of signing keys: created once, followed by all processes, and never half written."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from discretion.app import signing_keys
from discretion.app.signing_keys import SigningKeys, watch_signing_keys
from discretion.errors import Misconfigured
from discretion.seal.sealed_file import SealedFile
from discretion.token.key_schedule import PUBLICATION_MS, RETIREMENT_MS, KeyState
from tests.fixtures.waiting import WAIT_S
from tests.unit.token.forged_tokens import NOW, Clock

ROOT = bytes(range(32))
ROTATE_FOR_EVER = """
import asyncio, os, sys
from pathlib import Path
from discretion.app.signing_keys import SigningKeys
now = [int(sys.argv[2])]
keys = SigningKeys.open_or_create(Path(sys.argv[1]), bytes(range(32)), lambda: now[0], os.urandom)
async def run():
    while True:
        now[0] = keys.list_statuses()[-1].until or now[0]
        await keys.destroy_retired()
        print((await keys.rotate()).kid, flush=True)
        now[0] += 86_400_000
asyncio.run(run())
"""
"""Rotates again and again, each time as if a day had passed, and prints the id of each new key."""


def open_keys(folder: Path, clock: Clock | None = None) -> SigningKeys:
    """Open or create the keys in a folder."""
    path = folder / "keys" / "signing.keys"
    return SigningKeys.open_or_create(path, ROOT, clock or Clock(), os.urandom)


def list_kids(keys: SigningKeys) -> list[str]:
    """Return the key ids, oldest first."""
    return [status.kid for status in keys.list_statuses()]


async def wait_until(holds: Callable[[], bool]) -> None:
    """Give other tasks time until a condition holds."""
    while True:
        if holds():
            return
        await asyncio.sleep(0.01)


def test_processes_that_start_at_once_share_the_first_key(tmp_path: Path) -> None:
    """Whichever creates the file, all of them read the same one, and no draft stays behind."""
    for number in range(20):
        folder, barrier = tmp_path / str(number), Barrier(3)

        def start(folder: Path = folder, barrier: Barrier = barrier) -> str:
            barrier.wait()
            return open_keys(folder).select().active.verifying.kid

        with ThreadPoolExecutor(3) as pool:
            kids = {future.result() for future in [pool.submit(start) for _ in range(3)]}
        assert len(kids) == 1
        assert [entry.name for entry in (folder / "keys").iterdir()] == ["signing.keys"]


async def test_a_rotation_is_seen_by_other_processes_without_a_restart(tmp_path: Path) -> None:
    """The other process publishes the key at its next look at the file, and tells its listeners."""
    mine, other = open_keys(tmp_path), open_keys(tmp_path)
    changes: list[bool] = []
    other.add_listener(lambda: changes.append(True))
    new_key = await mine.rotate()
    assert new_key.state is KeyState.PUBLISHED
    async with asyncio.timeout(WAIT_S), watch_signing_keys(other):
        await wait_until(lambda: bool(changes))
    assert [jwk["kid"] for jwk in other.select().public_jwks()["keys"]] == list_kids(mine)
    assert not other.reload_if_changed()


async def test_the_keys_follow_the_clock(tmp_path: Path) -> None:
    """Nothing has to run when a key begins to sign, and nothing when it retires."""
    clock = Clock()
    keys = open_keys(tmp_path, clock)
    await keys.rotate()
    first, second = list_kids(keys)
    assert keys.select().active.verifying.kid == first
    clock.ms += PUBLICATION_MS
    assert keys.select().active.verifying.kid == second
    clock.ms += RETIREMENT_MS
    assert list(keys.select().verifying) == [second]
    assert [jwk["kid"] for jwk in keys.receipt_jwks()["keys"]] == [first, second]


async def test_rotations_at_once_are_one(tmp_path: Path) -> None:
    """In any number of processes and tasks."""
    several = [open_keys(tmp_path) for _ in range(4)]
    results = await asyncio.gather(*(keys.rotate() for keys in several for _ in range(3)))
    assert len({status.kid for status in results}) == 1
    assert len(list_kids(open_keys(tmp_path))) == 2


async def test_a_server_destroys_the_private_part_of_a_retired_key(tmp_path: Path) -> None:
    """The bytes of the file before are overwritten too."""
    clock = Clock()
    keys = open_keys(tmp_path, clock)
    await keys.rotate()
    clock.ms += PUBLICATION_MS + RETIREMENT_MS
    path = tmp_path / "keys" / "signing.keys"
    second_name = tmp_path / "before"
    second_name.hardlink_to(path)
    async with asyncio.timeout(WAIT_S), watch_signing_keys(keys):
        # The file is replaced before its earlier version is overwritten.
        await wait_until(lambda: not second_name.read_bytes().strip(b"\0"))
    assert not path.samefile(second_name)
    stamp = path.stat()
    await keys.destroy_retired()
    assert path.stat() == stamp


async def test_a_file_that_cannot_be_read_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server signs on with the keys that it has, and logs the code."""
    monkeypatch.setattr(signing_keys, "POLL_S", 0.01)
    keys = open_keys(tmp_path)
    before = keys.select().active.verifying.kid
    SealedFile(tmp_path / "keys" / "signing.keys", ROOT, os.urandom).write(b"{}")
    async with asyncio.timeout(WAIT_S), watch_signing_keys(keys):
        await wait_until(lambda: "SIGNING_KEYS_DAMAGED" in caplog.text)
    assert keys.select().active.verifying.kid == before
    with pytest.raises(Misconfigured):
        open_keys(tmp_path)


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_all_keys_that_were_published(tmp_path: Path) -> None:
    """What a rotation has returned is on disk, and the file opens."""
    path = tmp_path / "keys" / "signing.keys"
    chance = random.Random(5)
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", ROTATE_FOR_EVER, str(path), str(NOW * 1000)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            published = [process.stdout.readline()]
            time.sleep(chance.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
            published += process.stdout
        kids = list_kids(open_keys(tmp_path))
        assert {line.strip() for line in published if line.endswith("\n")} <= set(kids)
