"""Reading a customer's timeline of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from discretion.store.document import MutableDocument, TimePosition
from discretion.store.driver.database import Database

COLLECTION = "events"


class EventStore:
    """Reads of the ``events`` collection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_by_customer(
        self,
        customer: bytes,
        since: Mapping[str, int],
        before: TimePosition | None,
        limit: int,
    ) -> list[MutableDocument]:
        """List a customer's events, newest first.

        Args:
            customer: The customer's id.
            since: The event types to list, each with the earliest time (ms) that its retention allows.
            before: ``(at, event id)`` of the last event of the page before.
            limit: Length of a page.
        """
        # Expired events stay in the collection until the next retention sweep, so every read excludes them.
        query: MutableDocument = {
            "customer": customer,
            "$or": [
                {"type": {"$in": list(event_types)}, "at": {"$gte": at}}
                for at, event_types in _group_by_cut_off(since).items()
            ],
        }
        if before is not None:
            at, event = before
            query = {"$and": [query, {"$or": [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": event}}]}]}
        return await self._database.find(COLLECTION, query, sort=[("at", -1), ("_id", -1)], limit=limit)


def _group_by_cut_off(since: Mapping[str, int]) -> dict[int, Sequence[str]]:
    grouped: dict[int, list[str]] = {}
    for event_type, at in since.items():
        grouped.setdefault(at, []).append(event_type)
    return dict(grouped)
