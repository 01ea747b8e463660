"""The ``recipients`` and ``deliveries`` collections: where clients want to be told, and of what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from discretion.store.driver.database import Database, Document, Session, update

RECIPIENTS, DELIVERIES = "recipients", "deliveries"


class Deliveries:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def webhooks(self, clients: Sequence[str] | None = None) -> list[Document]:
        """Where these clients want to be told, or all who registered."""
        wanted = {} if clients is None else {"_id": {"$in": list(clients)}}
        return await self._database.find(RECIPIENTS, wanted, sort=[("_id", 1)])

    async def register(self, client: str, told: Mapping[str, Any]) -> None:
        """Put a client's webhook in the place of the one it had."""
        await self._database.replace_one(RECIPIENTS, {"_id": client}, {"_id": client, **told}, upsert=True)

    async def unregister(self, client: str) -> bool:
        """Forget a client's webhook; whether it had one."""
        return await self._database.delete_many(RECIPIENTS, {"_id": client}) == 1

    async def add(self, documents: Sequence[Document], session: Session) -> None:
        """Add deliveries; one that is there already stays as it is."""
        await self._database.bulk_write(
            DELIVERIES,
            [
                update({"_id": one["_id"]}, {"$setOnInsert": _without_id(one)}, upsert=True)
                for one in documents
            ],
            session=session,
        )

    async def get(self, delivery: bytes) -> Document | None:
        """One delivery."""
        return await self._database.find_one(DELIVERIES, {"_id": delivery})

    async def of_request(self, request: bytes) -> list[Document]:
        """The deliveries of a request, by client."""
        return await self._database.find(DELIVERIES, {"request": request}, sort=[("client", 1)])

    async def in_state(self, states: Sequence[str], limit: int) -> list[Document]:
        """Deliveries in these states, the oldest first."""
        wanted = {"state": {"$in": list(states)}}
        return await self._database.find(DELIVERIES, wanted, sort=[("created", 1), ("_id", 1)], limit=limit)

    async def before(self, states: Sequence[str], created: int, limit: int) -> list[Document]:
        """Deliveries in these states that are older than a time (ms)."""
        wanted = {"state": {"$in": list(states)}, "created": {"$lt": created}}
        return await self._database.find(DELIVERIES, wanted, sort=[("created", 1)], limit=limit)

    async def of_client(self, client: str, states: Sequence[str]) -> list[Document]:
        """A client's deliveries in these states."""
        return await self._database.find(DELIVERIES, {"client": client, "state": {"$in": list(states)}})

    async def due(self, now: int, limit: int) -> list[Document]:
        """Deliveries to be tried now, the one that waited longest first."""
        return await self._database.find(DELIVERIES, {"next": {"$lte": now}}, sort=[("next", 1)], limit=limit)

    async def take(self, delivery: bytes, attempts: int, until: int) -> bool:
        """Count a try and keep others from one until a time; whether nobody else did first."""
        done = await self._database.update_one(
            DELIVERIES,
            {"_id": delivery, "attempts": attempts, "next": {"$exists": True}},
            {"$set": {"next": until}, "$inc": {"attempts": 1}},
        )
        return done.matched == 1

    async def turn(
        self, delivery: bytes, states: Sequence[str], change: Mapping[str, Any], attempts: int | None = None
    ) -> bool:
        """Set members, and unset those that are None, of a delivery in one of these states; whether it was.

        With ``attempts`` it must not have been tried again since.
        """
        gone = {name: "" for name, value in change.items() if value is None}
        kept = {name: value for name, value in change.items() if value is not None}
        still = {} if attempts is None else {"attempts": attempts}
        done = await self._database.update_one(
            DELIVERIES,
            {"_id": delivery, "state": {"$in": list(states)}, **still},
            {"$set": kept, **({"$unset": gone} if gone else {})},
        )
        return done.matched == 1


def _without_id(document: Document) -> Document:
    return {name: value for name, value in document.items() if name != "_id"}
