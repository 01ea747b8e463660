"""Postings: which entries are about which of several people, in 256 buckets by a pseudonym's first byte.

A bucket is a series of documents of bounded size. Each is a packed list of postings, a pseudonym and the
receipt of an entry about that person. Postings are written behind (``posting_writer``); a posting that was
written twice counts once. They hold nothing that the entries do not hold, and like those no personal data:
after an erasure a pseudonym leads to nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from discretion.ledger.packed_entry import PSEUDONYM_BYTES, RECEIPT_BYTES
from discretion.ledger.positions import Watermarks, begin_watermarks
from discretion.store.driver.database import Database, WriteOperation, build_update
from discretion.store.lease import LeasedCollection

POSTINGS = "ledger_postings"
STATE = "ledger_posting_state"

BUCKETS = 256
POSTING_BYTES = PSEUDONYM_BYTES + RECEIPT_BYTES
POSTINGS_PER_PART = 512
"""Postings in one document of a bucket: 16 kB, which MongoDB rewrites whole when some are added."""
PARTS_SKIPPED = 1 << 12
"""More documents than one run adds to a bucket. After a run that was cut off, the next one skips as many,
so that it adds nothing to documents that already have postings of the other run."""
PARTS_AT_ONCE = 32
"""Documents of a bucket that are read with one query."""

Posting = bytes
"""A pseudonym, and after it the receipt of an entry about this person."""

_PART_BITS = 32
_STATE_ID = 0
_NO_RECEIPT = bytes(RECEIPT_BYTES)


@dataclass(frozen=True, slots=True)
class PostingState:
    """How far postings were written.

    Attributes:
        watermarks: The positions up to which every entry has its postings.
        highest: The highest receipt with postings.
        parts: For each bucket, the number of its last document and of the postings in it.
        fence: The number of the last lease on the work.
        finished: The number of the last lease under which a run was finished.
    """

    watermarks: Watermarks
    highest: bytes
    parts: tuple[tuple[int, int], ...]
    fence: int = 0
    finished: int = 0

    def skip_parts(self) -> PostingState:
        """Return the state for a run under this lease; documents of runs that were cut off are left."""
        if skipped := (self.fence - self.finished - 1) * PARTS_SKIPPED:
            return replace(self, parts=tuple((part + skipped, 0) for part, _ in self.parts))
        return self


FIRST_STATE = PostingState(begin_watermarks(), _NO_RECEIPT, ((0, 0),) * BUCKETS)


class PostingStore:
    """The collections ``ledger_postings`` and ``ledger_posting_state``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leases = LeasedCollection(database, STATE)

    async def read_state(self) -> PostingState:
        """Return how far postings were written."""
        document = await self._database.find_one(STATE, {"_id": _STATE_ID})
        return FIRST_STATE if document is None else _parse_state(document)

    async def take_lease(self, now: int, until: int) -> PostingState | None:
        """Lease the work until some time (ms). Return the state, or None if another writer has the lease."""
        first = {**_build_state(FIRST_STATE), "fence": 0, "until": 0, "next": 0}
        await self._database.update_one(STATE, {"_id": _STATE_ID}, {"$setOnInsert": first}, upsert=True)
        document = await self._leases.take(now, until, document_id=_STATE_ID)
        return None if document is None else _parse_state(document).skip_parts()

    async def finish_run(self, state: PostingState) -> bool:
        """Store the state after a run and end its lease. Return False if another writer took over."""
        finished = _build_state(replace(state, finished=state.fence))
        return await self._leases.save(_STATE_ID, state.fence, {**finished, "until": 0})

    async def write_postings(self, operations: Sequence[WriteOperation]) -> None:
        """Write postings; they are durable when this returns."""
        await self._database.bulk_write(POSTINGS, operations)

    async def find_receipts(
        self, pseudonyms: Collection[bytes], before: bytes | None, limit: int
    ) -> set[bytes]:
        """Return receipts of entries about a person.

        Among them are the ``limit`` highest below ``before``, or all if there are fewer.
        """
        receipts: set[bytes] = set()
        pseudonyms_by_bucket: dict[int, set[bytes]] = defaultdict(set)
        for pseudonym in pseudonyms:
            pseudonyms_by_bucket[pseudonym[0]].add(pseudonym)
        for bucket, bucket_pseudonyms in pseudonyms_by_bucket.items():
            receipts |= await self._search_bucket(bucket, bucket_pseudonyms, before, limit)
        return receipts

    async def _search_bucket(
        self, bucket: int, pseudonyms: Collection[bytes], before: bytes | None, limit: int
    ) -> set[bytes]:
        receipts: set[bytes] = set()
        below = bucket + 1 << _PART_BITS
        while True:
            query: dict[str, Any] = {"_id": {"$gte": bucket << _PART_BITS, "$lt": below}}
            if before is not None:
                query["l"] = {"$lt": before}
            parts = await self._database.find(POSTINGS, query, sort=[("_id", -1)], limit=PARTS_AT_ONCE)
            for part in parts:
                # ``h`` is not exceeded in any earlier document of the bucket either.
                if len(receipts) >= limit and sorted(receipts)[-limit] >= part["h"]:
                    return receipts
                receipts.update(_search_part(part, pseudonyms, before))
            if len(parts) < PARTS_AT_ONCE:
                return receipts
            below = parts[-1]["_id"]


def build_posting_writes(
    state: PostingState, postings: Sequence[Posting]
) -> tuple[list[WriteOperation], PostingState]:
    """Return the writes that add postings, and the state after them except for its watermarks."""
    receipts = {posting[PSEUDONYM_BYTES:] for posting in postings}
    # Bounds for all of a run: those of each document would be closer and cost more than they save.
    lowest, highest = min(receipts, default=_NO_RECEIPT), max(receipts | {state.highest})
    postings_by_bucket: dict[int, list[Posting]] = defaultdict(list)
    for posting in postings:
        postings_by_bucket[posting[0]].append(posting)
    parts, operations = list(state.parts), []
    for bucket, bucket_postings in sorted(postings_by_bucket.items()):
        part, size = parts[bucket]
        start = 0
        while start < len(bucket_postings):
            if size >= POSTINGS_PER_PART:
                part, size = part + 1, 0
            added = bucket_postings[start : start + POSTINGS_PER_PART - size]
            operations.append(
                build_update(
                    {"_id": bucket << _PART_BITS | part},
                    {"$push": {"c": b"".join(added)}, "$min": {"l": lowest}, "$max": {"h": highest}},
                    upsert=True,
                )
            )
            start, size = start + len(added), size + len(added)
        parts[bucket] = (part, size)
    return operations, replace(state, highest=highest, parts=tuple(parts))


def _search_part(
    part: Mapping[str, Any], pseudonyms: Collection[bytes], before: bytes | None
) -> Iterator[bytes]:
    """Yield the receipts below ``before`` that one document of a bucket has for a person."""
    for chunk in part["c"]:
        for pseudonym in pseudonyms:
            offset = chunk.find(pseudonym)
            while offset >= 0:
                # The same bytes may begin inside a posting by chance.
                if offset % POSTING_BYTES == 0:
                    receipt = chunk[offset + PSEUDONYM_BYTES : offset + POSTING_BYTES]
                    if before is None or receipt < before:
                        yield receipt
                offset = chunk.find(pseudonym, offset + 1)


def _build_state(state: PostingState) -> dict[str, Any]:
    sizes = b"".join(part.to_bytes(4, "big") + size.to_bytes(4, "big") for part, size in state.parts)
    return {"w": list(state.watermarks), "h": state.highest, "p": sizes, "f": state.finished}


def _parse_state(document: Mapping[str, Any]) -> PostingState:
    numbers = [int.from_bytes(document["p"][at : at + 4], "big") for at in range(0, len(document["p"]), 4)]
    return PostingState(
        watermarks=tuple(document["w"]),
        highest=document["h"],
        parts=tuple(zip(numbers[::2], numbers[1::2], strict=True)),
        fence=document["fence"],
        finished=document["f"],
    )
