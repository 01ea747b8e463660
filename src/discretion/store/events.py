"""Reading a customer's timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from discretion.store.driver.database import Database

COLLECTION = "events"


class Events:
    """The ``events`` collection, for reading."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_customer(
        self,
        customer: bytes,
        since: Mapping[str, int],
        before: tuple[int, bytes] | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Newest first: events of the types in ``since``, each not older than its cut-off in ms."""
        wanted: dict[str, Any] = {
            "customer": customer,
            "$or": [
                {"type": {"$in": list(kinds)}, "at": {"$gte": at}} for at, kinds in _by_cut_off(since).items()
            ],
        }
        if before is not None:
            at, event = before
            wanted = {"$and": [wanted, {"$or": [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": event}}]}]}
        return await self._database.find(COLLECTION, wanted, sort=[("at", -1), ("_id", -1)], limit=limit)


def _by_cut_off(since: Mapping[str, int]) -> dict[int, Sequence[str]]:
    grouped: dict[int, list[str]] = {}
    for kind, at in since.items():
        grouped.setdefault(at, []).append(kind)
    return dict(grouped)
