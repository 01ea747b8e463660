"""Group commit: concurrent entries share writes, and nobody gets a receipt before theirs is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from discretion.errors import Unavailable
from discretion.ledger import append
from discretion.ledger.append import Ledger
from discretion.ledger.entry import Entry


def entry(number: int) -> Entry:
    """An entry about nobody."""
    return Entry(f"{number:032x}", number, "c", "a", "", (), (), (), {})


@dataclass
class Disk:
    """Storage in which a write lasts until it is let through."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    fails: Callable[[], Exception | None] = lambda: None
    groups: list[list[str]] = field(default_factory=list)

    async def insert(self, entries: Sequence[Entry]) -> None:
        """Write, once the gate is open."""
        self.groups.append([one.receipt for one in entries])
        await self.gate.wait()
        if (failure := self.fails()) is not None:
            raise failure


async def turns(count: int = 5) -> None:
    """Let others run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_no_receipt_before_the_write_has_ended() -> None:
    """The receipt is the promise that the entry is on disk."""
    disk = Disk()
    waiting = asyncio.create_task(Ledger(disk).append(entry(1)))
    await turns()
    assert disk.groups
    assert not waiting.done()
    disk.gate.set()
    assert await waiting == entry(1).receipt


async def test_entries_that_come_during_a_write_share_the_next() -> None:
    """A thousand concurrent requests cost a few writes, in the order they came."""
    disk = Disk()
    ledger = Ledger(disk)
    first = asyncio.create_task(ledger.append(entry(0)))
    await turns()
    others = [asyncio.create_task(ledger.append(entry(number))) for number in range(1, 1000)]
    await turns()
    disk.gate.set()
    receipts = await asyncio.gather(first, *others)
    assert receipts == [entry(number).receipt for number in range(1000)]
    assert [one for group in disk.groups for one in group] == receipts
    assert len(disk.groups) == 1 + -(-999 // append.MAX_GROUP)
    assert max(map(len, disk.groups)) <= append.MAX_GROUP


async def test_a_failed_write_fails_its_group_and_nothing_else() -> None:
    """Each of them gets an error of its own; the next entry is written."""
    failures: list[Exception | None] = [OSError("disk on fire"), None]
    disk = Disk(fails=lambda: failures.pop(0))
    disk.gate.set()
    ledger = Ledger(disk)
    group = await asyncio.gather(*(ledger.append(entry(n)) for n in range(3)), return_exceptions=True)
    assert [one.code for one in group if isinstance(one, Unavailable)] == ["LEDGER_UNAVAILABLE"] * 3
    assert "fire" not in str(group[0])
    assert await ledger.append(entry(9)) == entry(9).receipt


async def test_a_write_that_hangs_is_given_up() -> None:
    """A caller waits so long and no longer; then there is no receipt."""
    disk = Disk()
    ledger = Ledger(disk, max_wait_s=0.05)
    with pytest.raises(Unavailable):
        await ledger.append(entry(1))
    disk.gate.set()
    assert await ledger.append(entry(2)) == entry(2).receipt


async def test_more_than_can_wait_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that cannot keep up does not fill the memory."""
    monkeypatch.setattr(append, "MAX_WAITING", 3)
    disk = Disk()
    ledger = Ledger(disk)
    writing = asyncio.create_task(ledger.append(entry(0)))
    await turns()
    waiting = [asyncio.create_task(ledger.append(entry(n))) for n in range(1, 4)]
    await turns()
    with pytest.raises(Unavailable):
        await ledger.append(entry(4))
    disk.gate.set()
    assert len(await asyncio.gather(writing, *waiting)) == 4


async def test_a_caller_who_goes_away_takes_nobody_with_them() -> None:
    """Their entry is written all the same: perhaps they have seen the answer."""
    disk = Disk()
    ledger = Ledger(disk)
    first, second, third = (asyncio.create_task(ledger.append(entry(n))) for n in range(3))
    await turns()
    first.cancel()
    second.cancel()
    await turns()
    disk.gate.set()
    assert await third == entry(2).receipt
    assert [one for group in disk.groups for one in group] == [entry(n).receipt for n in range(3)]
