"""The ``holds`` collection: orders of stewards to keep data of a customer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from discretion.store.document import Document, MutableDocument
from discretion.store.driver.database import Database, Session, build_delete, build_insert

COLLECTION = "holds"


@dataclass(frozen=True, slots=True)
class StoredHold:
    """A legal hold.

    Attributes:
        id: Random.
        customer: Whose data it keeps; None after their erasure.
        records: Source records that it names.
        events: Events that it names. If it names neither, it keeps everything.
        reason: Why.
        law: The provision of law.
        by: The steward.
        at: When (ms).
    """

    id: bytes
    customer: bytes | None = field(repr=False)
    records: frozenset[bytes] = field(repr=False)
    events: frozenset[bytes] = field(repr=False)
    reason: str
    law: str
    by: str
    at: int

    @property
    def keeps_everything(self) -> bool:
        """Whether it names neither records nor events."""
        return not self.records and not self.events


class LegalHoldStore:
    """Reads, adds and deletes legal holds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_all(self, customers: Collection[bytes], session: Session) -> list[StoredHold]:
        """List the holds on data of customers."""
        query = {"customer": {"$in": sorted(customers)}}
        return [parse_hold(hold) for hold in await self._database.find(COLLECTION, query, session=session)]

    async def add(self, hold: StoredHold, session: Session) -> None:
        """Add a hold in a transaction."""
        document = build_hold_document(hold)
        await self._database.bulk_write(COLLECTION, [build_insert(document)], session=session)

    async def delete(self, hold: bytes, session: Session) -> bool:
        """Delete a hold in a transaction; return whether there was one."""
        result = await self._database.bulk_write(COLLECTION, [build_delete({"_id": hold})], session=session)
        return result.deleted == 1


def parse_hold(document: Document) -> StoredHold:
    """Parse a stored hold."""
    return StoredHold(
        document["_id"],
        document.get("customer"),
        frozenset(document["records"]),
        frozenset(document["events"]),
        document["reason"],
        document["law"],
        document["by"],
        document["at"],
    )


def build_hold_document(hold: StoredHold) -> MutableDocument:
    """Build the stored document of a hold."""
    customer = {} if hold.customer is None else {"customer": hold.customer}
    return {
        "_id": hold.id,
        "records": sorted(hold.records),
        "events": sorted(hold.events),
        "reason": hold.reason,
        "law": hold.law,
        "by": hold.by,
        "at": hold.at,
        **customer,
    }
