"""The ``tracking_plan_violations`` collection: counts of what is wrong with messages, by source and day.

A kind of violation has names only once these may be shown; until then it has a keyed digest as its id, and
the digest of the first message, by which the second one is recognised.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from discretion.store.document import Document, MutableDocument, build_date
from discretion.store.driver.database import Database, WriteOperation, build_update

COLLECTION = "tracking_plan_violations"


@dataclass(frozen=True, slots=True)
class StoredViolation:
    """A kind of violation; ``event``, ``place`` and ``shape`` are empty where they must not be shown."""

    source: str
    day: str
    reason: str
    event: str = ""
    place: str = ""
    shape: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class ViolationCount:
    """How often a kind of violation occurred since the last write.

    Attributes:
        id: Keyed digest of the kind.
        message: Keyed digest of one of its messages.
        is_shown: Whether its names may be shown by these messages alone.
        expires: When MongoDB may delete it (ms since 1970).
    """

    id: bytes
    violation: StoredViolation
    count: int
    message: bytes
    is_shown: bool
    expires: int

    def add(self, count: int) -> ViolationCount:
        """Return the count with more occurrences."""
        return replace(self, count=self.count + count)


class TrackingPlanViolationStore:
    """Reads and adds to the counts of violations, which several processes write."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def select_admitted(
        self, source: str, day: str, ids: Collection[bytes], limit: int
    ) -> frozenset[bytes]:
        """Return those ids that are stored, and as many new ones as the limit of a source and day leaves."""
        stored = await self._database.find(COLLECTION, {"_id": {"$in": sorted(ids)}}, {"_id": 1})
        known_ids = {document["_id"] for document in stored}
        room = limit - await self._database.count(COLLECTION, {"source": source, "day": day}, limit)
        new_ids = sorted(identifier for identifier in ids if identifier not in known_ids)
        return frozenset(known_ids).union(new_ids[: max(0, room)])

    async def add(self, counts: Sequence[ViolationCount]) -> None:
        """Add counts to those that are stored."""
        operations = [operation for count in counts for operation in _build_operations(count)]
        # In order: the second operation of a count looks at what the first one wrote.
        await self._database.bulk_write(COLLECTION, operations, ordered=True)

    async def find_events(self, ids: Collection[bytes]) -> dict[bytes, str]:
        """Return the events of these kinds whose names may be shown, by kind."""
        documents = await self._database.find(
            COLLECTION, {"_id": {"$in": sorted(ids)}, "event": {"$exists": True}}, {"event": 1}
        )
        return {document["_id"]: document["event"] for document in documents}

    async def list_all(self, source: str | None, limit: int) -> list[StoredViolation]:
        """List violations, of one source if one is named: the latest day first, then the most frequent."""
        documents = await self._database.find(
            COLLECTION,
            {} if source is None else {"source": source},
            sort=[("day", -1), ("count", -1), ("_id", 1)],
            limit=limit,
        )
        return [parse_stored_violation(document) for document in documents]


def parse_stored_violation(document: Document) -> StoredViolation:
    """Parse a stored violation."""
    return StoredViolation(
        source=document["source"],
        day=document["day"],
        reason=document["reason"],
        event=document.get("event", ""),
        place=document.get("place", ""),
        shape=document.get("shape", ""),
        count=document["count"],
    )


def _build_operations(counted: ViolationCount) -> list[WriteOperation]:
    violation = counted.violation
    kind: MutableDocument = {
        "source": violation.source,
        "day": violation.day,
        "reason": violation.reason,
        "first": counted.message,
        "expires": build_date(counted.expires),
    }
    names = {"event": violation.event, "place": violation.place, "shape": violation.shape}
    seen_before = {} if counted.is_shown else {"first": {"$ne": counted.message}}
    return [
        build_update(
            {"_id": counted.id}, {"$inc": {"count": counted.count}, "$setOnInsert": kind}, upsert=True
        ),
        # Without upsert: one message alone stores no name.
        build_update({"_id": counted.id, "event": {"$exists": False}, **seen_before}, {"$set": names}),
    ]
