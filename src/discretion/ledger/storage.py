"""Where the ledger lies: append, and read back by person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from discretion.ledger.entry import Entry, parse
from discretion.store.driver.database import Database

COLLECTION = "disclosures"


class LedgerStorage:
    """The ``disclosures`` collection; entries go in whole and are never changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, entries: Sequence[Entry]) -> None:
        """Store entries; durable (majority, journaled) when this returns."""
        await self._database.insert_many(COLLECTION, [_document(entry) for entry in entries], ordered=False)

    async def of_subject(
        self, names: Sequence[bytes], before: tuple[int, str] | None, limit: int
    ) -> list[Entry]:
        """What is on record of a person under any of these names, newest first, older than ``before``."""
        wanted: dict[str, Any] = {"subjects": {"$in": list(names)}}
        if before is not None:
            at, receipt = before
            wanted["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": receipt}}]
        found = await self._database.find(
            COLLECTION, wanted, {"entry": 1}, sort=[("at", -1), ("_id", -1)], limit=limit
        )
        return [parse(document["entry"]) for document in found]


def _document(entry: Entry) -> dict[str, Any]:
    return {
        "_id": entry.receipt,
        "at": entry.at,
        "client": entry.client,
        "subjects": sorted(entry.subjects),
        "entry": entry.canonical(),
    }
