"""The ``messages`` collection: digests of messages without an event, so that a repetition counts once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from discretion.store.driver.database import Database, Session
from discretion.store.transactions import PendingWrite, plan_insert

COLLECTION = "messages"


# Not frozen: every message makes some, and a frozen object takes three times as long to make.
@dataclass(slots=True)
class MessageReceipt:
    """A received message: its digest, its source record, and when it was received (ms)."""

    digest: bytes
    record: bytes
    received: int


class MessageStore:
    """Reads and writes of message digests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_recorded(self, digests: Collection[bytes], session: Session) -> set[bytes]:
        """Return those of these digests that are stored."""
        documents = await self._database.find(
            COLLECTION, {"_id": {"$in": list(digests)}}, {"_id": 1}, session=session
        )
        return {document["_id"] for document in documents}

    def plan_add(self, receipt: MessageReceipt) -> PendingWrite:
        """Return the write that adds a digest."""
        return plan_insert(
            COLLECTION, {"_id": receipt.digest, "record": receipt.record, "t": receipt.received}
        )
