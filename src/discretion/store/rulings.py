"""The ``rulings`` collection: decisions of stewards and customers about which records are one person."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from discretion.store.document import Document, MutableDocument
from discretion.store.driver.database import Database, Session
from discretion.store.transactions import PendingWrite, plan_delete, plan_update

COLLECTION = "rulings"


@dataclass(frozen=True, slots=True)
class StoredRuling:
    """A decision of a steward, or a join by the customer.

    Attributes:
        id: Derived from its content.
        joined: Whether the records of all sides are one person, or records of different sides never are.
        sides: Ids of source records.
        by: The steward, or ``customer``.
        at: When (ms).
        reason: Why, as the steward states it, or what the customer has done; None of a separation.
    """

    id: bytes
    joined: bool
    sides: tuple[tuple[bytes, ...], ...]
    by: str
    at: int
    reason: str | None = None

    @property
    def records(self) -> set[bytes]:
        """Ids of all records of all sides."""
        return {record for side in self.sides for record in side}


class RulingStore:
    """Reads and writes of rulings."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_by_ids(
        self, rulings: Collection[bytes], session: Session | None = None
    ) -> list[StoredRuling]:
        """List the rulings with these ids that exist, by id."""
        documents = await self._database.find(
            COLLECTION, {"_id": {"$in": sorted(rulings)}}, sort=[("_id", 1)], session=session
        )
        return [parse_ruling(document) for document in documents]

    def plan_save(self, ruling: StoredRuling) -> PendingWrite:
        """Return the write that adds a ruling, or replaces the one with the same id."""
        document = build_ruling_document(ruling)
        return plan_update(COLLECTION, {"_id": document.pop("_id")}, {"$set": document}, upsert=True)

    def plan_delete(self, ruling: bytes) -> PendingWrite:
        """Return the write that deletes a ruling."""
        return plan_delete(COLLECTION, {"_id": ruling})


def parse_ruling(document: Document) -> StoredRuling:
    """Parse a stored ruling."""
    return StoredRuling(
        document["_id"],
        document["joined"],
        tuple(tuple(side) for side in document["sides"]),
        document["by"],
        document["at"],
        document.get("reason"),
    )


def build_ruling_document(ruling: StoredRuling) -> MutableDocument:
    """Build the stored document of a ruling."""
    return {
        "_id": ruling.id,
        "joined": ruling.joined,
        "sides": [list(side) for side in ruling.sides],
        "by": ruling.by,
        "at": ruling.at,
        **({} if ruling.reason is None else {"reason": ruling.reason}),
    }
