"""Group commit of the ledger: concurrent entries share writes, and a receipt follows a durable write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from discretion.errors import Unavailable
from discretion.ledger import append
from discretion.ledger.append import Ledger
from discretion.ledger.entry import LedgerEntry
from tests.fixtures.waiting import WAIT_S


def build_entry(number: int) -> LedgerEntry:
    """Return an entry without subjects."""
    return LedgerEntry(f"{number:032x}", number, "c", "a", "", (), (), (), {})


@dataclass
class BlockingStorage:
    """Storage in which a write waits until ``gate`` is open."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    next_failure: Callable[[], Exception | None] = lambda: None
    groups: list[list[str]] = field(default_factory=list)

    async def insert(self, entries: Sequence[LedgerEntry]) -> None:
        """Record the receipts of a group and return when the gate is open."""
        self.groups.append([entry.receipt for entry in entries])
        await self.gate.wait()
        if (failure := self.next_failure()) is not None:
            raise failure


async def run_other_tasks(count: int = 5) -> None:
    """Give other tasks turns of the event loop."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_receipt_is_given_only_after_the_write() -> None:
    """A receipt promises that the entry is on disk."""
    storage = BlockingStorage()
    append_task = asyncio.create_task(Ledger(storage).append(build_entry(1)))
    await run_other_tasks()
    assert storage.groups
    assert not append_task.done()
    storage.gate.set()
    assert await append_task == build_entry(1).receipt


async def test_entries_appended_during_a_write_share_the_next_write() -> None:
    """A thousand concurrent requests cost a few writes, in the order of their arrival."""
    storage = BlockingStorage()
    ledger = Ledger(storage)
    first_task = asyncio.create_task(ledger.append(build_entry(0)))
    await run_other_tasks()
    later_tasks = [asyncio.create_task(ledger.append(build_entry(number))) for number in range(1, 1000)]
    await run_other_tasks()
    storage.gate.set()
    receipts = await asyncio.gather(first_task, *later_tasks)
    assert receipts == [build_entry(number).receipt for number in range(1000)]
    assert [receipt for group in storage.groups for receipt in group] == receipts
    assert len(storage.groups) == 1 + -(-999 // append.MAX_GROUP)
    assert max(map(len, storage.groups)) <= append.MAX_GROUP


async def test_an_unexpected_error_fails_the_callers_that_wait() -> None:
    """A defect of the storage leaves nobody waiting, neither in its group nor in the next one."""
    failures: list[Exception | None] = [TypeError("a defect"), None]
    storage = BlockingStorage(next_failure=lambda: failures.pop(0))
    ledger = Ledger(storage)
    first = asyncio.create_task(ledger.append(build_entry(0)))
    await run_other_tasks()
    second = asyncio.create_task(ledger.append(build_entry(1)))
    await run_other_tasks()
    storage.gate.set()
    async with asyncio.timeout(WAIT_S):
        with pytest.raises(Unavailable, match="could not be recorded"):
            await first
        assert await second == build_entry(1).receipt


async def test_a_failed_write_fails_only_its_group() -> None:
    """Each entry of the group gets its own error; the next entry is written."""
    failures: list[Exception | None] = [OSError("disk on fire"), None]
    storage = BlockingStorage(next_failure=lambda: failures.pop(0))
    storage.gate.set()
    ledger = Ledger(storage)
    results = await asyncio.gather(*(ledger.append(build_entry(n)) for n in range(3)), return_exceptions=True)
    assert [result.code for result in results if isinstance(result, Unavailable)] == [
        "LEDGER_UNAVAILABLE"
    ] * 3
    assert "fire" not in str(results[0])
    assert await ledger.append(build_entry(9)) == build_entry(9).receipt


async def test_a_write_that_hangs_times_out() -> None:
    """A caller waits for ``max_wait_s`` at most and then gets no receipt."""
    storage = BlockingStorage()
    ledger = Ledger(storage, max_wait_s=0.05)
    with pytest.raises(Unavailable):
        await ledger.append(build_entry(1))
    storage.gate.set()
    assert await ledger.append(build_entry(2)) == build_entry(2).receipt


async def test_an_entry_is_refused_when_the_queue_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that is slower than its callers does not fill the memory."""
    monkeypatch.setattr(append, "MAX_PENDING", 3)
    storage = BlockingStorage()
    ledger = Ledger(storage)
    writing_task = asyncio.create_task(ledger.append(build_entry(0)))
    await run_other_tasks()
    waiting_tasks = [asyncio.create_task(ledger.append(build_entry(n))) for n in range(1, 4)]
    await run_other_tasks()
    with pytest.raises(Unavailable):
        await ledger.append(build_entry(4))
    storage.gate.set()
    assert len(await asyncio.gather(writing_task, *waiting_tasks)) == 4


async def test_a_cancelled_append_does_not_affect_others() -> None:
    """The cancelled caller's entry is written as well, because the caller may have seen the answer."""
    storage = BlockingStorage()
    ledger = Ledger(storage)
    first, second, third = (asyncio.create_task(ledger.append(build_entry(n))) for n in range(3))
    await run_other_tasks()
    first.cancel()
    second.cancel()
    await run_other_tasks()
    storage.gate.set()
    assert await third == build_entry(2).receipt
    assert [receipt for group in storage.groups for receipt in group] == [
        build_entry(n).receipt for n in range(3)
    ]
