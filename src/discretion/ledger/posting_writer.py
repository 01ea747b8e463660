"""Writes the postings of entries about several people behind, so that an answer does not wait for them.

A run reads the entries after the watermarks, writes their postings and then raises the watermarks. If the
process is killed in between, the next run, of any process, writes these postings again, which is harmless. A
lease spares several processes the same work, and under its fence only one of them raises the watermarks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from discretion.ledger.packed_entry import list_pseudonyms
from discretion.ledger.positions import Watermarks, match_after, raise_watermarks
from discretion.ledger.postings import Posting, PostingState, PostingStore, build_posting_writes
from discretion.ledger.storage import COLLECTION
from discretion.store.driver.database import Database

ENTRIES_PER_RUN = 1_000
LEASE_MS = 10_000
"""How long a run may take before another process repeats it."""


@dataclass(frozen=True, slots=True)
class UnpostedEntries:
    """The positions of entries without postings, and the postings they need."""

    positions: Sequence[int]
    postings: Sequence[Posting]


class PostingWriter:
    """Writes postings. Several may run, in one process or in many."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock
        self.store = PostingStore(database)

    async def run(self) -> bool:
        """Write the postings of a batch of entries, if no other writer does. Return whether it wrote some."""
        # Read before the lease: a server without traffic writes nothing.
        state = await self.store.read_state()
        if await self._database.find_one(COLLECTION, match_after(state.watermarks), {"_id": 1}) is None:
            return False
        leased = await self.take_lease()
        return leased is not None and await self.write(leased, await self.read_unposted(leased.watermarks))

    async def take_lease(self) -> PostingState | None:
        """Lease the work. Return its state, or None if another writer has the lease."""
        now = self._clock()
        return await self.store.take_lease(now, now + LEASE_MS)

    async def read_unposted(self, watermarks: Watermarks) -> UnpostedEntries:
        """Read a batch of the entries after the watermarks."""
        # In the order of their positions: of each lane, a batch has the lowest ones without a gap.
        documents = await self._database.find(
            COLLECTION, match_after(watermarks), sort=[("n", 1)], limit=ENTRIES_PER_RUN
        )
        return UnpostedEntries(
            [document["n"] for document in documents],
            [
                pseudonym + document["_id"]
                for document in documents
                for pseudonym in list_pseudonyms(document["e"])
            ],
        )

    async def write(self, leased: PostingState, entries: UnpostedEntries) -> bool:
        """Write the postings, then raise the watermarks. Return False if another writer took over."""
        operations, written = build_posting_writes(leased, entries.postings)
        await self.store.write_postings(operations)
        watermarks = raise_watermarks(leased.watermarks, entries.positions)
        return await self.store.finish_run(replace(written, watermarks=watermarks))
