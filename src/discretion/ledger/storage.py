"""The ledger in MongoDB: entries are appended, and read back by person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from discretion.ledger.entry import LedgerEntry, parse_entry
from discretion.store.driver.database import Database
from discretion.store.paging import NEWEST_FIRST

COLLECTION = "disclosures"


class LedgerStorage:
    """The ``disclosures`` collection. Entries are inserted whole and never changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, entries: Sequence[LedgerEntry]) -> None:
        """Store entries; they are durable (majority, journaled) when this returns."""
        await self._database.insert_many(
            COLLECTION, [_build_document(entry) for entry in entries], ordered=False
        )

    async def list_by_subject(
        self, subjects: Sequence[bytes], before: tuple[int, str] | None, limit: int
    ) -> list[LedgerEntry]:
        """List the entries about a person under any of their pseudonyms, newest first.

        Args:
            subjects: The person's ledger pseudonyms, those of merged customers included.
            before: ``(at, receipt)`` of the last entry of the page before; None for the first page.
            limit: Length of a page.
        """
        query = NEWEST_FIRST.continue_after({"subjects": {"$in": list(subjects)}}, before)
        documents = await self._database.find(
            COLLECTION, query, {"entry": 1}, sort=NEWEST_FIRST.sort, limit=limit
        )
        return [parse_entry(document["entry"]) for document in documents]


def _build_document(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "_id": entry.receipt,
        "at": entry.at,
        "client": entry.client,
        "subjects": sorted(entry.subjects),
        "entry": entry.canonical_bytes(),
    }
