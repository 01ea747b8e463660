"""Who saw whom is answered completely, whenever entries are appended and postings are written or cut off."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.catalogue.load import load_catalogue
from discretion.ledger import posting_writer, postings
from discretion.ledger.entry import LedgerEntry
from discretion.ledger.posting_writer import LEASE_MS, PostingWriter
from discretion.ledger.postings import POSTINGS, STATE, build_posting_writes
from discretion.ledger.storage import COLLECTION, LedgerStorage
from discretion.ledger.subject_names import SubjectWindow
from discretion.store.driver.connection import connect_database
from discretion.store.driver.database import Database
from discretion.store.schema.apply import apply_schema
from tests.properties.settings import PROPERTY_SETTINGS, LoopRunner

REGISTER = load_catalogue().register
PEOPLE = (bytes(16), bytes(15) + b"\x01", b"\x00" + b"\x07" * 15, b"\x05" * 16)
"""Three in one bucket; zeros also occur inside postings, at places where no posting begins."""
WRITERS = 3


@dataclass(frozen=True)
class Append:
    """Two writers append entries at the same time; each entry is about some people and has some time."""

    writers: tuple[int, int]
    entries: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Restart:
    """A writing process is killed, possibly before it learns that its last write was applied."""

    writer: int


@dataclass(frozen=True)
class Post:
    """Two processes write postings at the same time, while others read."""


@dataclass(frozen=True)
class CutOff:
    """A process is killed while it writes postings, after this many writes, then its lease ends."""

    writes: int


@dataclass(frozen=True)
class Stall:
    """A process writes postings so slowly that its lease ends and another one does the work first."""


writers = st.integers(0, WRITERS - 1)
steps = st.lists(
    st.builds(
        Append,
        writers=st.tuples(writers, writers),
        entries=st.lists(
            st.tuples(st.integers(0, 2 ** len(PEOPLE) - 1), st.integers(0, 3)), min_size=1, max_size=5
        ).map(tuple),
    )
    | st.builds(Restart, writers)
    | st.just(Post())
    | st.builds(CutOff, st.integers(0, 4))
    | st.just(Stall()),
    max_size=12,
)


@dataclass
class LedgerUnderTest:
    """A ledger, the entries that it acknowledged, and processes that write to it."""

    database: Database
    asked: Sequence[SubjectWindow]
    page_size: int
    now_ms: int = 1
    lane: int = 0
    acknowledged: list[LedgerEntry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.writers = [self.open_writer() for _ in range(WRITERS)]

    def open_writer(self) -> LedgerStorage:
        """Return a new process. All processes choose between two lanes."""
        self.lane += 1
        lane = self.lane % 2
        return LedgerStorage(self.database, REGISTER, lambda _: bytes([lane]))

    def open_posting_writer(self) -> PostingWriter:
        """Return a process that writes postings."""
        return PostingWriter(self.database, lambda: self.now_ms)

    async def take_step(self, step: Append | Restart | Post | CutOff | Stall) -> None:
        """Take one step of an example."""
        match step:
            case Append(writers=(first, second), entries=entries):
                built = [build_entry(people, at) for people, at in entries]
                parts = (built[::2], built[1::2])
                if first == second:
                    for part in parts:
                        await self.writers[first].insert(part)
                else:
                    await asyncio.gather(
                        self.writers[first].insert(parts[0]), self.writers[second].insert(parts[1])
                    )
                self.acknowledged += built
            case Restart(writer=writer):
                self.writers[writer] = self.open_writer()
            case Post():
                runs = [self.open_posting_writer().run() for _ in range(2)]
                await asyncio.gather(*runs, *(self.check() for _ in range(3)))
            case CutOff(writes=count):
                await self.cut_off(count)
            case Stall():
                await self.stall()

    async def cut_off(self, count: int) -> None:
        """Write some of the postings of a run and nothing else."""
        writer = self.open_posting_writer()
        leased = await writer.take_lease()
        assert leased is not None
        entries = await writer.read_unposted(leased.watermarks)
        operations, _ = build_posting_writes(leased, entries.postings)
        await writer.store.write_postings(operations[:count])
        self.now_ms += LEASE_MS + 1

    async def stall(self) -> None:
        """Let another process write the postings of a run between its reading and its writing."""
        slow = self.open_posting_writer()
        leased = await slow.take_lease()
        assert leased is not None
        entries = await slow.read_unposted(leased.watermarks)
        self.now_ms += LEASE_MS + 1
        overtaken = await self.open_posting_writer().run()
        assert await slow.write(leased, entries) is not overtaken

    async def check(self) -> None:
        """Compare all pages about some people with a search of every acknowledged entry."""
        expected = sorted(
            (entry for entry in self.acknowledged if any(is_within(entry, window) for window in self.asked)),
            key=lambda entry: entry.receipt,
            reverse=True,
        )
        listed: list[LedgerEntry] = []
        while page := await self.writers[0].list_by_subject(
            self.asked, listed[-1].receipt if listed else None, self.page_size
        ):
            listed += page
            assert len(page) == min(self.page_size, len(expected) - len(listed) + len(page))
        assert listed == expected
        assert [entry.canonical_bytes() for entry in listed] == [
            entry.canonical_bytes() for entry in expected
        ]


def is_within(entry: LedgerEntry, window: SubjectWindow) -> bool:
    """Return whether an entry is about a person, at a time to which the search is limited."""
    since, until = window.since or 0, entry.at if window.until is None else window.until
    return window.pseudonym in entry.subjects and since <= entry.at <= until


def build_entry(people: int, at: int) -> LedgerEntry:
    """Return an entry about the people of a bit set. The times of entries do not follow each other."""
    return LedgerEntry(
        receipt=f"{at:012x}{secrets.token_hex(10)}",
        at=at,
        client="shop",
        actor="ann",
        operation="Who",
        purposes=("functional.service",),
        attributes=(("contact.email", "clear"),),
        extra=(),
        subjects={person: 1 for index, person in enumerate(PEOPLE) if people >> index & 1},
    )


@pytest.fixture(scope="module")
def database(loop: LoopRunner, mongo_url: str) -> Iterator[Database]:
    """Yield a database for the examples of this module."""
    opened = loop.run(connect_database(mongo_url, f"ledger_{secrets.token_hex(6)}", "pymongo", []))
    loop.run(apply_schema(opened))
    try:
        yield opened
    finally:
        loop.run(opened.command({"dropDatabase": 1}))
        loop.run(opened.close())


bounds = st.none() | st.integers(0, 4)
windows = st.builds(SubjectWindow, st.sampled_from(PEOPLE), bounds, bounds)


@given(steps=steps, asked=st.sets(windows, min_size=1), page_size=st.integers(1, 4))
@settings(PROPERTY_SETTINGS)
def test_the_list_equals_a_search_of_all_entries(
    loop: LoopRunner,
    database: Database,
    steps: list[Append | Restart | Post | CutOff | Stall],
    asked: set[SubjectWindow],
    page_size: int,
) -> None:
    """After every step: nothing is missing, nothing twice, newest first, on pages of any size."""

    async def run() -> None:
        for collection in (COLLECTION, POSTINGS, STATE):
            await database.delete_many(collection, {})
        ledger = LedgerUnderTest(database, list(asked), page_size)
        for step in steps:
            await ledger.take_step(step)
            await ledger.check()
        ledger.now_ms += LEASE_MS + 1
        while await ledger.open_posting_writer().run():
            pass
        await ledger.check()
        state = await ledger.open_posting_writer().store.read_state()
        unposted = await ledger.open_posting_writer().read_unposted(state.watermarks)
        assert unposted.positions == []
        # However often runs are cut off, no document grows beyond its bound.
        sizes = [
            sum(map(len, part["c"])) // postings.POSTING_BYTES for part in await database.find(POSTINGS, {})
        ]
        assert max(sizes, default=0) <= postings.POSTINGS_PER_PART

    with pytest.MonkeyPatch.context() as patch:
        # Small bounds, so that a few entries fill documents, batches and runs.
        patch.setattr(postings, "POSTINGS_PER_PART", 2)
        patch.setattr(postings, "PARTS_AT_ONCE", 2)
        patch.setattr(posting_writer, "ENTRIES_PER_RUN", 3)
        loop.run(run())
