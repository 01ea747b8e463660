"""The erasure ledger is durable and ordered, and detects every manipulation."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from discretion.domain.erasure.erasure_ledger import ErasureEntry, ErasureLedger
from discretion.errors import Misconfigured, Unavailable

ROOT_KEY = bytes(range(32))


def build_entry(number: int) -> ErasureEntry:
    """Build the entry of one of many erasures."""
    identifier = number.to_bytes(16)
    return ErasureEntry(
        identifier, 1_700_000_000_000 + number, (identifier, identifier[::-1]), (identifier,), (identifier,)
    )


@pytest.fixture
def ledger(tmp_path: Path) -> ErasureLedger:
    """An empty ledger."""
    return ErasureLedger(tmp_path / "erasures" / "ledger.jsonl", ROOT_KEY)


async def test_entries_are_read_in_the_order_they_were_appended(ledger: ErasureLedger) -> None:
    """Any instance reads them; a new ledger is empty, and its file is private."""
    assert list(ledger.read_entries()) == []
    for number in range(3):
        await ledger.append_entry(build_entry(number))
    assert list(ErasureLedger(ledger.path, ROOT_KEY).read_entries()) == [
        build_entry(number) for number in range(3)
    ]
    assert ledger.path.stat().st_mode & 0o077 == 0


async def test_an_erasure_is_recorded_once(ledger: ErasureLedger) -> None:
    """However often and by whichever instance it is appended."""
    other = ErasureLedger(ledger.path, ROOT_KEY)
    for instance in (ledger, other, ledger, ErasureLedger(ledger.path, ROOT_KEY)):
        await instance.append_entry(build_entry(1))
    await other.append_entry(build_entry(2))
    await ledger.append_entry(build_entry(2))
    assert list(ledger.read_entries()) == [build_entry(1), build_entry(2)]


def _append_twenty(path: Path, first: int) -> None:
    async def append_entries() -> None:
        ledger = ErasureLedger(path, ROOT_KEY)
        for number in range(first, first + 20):
            await ledger.append_entry(build_entry(number))

    asyncio.run(append_entries())


async def test_concurrent_processes_keep_the_chain(ledger: ErasureLedger) -> None:
    """No entry is lost or torn."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_append_twenty, args=(ledger.path, first)) for first in (0, 100)]
    for process in processes:
        process.start()
    own_appends = asyncio.gather(*(ledger.append_entry(build_entry(number)) for number in range(200, 220)))
    await own_appends
    for process in processes:
        await asyncio.to_thread(process.join, 60)
        assert process.exitcode == 0
    expected = {build_entry(first + number) for first in (0, 100, 200) for number in range(20)}
    assert set(ledger.read_entries()) == expected


async def test_a_partly_written_line_is_replaced(ledger: ErasureLedger) -> None:
    """Its entry was never acknowledged; the next append removes it."""
    await ledger.append_entry(build_entry(1))
    complete_lines = ledger.path.read_bytes()
    await ledger.append_entry(build_entry(2))
    line = ledger.path.read_bytes()[len(complete_lines) :]
    for length in (1, len(line) // 2, len(line) - 1):
        ledger.path.write_bytes(complete_lines + line[:length])
        reopened = ErasureLedger(ledger.path, ROOT_KEY)
        assert list(reopened.read_entries()) == [build_entry(1)]
        await reopened.append_entry(build_entry(3))
        assert list(reopened.read_entries()) == [build_entry(1), build_entry(3)]


def _swap_lines(lines: list[bytes]) -> list[bytes]:
    return [lines[1], lines[0], lines[2]]


def _change_line(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1].replace(b'"at":17', b'"at":16'), lines[2]]


@pytest.mark.parametrize(
    "tamper",
    [
        _swap_lines,
        _change_line,
        lambda lines: lines[1:],
        lambda lines: [lines[0], lines[2]],
        lambda lines: [lines[0], lines[0], *lines[1:]],
        lambda lines: [lines[0], b"{}\n", *lines[1:]],
        lambda lines: [lines[0], b"\n", *lines[1:]],
        lambda lines: [lines[0], b"[1]\n", *lines[1:]],
    ],
    ids=["swapped", "changed", "first cut", "cut out", "repeated", "empty", "blank", "no object"],
)
async def test_a_manipulated_line_is_detected(
    ledger: ErasureLedger, tamper: Callable[[list[bytes]], list[bytes]]
) -> None:
    """The attack makes the platform forget that a person must stay erased."""
    for number in range(3):
        await ledger.append_entry(build_entry(number))
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join(tamper(lines)))
    reopened = ErasureLedger(ledger.path, ROOT_KEY)
    with pytest.raises(Misconfigured) as refusal:
        list(reopened.read_entries())
    assert refusal.value.code == "ERASURE_LEDGER_BROKEN"
    with pytest.raises(Misconfigured):
        await reopened.append_entry(build_entry(9))


async def test_a_truncated_ledger_is_not_written_to(ledger: ErasureLedger) -> None:
    """The process that appended remembers what the file contained."""
    for number in range(3):
        await ledger.append_entry(build_entry(number))
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(lines[0])
    with pytest.raises(Misconfigured):
        await ledger.append_entry(build_entry(3))


async def test_a_ledger_of_another_installation_is_refused(ledger: ErasureLedger) -> None:
    """Its entries are authenticated with another key."""
    await ledger.append_entry(build_entry(1))
    with pytest.raises(Misconfigured):
        list(ErasureLedger(ledger.path, os.urandom(32)).read_entries())


async def test_a_ledger_that_cannot_be_written_stops_the_erasure(ledger: ErasureLedger) -> None:
    """The step is retried later; no erasure is reported as completed before it is recorded."""
    ledger.path.mkdir(parents=True)
    with pytest.raises(Unavailable) as refusal:
        await ledger.append_entry(build_entry(1))
    assert refusal.value.code == "ERASURE_LEDGER_UNAVAILABLE"
