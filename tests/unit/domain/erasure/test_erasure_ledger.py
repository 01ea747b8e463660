"""The erasure ledger: durable, in order, and whatever is done to it is noticed."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from discretion.domain.erasure.erasure_ledger import Erased, ErasureLedger
from discretion.errors import Misconfigured, Unavailable

ROOT = bytes(range(32))


def erased(number: int) -> Erased:
    """One of many."""
    name = number.to_bytes(16)
    return Erased(name, 1_700_000_000_000 + number, (name, name[::-1]), (name,), (name,))


@pytest.fixture
def ledger(tmp_path: Path) -> ErasureLedger:
    """An empty one."""
    return ErasureLedger(tmp_path / "erasures" / "ledger.jsonl", ROOT)


async def test_what_was_appended_is_read_in_order(ledger: ErasureLedger) -> None:
    """By whoever opens it; nothing is there before."""
    assert list(ledger.read()) == []
    for number in range(3):
        await ledger.append(erased(number))
    assert list(ErasureLedger(ledger.path, ROOT).read()) == [erased(number) for number in range(3)]
    assert ledger.path.stat().st_mode & 0o077 == 0


async def test_an_erasure_is_on_record_once(ledger: ErasureLedger) -> None:
    """However often and by whichever process it is appended."""
    other = ErasureLedger(ledger.path, ROOT)
    for one in (ledger, other, ledger, ErasureLedger(ledger.path, ROOT)):
        await one.append(erased(1))
    await other.append(erased(2))
    await ledger.append(erased(2))
    assert list(ledger.read()) == [erased(1), erased(2)]


def _append(path: Path, first: int) -> None:
    async def work() -> None:
        mine = ErasureLedger(path, ROOT)
        for number in range(first, first + 20):
            await mine.append(erased(number))

    asyncio.run(work())


async def test_processes_that_append_at_once_keep_the_chain(ledger: ErasureLedger) -> None:
    """Nothing is lost and nothing is torn."""
    fresh = multiprocessing.get_context("spawn")
    processes = [fresh.Process(target=_append, args=(ledger.path, first)) for first in (0, 100)]
    for one in processes:
        one.start()
    _append_here = asyncio.gather(*(ledger.append(erased(number)) for number in range(200, 220)))
    await _append_here
    for one in processes:
        await asyncio.to_thread(one.join, 60)
        assert one.exitcode == 0
    wanted = {erased(first + number) for first in (0, 100, 200) for number in range(20)}
    assert set(ledger.read()) == wanted


async def test_a_line_that_was_cut_off_while_it_was_written_is_written_again(ledger: ErasureLedger) -> None:
    """It was never acknowledged; the next append removes it."""
    await ledger.append(erased(1))
    whole = ledger.path.read_bytes()
    await ledger.append(erased(2))
    line = ledger.path.read_bytes()[len(whole) :]
    for length in (1, len(line) // 2, len(line) - 1):
        ledger.path.write_bytes(whole + line[:length])
        again = ErasureLedger(ledger.path, ROOT)
        assert list(again.read()) == [erased(1)]
        await again.append(erased(3))
        assert list(again.read()) == [erased(1), erased(3)]


def _swapped(lines: list[bytes]) -> list[bytes]:
    return [lines[1], lines[0], lines[2]]


def _changed(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1].replace(b'"at":17', b'"at":16'), lines[2]]


@pytest.mark.parametrize(
    "tamper",
    [
        _swapped,
        _changed,
        lambda lines: lines[1:],
        lambda lines: [lines[0], lines[2]],
        lambda lines: [lines[0], lines[0], *lines[1:]],
        lambda lines: [lines[0], b"{}\n", *lines[1:]],
        lambda lines: [lines[0], b"\n", *lines[1:]],
        lambda lines: [lines[0], b"[1]\n", *lines[1:]],
    ],
    ids=["swapped", "changed", "first cut", "cut out", "repeated", "empty", "blank", "no object"],
)
async def test_whatever_is_done_to_a_line_is_noticed(
    ledger: ErasureLedger, tamper: Callable[[list[bytes]], list[bytes]]
) -> None:
    """The attack: make the platform forget that somebody must stay erased."""
    for number in range(3):
        await ledger.append(erased(number))
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join(tamper(lines)))
    again = ErasureLedger(ledger.path, ROOT)
    with pytest.raises(Misconfigured) as refusal:
        list(again.read())
    assert refusal.value.code == "ERASURE_LEDGER_BROKEN"
    with pytest.raises(Misconfigured):
        await again.append(erased(9))


async def test_a_ledger_that_became_shorter_is_not_written_to(ledger: ErasureLedger) -> None:
    """The process that appended knows what was there."""
    for number in range(3):
        await ledger.append(erased(number))
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(lines[0])
    with pytest.raises(Misconfigured):
        await ledger.append(erased(3))


async def test_a_ledger_of_another_installation_is_noticed(ledger: ErasureLedger) -> None:
    """Its key is another one."""
    await ledger.append(erased(1))
    with pytest.raises(Misconfigured):
        list(ErasureLedger(ledger.path, os.urandom(32)).read())


async def test_a_ledger_that_cannot_be_written_stops_the_erasure(ledger: ErasureLedger) -> None:
    """It is asked again later; nothing is called done that is not on record."""
    ledger.path.mkdir(parents=True)
    with pytest.raises(Unavailable) as refusal:
        await ledger.append(erased(1))
    assert refusal.value.code == "ERASURE_LEDGER_UNAVAILABLE"
