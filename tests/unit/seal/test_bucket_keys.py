"""Bucket keys: what was destroyed stays shut, and many processes have the same."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from discretion.errors import Broken, Misconfigured, Unavailable
from discretion.seal import bucket_keys as buckets_module
from discretion.seal import file_lock as lock_module
from discretion.seal.bucket_keys import Buckets, span, watching
from discretion.seal.file_lock import Turnstile
from discretion.seal.key_ring import Bucket, Ring, RingFile
from discretion.seal.open import Openers

ROOT, DATA_KEY = bytes(range(32)), bytes(range(1, 33))
ANN, BOB = b"\0\0\0\1" + b"a" * 12, b"\0\0\0\2" + b"b" * 12
NOW = 1_700_000_000_000


def kept(folder: Path) -> Buckets:
    """The same keys in another process."""
    return Buckets.keep(folder / "keys" / "buckets.keys", ROOT, 8, os.urandom)


@pytest.fixture
def buckets(tmp_path: Path) -> Buckets:
    """Eight of them."""
    return kept(tmp_path)


async def replaced(buckets: Buckets, *customers: bytes) -> None:
    """Give the buckets of customers new keys and destroy the ones before."""
    wanted = {buckets.bucket(one) for one in customers}
    await buckets.publish(wanted)
    await buckets.destroy(wanted, NOW)


def code(call: Callable[[], object]) -> str:
    """What is refused."""
    with pytest.raises(Broken) as refusal:
        call()
    return refusal.value.code


async def test_both_keys_open_until_the_old_one_is_destroyed(buckets: Buckets, tmp_path: Path) -> None:
    """What was wrapped before is dead then, in every process that starts; the new stays."""
    before = buckets.wrap(ANN, DATA_KEY, os.urandom(12))
    other = buckets.wrap(BOB, DATA_KEY, os.urandom(12))
    await buckets.publish({buckets.bucket(ANN)})
    after = buckets.wrap(ANN, DATA_KEY, os.urandom(12))
    assert {kept(tmp_path).unwrap(ANN, one) for one in (before, after)} == {DATA_KEY}
    await buckets.destroy({buckets.bucket(ANN)}, NOW)
    again = kept(tmp_path)
    assert again.unwrap(ANN, after) == again.unwrap(BOB, other) == DATA_KEY
    assert code(lambda: again.unwrap(ANN, before)) == "KEY_DESTROYED"
    assert again.ring[1] == Bucket(2, again.ring[1].key, NOW)


async def test_another_process_opens_what_is_new_at_once_and_wraps_by_it(
    buckets: Buckets, tmp_path: Path
) -> None:
    """Nobody has to tell it."""
    other = kept(tmp_path)
    await replaced(buckets, ANN)
    assert other.unwrap(ANN, buckets.wrap(ANN, DATA_KEY, os.urandom(12))) == DATA_KEY
    await replaced(buckets, ANN)
    assert other.wrap(ANN, DATA_KEY, os.urandom(12))[3:7] == (3).to_bytes(4)


async def test_a_destroyed_key_lingers_for_a_moment_and_is_forgotten(
    buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who read a document before still opens it; then the key is gone, and what it opened is forgotten."""
    monkeypatch.setattr(buckets_module, "LINGER_S", 0.2)
    monkeypatch.setattr(buckets_module, "LOOK_EVERY_S", 0.02)
    other = kept(tmp_path)
    openers = Openers(other)
    wrapped = buckets.wrap(ANN, DATA_KEY, os.urandom(12))
    known = openers.of(ANN, wrapped)
    await replaced(buckets, ANN)
    async with watching(other):
        await asyncio.sleep(0.1)
        assert openers.of(ANN, wrapped) is not known
        await asyncio.sleep(0.3)
        assert code(lambda: openers.of(ANN, wrapped)) == "KEY_DESTROYED"
        assert (1, 1) not in other._ciphers


async def test_without_a_watch_a_destroyed_key_is_refused_in_time_too(
    buckets: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that runs for long does not keep what is dead."""
    monkeypatch.setattr(buckets_module, "LINGER_S", 0.05)
    wrapped = buckets.wrap(ANN, DATA_KEY, os.urandom(12))
    await replaced(buckets, ANN)
    assert buckets.unwrap(ANN, wrapped) == DATA_KEY
    await asyncio.sleep(0.06)
    assert code(lambda: buckets.unwrap(ANN, wrapped)) == "KEY_DESTROYED"


async def test_a_key_file_put_back_counts_at_once(buckets: Buckets, tmp_path: Path) -> None:
    """The same generation with another key is another key."""
    path = tmp_path / "keys" / "buckets.keys"
    other = Buckets.keep(tmp_path / "else" / "buckets.keys", ROOT, 8, os.urandom)
    there = other.wrap(ANN, DATA_KEY, os.urandom(12))
    assert code(lambda: buckets.unwrap(ANN, there)) == "KEY_BROKEN"
    path.write_bytes((tmp_path / "else" / "buckets.keys").read_bytes())
    buckets.look()
    assert buckets.unwrap(ANN, there) == DATA_KEY


async def test_the_bytes_of_a_destroyed_key_are_overwritten(buckets: Buckets, tmp_path: Path) -> None:
    """The attack: keep the file open, or find its blocks, after another took its name."""
    path = tmp_path / "keys" / "buckets.keys"
    with path.open("rb") as held:
        sealed = held.read()
        await buckets.publish({1})
        held.seek(0)
        assert held.read() == bytes(len(sealed))
    with path.open("rb") as held:
        await buckets.destroy({1}, NOW)
        assert held.read() == bytes(len(sealed))
    assert {one.suffix for one in path.parent.iterdir()} == {".keys", ".gate", ".lock"}


@pytest.mark.parametrize("cut", ["hardlink_to", "replace", "unlink"])
async def test_a_write_that_was_cut_short_is_finished_by_the_next(
    buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    """Whole or not at all, and nothing of the former file stays, nor is a live one overwritten."""
    path = tmp_path / "keys" / "buckets.keys"
    wrapped = buckets.wrap(BOB, DATA_KEY, os.urandom(12))

    def die(*_: object, **__: object) -> None:
        raise OSError(cut)

    with monkeypatch.context() as patched:
        patched.setattr(Path, cut, die)
        with pytest.raises(Unavailable):
            await buckets.publish({1})
    again = kept(tmp_path)
    assert again.unwrap(BOB, wrapped) == DATA_KEY
    await again.publish({1})
    await again.destroy({1}, NOW)
    assert kept(tmp_path).unwrap(BOB, wrapped) == DATA_KEY
    assert not path.with_name("buckets.keys.old").exists()


async def test_a_reader_meets_a_whole_file_however_often_it_is_written(buckets: Buckets) -> None:
    """Reading while it is replaced and overwritten gives one ring or the next."""
    done = asyncio.Event()

    async def write() -> None:
        for number in range(30):
            await buckets.publish({number % 8})
            await buckets.destroy({number % 8}, NOW)
        done.set()

    writing = asyncio.create_task(write())
    while not done.is_set():
        ring, _ = await asyncio.to_thread(buckets.file.read)
        assert ring.count == 8
    await writing


async def test_two_who_make_the_first_keys_at_once_have_the_same(tmp_path: Path) -> None:
    """Whoever comes second takes what is there."""
    path = tmp_path / "keys" / "buckets.keys"
    file = RingFile(path, ROOT, os.urandom)
    file.make(8)
    first = kept(tmp_path).wrap(ANN, DATA_KEY, os.urandom(12))
    file.make(8)
    assert kept(tmp_path).unwrap(ANN, first) == DATA_KEY
    assert [one.name for one in path.parent.iterdir() if one.suffix != ".keys"] == []


def test_a_ring_of_another_form_is_refused() -> None:
    """With what to do."""
    for content in (b"", b"\0" * 360, Ring.of([Bucket(1, ROOT)]).content[:-1]):
        with pytest.raises(Misconfigured, match="known form"):
            Ring(content)


async def test_a_span_has_the_keys_of_one_generation(buckets: Buckets) -> None:
    """By length and then by bytes, as MongoDB sorts them."""
    first = buckets.wrap(ANN, DATA_KEY, os.urandom(12))
    await buckets.publish({1})
    second = buckets.wrap(ANN, DATA_KEY, b"\xff" * 12)
    least, beyond = span(1, 1)
    assert len(least) == len(beyond) == len(first)
    assert least <= first < beyond <= second < span(1, 2)[1]


async def test_nothing_is_published_while_somebody_wraps(buckets: Buckets, tmp_path: Path) -> None:
    """In whatever process; when the transaction has ended, it is."""
    ends: dict[str, Callable[[], None]] = {}
    await kept(tmp_path).hold(ends)
    publishing = asyncio.create_task(buckets.publish({1}))
    await asyncio.sleep(0.05)
    assert not publishing.done()
    ends["buckets"]()
    await publishing
    assert buckets.ring[1].retiring == 1


async def test_who_wants_to_be_alone_is_not_starved(tmp_path: Path) -> None:
    """However many come and go without a pause, and they go on afterwards."""
    inside = [Turnstile(tmp_path / "one"), Turnstile(tmp_path / "one")]
    entered = 0
    stop = asyncio.Event()

    async def come_and_go(turnstile: Turnstile) -> None:
        nonlocal entered
        while not stop.is_set():
            leave = await turnstile.enter()
            entered += 1
            await asyncio.sleep(0.002)
            leave()

    crowd = [asyncio.create_task(come_and_go(one)) for one in inside for _ in range(20)]
    await asyncio.sleep(0.02)
    for _ in range(5):
        async with asyncio.timeout(2), Turnstile(tmp_path / "one").alone():
            before = entered
            await asyncio.sleep(0.01)
            assert entered == before
        await asyncio.sleep(0.01)
    assert entered > before
    stop.set()
    await asyncio.gather(*crowd)


async def test_a_transaction_that_hangs_does_not_keep_everybody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who wants to be alone gives up after a while, and others go in again."""
    monkeypatch.setattr(lock_module, "PATIENCE_S", 0.05)
    turnstile = Turnstile(tmp_path / "one")
    leave = await turnstile.enter()
    with pytest.raises(Unavailable) as refusal:
        async with Turnstile(tmp_path / "one").alone():
            pytest.fail("somebody is inside")
    assert refusal.value.code == "KEYS_BUSY"
    (await turnstile.enter())()
    leave()
    async with turnstile.alone():
        pass
