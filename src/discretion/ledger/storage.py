"""The ledger in MongoDB: entries are appended, and read back by person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from discretion.catalogue.attribute_register import Register
from discretion.errors import Conflict
from discretion.ledger.entry import LedgerEntry
from discretion.ledger.packed_entry import EntryPacker, encode_receipt, encode_receipt_time, list_pseudonyms
from discretion.ledger.positions import LANES, Watermarks, match_after, match_lane
from discretion.ledger.postings import PostingStore
from discretion.ledger.subject_names import SubjectWindow
from discretion.store.driver.database import Database

COLLECTION = "disclosures"
ENTRIES_AT_ONCE = 500
"""Entries without postings that are read with one batch."""


class _ReceiptRange(NamedTuple):
    """Receipts from ``low`` to below ``high``; None is no limit."""

    low: bytes | None
    high: bytes | None

    def contains(self, receipt: bytes) -> bool:
        return (self.low is None or self.low <= receipt) and (self.high is None or receipt < self.high)

    def build_query(self) -> dict[str, Any]:
        bounds = {"$gte": self.low, "$lt": self.high}
        condition = {operator: bound for operator, bound in bounds.items() if bound is not None}
        return {"_id": condition} if condition else {}


_PseudonymsByRange = Mapping[_ReceiptRange, frozenset[bytes]]


class LedgerStorage:
    """The ``disclosures`` collection. Entries are inserted whole and never changed.

    An entry about one person names the pseudonym beside the packed entry and is found by an index. An entry
    about several people has a position instead and is found through postings: an index over all people of a
    page would cost many times as much as the entry.

    Args:
        database: The database.
        register: The register of attribute numbers.
        entropy: Gives as many random bytes as it is asked for; chooses a lane.
    """

    def __init__(self, database: Database, register: Register, entropy: Callable[[int], bytes]) -> None:
        self._database = database
        self._packer = EntryPacker(register)
        self._postings = PostingStore(database)
        self._entropy = entropy
        self._next_position: int | None = None

    async def insert(self, entries: Sequence[LedgerEntry]) -> None:
        """Store entries; they are durable (majority, journaled) when this returns.

        Only one call may run at a time, as ``Ledger`` ensures.
        """
        documents = [self._build_document(entry) for entry in entries]
        while documents:
            about_several = [document for document in documents if "s" not in document]
            if not about_several:
                await self._database.insert_many(COLLECTION, documents, ordered=False)
                return
            await self._take_positions(about_several)
            try:
                # Ordered: whoever reads the lane sees no entry before those below it.
                await self._database.insert_many(COLLECTION, documents, ordered=True)
            except Conflict:
                # Another process writes to the lane too. It took the position of one of these entries; those
                # before it were stored.
                receipts = [document["_id"] for document in documents]
                listed = await self._database.find(COLLECTION, {"_id": {"$in": receipts}}, {"_id": 1})
                stored = {document["_id"] for document in listed}
                documents = [document for document in documents if document["_id"] not in stored]
            else:
                self._next_position = about_several[-1]["n"] + 1
                return

    def _build_document(self, entry: LedgerEntry) -> dict[str, Any]:
        document: dict[str, Any] = {
            "_id": encode_receipt(entry.receipt),
            "e": self._packer.pack_entry(entry),
        }
        if len(entry.subjects) == 1:
            (document["s"],) = entry.subjects
        return document

    async def _take_positions(self, documents: Sequence[dict[str, Any]]) -> None:
        """Set the next positions of the lane as ``n`` of documents that are about to be inserted."""
        position = self._next_position
        if position is None:
            position = await self._open_lane()
        # Until the write is known to have succeeded, nothing may follow it in this lane.
        self._next_position = None
        for offset, document in enumerate(documents):
            document["n"] = position + offset

    async def list_by_subject(
        self, subjects: Sequence[SubjectWindow], before: str | None, limit: int
    ) -> list[LedgerEntry]:
        """List the entries about a person under any of their pseudonyms, newest first.

        Args:
            subjects: The person's ledger pseudonyms, those of merged customers included, each with the time
                to which it is limited.
            before: Receipt of the last entry of the page before; None for the first page.
            limit: Length of a page.
        """
        upper = None if before is None else encode_receipt(before)
        pseudonyms_by_range = _group_by_range(subjects, upper)
        packed_by_receipt: dict[bytes, bytes] = {}
        for receipt_range, pseudonyms in pseudonyms_by_range.items():
            packed_by_receipt |= await self._find_single(pseudonyms, receipt_range, limit)
        # The watermarks are read first: what is posted while the entries after them are read is found twice,
        # never missed.
        state = await self._postings.read_state()
        packed_by_receipt |= await self._find_unposted(state.watermarks, pseudonyms_by_range, limit)
        receipts: set[bytes] = set()
        for receipt_range, pseudonyms in pseudonyms_by_range.items():
            posted = await self._postings.find_receipts(pseudonyms, receipt_range.high, limit)
            receipts.update(filter(receipt_range.contains, posted))
        page = sorted(receipts | packed_by_receipt.keys(), reverse=True)[:limit]
        to_read = [receipt for receipt in page if receipt not in packed_by_receipt]
        documents = await self._database.find(COLLECTION, {"_id": {"$in": to_read}}) if to_read else []
        packed_by_receipt.update((document["_id"], document["e"]) for document in documents)
        entries = [
            self._packer.unpack_entry(receipt, packed_by_receipt[receipt])
            for receipt in page
            if receipt in packed_by_receipt
        ]
        # An entry may be missing in a database that was restored in part.
        if len(page) == limit and len(entries) < limit:
            entries += await self.list_by_subject(subjects, page[-1].hex(), limit - len(entries))
        return entries

    async def _find_single(
        self, pseudonyms: Collection[bytes], receipt_range: _ReceiptRange, limit: int
    ) -> dict[bytes, bytes]:
        """Return the highest receipts of the entries about this person alone, with the packed entries."""
        query = {"s": {"$in": sorted(pseudonyms)}, **receipt_range.build_query()}
        documents = await self._database.find(COLLECTION, query, {"e": 1}, sort=[("_id", -1)], limit=limit)
        return {document["_id"]: document["e"] for document in documents}

    async def _find_unposted(
        self, watermarks: Watermarks, pseudonyms_by_range: _PseudonymsByRange, limit: int
    ) -> dict[bytes, bytes]:
        """Return the highest receipts of a person's entries after the watermarks, with the packed entries."""
        packed_by_receipt: dict[bytes, bytes] = {}
        batches = self._database.stream(
            COLLECTION, match_after(watermarks), {"e": 1}, batch_size=ENTRIES_AT_ONCE
        )
        async for batch in batches:
            for document in batch:
                receipt, packed = document["_id"], document["e"]
                if _names_any(receipt, packed, pseudonyms_by_range):
                    packed_by_receipt[receipt] = packed
            for receipt in sorted(packed_by_receipt, reverse=True)[limit:]:
                del packed_by_receipt[receipt]
        return packed_by_receipt

    async def _open_lane(self) -> int:
        """Choose a lane and return its next position."""
        lane = self._entropy(1)[0] % LANES
        last = await self._database.find_one(COLLECTION, {"n": match_lane(lane)}, {"n": 1}, sort=[("n", -1)])
        watermarks = (await self._postings.read_state()).watermarks
        # Never below the watermark, also if entries are missing in a restored database: nobody would look
        # for an entry there.
        return max(watermarks[lane], 0 if last is None else last["n"]) + 1


def _group_by_range(subjects: Sequence[SubjectWindow], before: bytes | None) -> _PseudonymsByRange:
    """Return the pseudonyms by the receipts to search: those of one range are searched together."""
    grouped: defaultdict[_ReceiptRange, set[bytes]] = defaultdict(set)
    for subject in subjects:
        low = None if subject.since is None else encode_receipt_time(subject.since)
        ends = [] if subject.until is None else [encode_receipt_time(subject.until + 1)]
        high = min([*ends, *([] if before is None else [before])], default=None)
        grouped[_ReceiptRange(low, high)].add(subject.pseudonym)
    return {receipt_range: frozenset(pseudonyms) for receipt_range, pseudonyms in grouped.items()}


def _names_any(receipt: bytes, packed: bytes, pseudonyms_by_range: _PseudonymsByRange) -> bool:
    """Return whether a stored entry is about one of these people and within their range."""
    named = None
    for receipt_range, pseudonyms in pseudonyms_by_range.items():
        if receipt_range.contains(receipt):
            named = list_pseudonyms(packed) if named is None else named
            if not pseudonyms.isdisjoint(named):
                return True
    return False
