"""Bucket keys: destroyed keys unwrap nothing, and all processes use the same keys."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from discretion.errors import Broken, Misconfigured, Unavailable
from discretion.seal import bucket_keys, file_lock
from discretion.seal.bucket_keys import GRACE_S, BucketKeys, wrapped_key_range
from discretion.seal.file_lock import SharedExclusiveLock
from discretion.seal.key_ring import BucketRecord, KeyRing, KeyRingFile
from tests.fixtures.waiting import WAIT_S

ROOT, DATA_KEY = bytes(range(32)), bytes(range(1, 33))
ANN, BOB = b"\0\0\0\1" + b"a" * 12, b"\0\0\0\2" + b"b" * 12
NOW = 1_700_000_000_000


def open_keys(folder: Path) -> BucketKeys:
    """Return the keys as another process reads them."""
    return BucketKeys.open_or_create(folder / "keys" / "buckets.keys", ROOT, 8, os.urandom)


@pytest.fixture
def buckets(tmp_path: Path) -> BucketKeys:
    """Return eight bucket keys."""
    return open_keys(tmp_path)


async def rotate_keys(buckets: BucketKeys, *customers: bytes) -> None:
    """Give the buckets of customers new keys and destroy the old ones."""
    bucket_numbers = {buckets.bucket_of(customer) for customer in customers}
    await buckets.publish_new_keys(bucket_numbers)
    await buckets.destroy_retiring_keys(bucket_numbers, NOW)


def find_refusal_code(call: Callable[[], object]) -> str:
    """Return the code with which a call is refused."""
    with pytest.raises(Broken) as refusal:
        call()
    return refusal.value.code


async def test_both_bucket_keys_unwrap_until_the_old_one_is_destroyed(
    buckets: BucketKeys, tmp_path: Path
) -> None:
    """After that no new process can unwrap with the old key; the new key stays."""
    wrapped_before = buckets.wrap(ANN, DATA_KEY, os.urandom(12))
    wrapped_for_bob = buckets.wrap(BOB, DATA_KEY, os.urandom(12))
    await buckets.publish_new_keys({buckets.bucket_of(ANN)})
    wrapped_after = buckets.wrap(ANN, DATA_KEY, os.urandom(12))
    assert {open_keys(tmp_path).unwrap(ANN, wrapped) for wrapped in (wrapped_before, wrapped_after)} == {
        DATA_KEY
    }
    await buckets.destroy_retiring_keys({buckets.bucket_of(ANN)}, NOW)
    reopened = open_keys(tmp_path)
    assert reopened.unwrap(ANN, wrapped_after) == reopened.unwrap(BOB, wrapped_for_bob) == DATA_KEY
    assert find_refusal_code(lambda: reopened.unwrap(ANN, wrapped_before)) == "KEY_DESTROYED"
    assert reopened.ring[1] == BucketRecord(2, reopened.ring[1].key, NOW)


async def test_another_process_uses_a_new_bucket_key_at_once(buckets: BucketKeys, tmp_path: Path) -> None:
    """The other process needs no notification."""
    other_process = open_keys(tmp_path)
    await rotate_keys(buckets, ANN)
    assert other_process.unwrap(ANN, buckets.wrap(ANN, DATA_KEY, os.urandom(12))) == DATA_KEY
    await rotate_keys(buckets, ANN)
    assert other_process.wrap(ANN, DATA_KEY, os.urandom(12))[3:7] == (3).to_bytes(4)


async def test_without_a_watcher_a_destroyed_key_is_refused_in_time(
    buckets: BucketKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that runs for a long time does not keep destroyed keys."""
    seconds = [0.0]
    monkeypatch.setattr(bucket_keys, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    wrapped = buckets.wrap(ANN, DATA_KEY, os.urandom(12))
    await rotate_keys(buckets, ANN)
    assert buckets.unwrap(ANN, wrapped) == DATA_KEY
    seconds[0] += GRACE_S
    assert find_refusal_code(lambda: buckets.unwrap(ANN, wrapped)) == "KEY_DESTROYED"


async def test_a_restored_key_file_is_used_at_once(buckets: BucketKeys, tmp_path: Path) -> None:
    """A different key of the same generation is read anew."""
    path = tmp_path / "keys" / "buckets.keys"
    other_keys = BucketKeys.open_or_create(tmp_path / "else" / "buckets.keys", ROOT, 8, os.urandom)
    foreign_wrapped = other_keys.wrap(ANN, DATA_KEY, os.urandom(12))
    assert find_refusal_code(lambda: buckets.unwrap(ANN, foreign_wrapped)) == "KEY_BROKEN"
    path.write_bytes((tmp_path / "else" / "buckets.keys").read_bytes())
    buckets.reload_if_changed()
    assert buckets.unwrap(ANN, foreign_wrapped) == DATA_KEY


async def test_the_bytes_of_a_destroyed_key_are_overwritten(buckets: BucketKeys, tmp_path: Path) -> None:
    """The attack: read the old file through an open handle or from its disk blocks."""
    path = tmp_path / "keys" / "buckets.keys"
    with path.open("rb") as key_file:
        sealed = key_file.read()
        await buckets.publish_new_keys({1})
        key_file.seek(0)
        assert key_file.read() == bytes(len(sealed))
    with path.open("rb") as key_file:
        await buckets.destroy_retiring_keys({1}, NOW)
        assert key_file.read() == bytes(len(sealed))
    assert {file.suffix for file in path.parent.iterdir()} == {".keys", ".gate", ".lock"}


@pytest.mark.parametrize("failing_call", ["hardlink_to", "replace", "unlink"])
async def test_an_interrupted_write_is_completed_by_the_next(
    buckets: BucketKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing_call: str
) -> None:
    """The write is atomic; nothing of the old file stays, and a file in use is not overwritten."""
    path = tmp_path / "keys" / "buckets.keys"
    wrapped = buckets.wrap(BOB, DATA_KEY, os.urandom(12))

    def fail(*_: object, **__: object) -> None:
        raise OSError(failing_call)

    with monkeypatch.context() as patched:
        patched.setattr(Path, failing_call, fail)
        with pytest.raises(Unavailable):
            await buckets.publish_new_keys({1})
    reopened = open_keys(tmp_path)
    assert reopened.unwrap(BOB, wrapped) == DATA_KEY
    await reopened.publish_new_keys({1})
    await reopened.destroy_retiring_keys({1}, NOW)
    assert open_keys(tmp_path).unwrap(BOB, wrapped) == DATA_KEY
    assert not path.with_name("buckets.keys.old").exists()


async def test_a_reader_always_gets_a_complete_key_file(buckets: BucketKeys) -> None:
    """A read during a replacement returns the old or the new key ring."""
    finished = asyncio.Event()

    async def write() -> None:
        for number in range(30):
            await buckets.publish_new_keys({number % 8})
            await buckets.destroy_retiring_keys({number % 8}, NOW)
        finished.set()

    writer = asyncio.create_task(write())
    while not finished.is_set():
        ring, _ = await asyncio.to_thread(buckets.file.read)
        assert ring.count == 8
    await writer


async def test_processes_that_create_the_first_keys_at_once_share_them(tmp_path: Path) -> None:
    """The second process uses the keys of the first."""
    path = tmp_path / "keys" / "buckets.keys"
    file = KeyRingFile(path, ROOT, os.urandom)
    file.create(8)
    wrapped = open_keys(tmp_path).wrap(ANN, DATA_KEY, os.urandom(12))
    file.create(8)
    assert open_keys(tmp_path).unwrap(ANN, wrapped) == DATA_KEY
    assert [entry.name for entry in path.parent.iterdir() if entry.suffix != ".keys"] == []


def test_a_key_ring_in_an_unknown_format_is_refused() -> None:
    """The error says what to do."""
    for content in (b"", b"\0" * 360, KeyRing.from_records(bytes(16), [BucketRecord(1, ROOT)]).content[:-1]):
        with pytest.raises(Misconfigured, match="known form"):
            KeyRing(content)


async def test_a_key_range_has_the_wrapped_keys_of_one_generation(buckets: BucketKeys) -> None:
    """MongoDB sorts binary values by length and then by bytes."""
    first = buckets.wrap(ANN, DATA_KEY, os.urandom(12))
    await buckets.publish_new_keys({1})
    second = buckets.wrap(ANN, DATA_KEY, b"\xff" * 12)
    lower_bound, upper_bound = wrapped_key_range(1, 1)
    assert len(lower_bound) == len(upper_bound) == len(first)
    assert lower_bound <= first < upper_bound <= second < wrapped_key_range(1, 2)[1]


async def test_no_key_is_published_during_a_transaction_that_wraps(
    buckets: BucketKeys, tmp_path: Path
) -> None:
    """The transaction may run in any process; the key is published when it has ended."""
    end_callbacks: dict[str, Callable[[], None]] = {}
    await open_keys(tmp_path).block_rotation(end_callbacks)
    publication = asyncio.create_task(buckets.publish_new_keys({1}))
    await asyncio.sleep(0.05)
    assert not publication.done()
    end_callbacks["buckets"]()
    await publication
    assert buckets.ring[1].retiring_generation == 1


async def test_an_exclusive_lock_is_not_starved_by_shared_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many tasks take shared locks without a pause, and they continue afterwards."""
    monkeypatch.setattr(file_lock, "EXCLUSIVE_TIMEOUT_S", WAIT_S)
    locks = [SharedExclusiveLock(tmp_path / "one"), SharedExclusiveLock(tmp_path / "one")]
    entry_count = 0
    stop = asyncio.Event()

    async def enter_repeatedly(lock: SharedExclusiveLock) -> None:
        nonlocal entry_count
        while not stop.is_set():
            release = await lock.acquire_shared()
            entry_count += 1
            await asyncio.sleep(0.002)
            release()

    readers = [asyncio.create_task(enter_repeatedly(lock)) for lock in locks for _ in range(20)]
    await asyncio.sleep(0.02)
    for _ in range(5):
        async with SharedExclusiveLock(tmp_path / "one").hold_exclusive():
            count_before = entry_count
            await asyncio.sleep(0.01)
            assert entry_count == count_before
        async with asyncio.timeout(WAIT_S):
            while entry_count == count_before:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    stop.set()
    await asyncio.gather(*readers)


async def test_a_shared_lock_that_hangs_blocks_no_other_shared_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exclusive lock times out, and shared locks are granted again."""
    monkeypatch.setattr(file_lock, "EXCLUSIVE_TIMEOUT_S", 0.05)
    lock = SharedExclusiveLock(tmp_path / "one")
    release = await lock.acquire_shared()
    with pytest.raises(Unavailable) as refusal:
        async with SharedExclusiveLock(tmp_path / "one").hold_exclusive():
            pytest.fail("the lock is held by another task")
    assert refusal.value.code == "KEYS_BUSY"
    (await lock.acquire_shared())()
    release()
    async with lock.hold_exclusive():
        pass
