"""The ``recipients`` and ``deliveries`` collections: webhooks of clients, and notifications for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session, build_update

RECIPIENTS, DELIVERIES = "recipients", "deliveries"


class DeliveryStore:
    """The ``recipients`` and ``deliveries`` collections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_webhooks(self, clients: Sequence[str] | None = None) -> list[MutableDocument]:
        """List the webhooks of these clients, or of all clients."""
        query = {} if clients is None else {"_id": {"$in": list(clients)}}
        return await self._database.find(RECIPIENTS, query, sort=[("_id", 1)])

    async def save_webhook(self, client: str, webhook: Mapping[str, Any]) -> None:
        """Save a client's webhook, replacing an earlier one."""
        await self._database.replace_one(RECIPIENTS, {"_id": client}, {"_id": client, **webhook}, upsert=True)

    async def delete_webhook(self, client: str) -> bool:
        """Delete a client's webhook, and return whether there was one."""
        return await self._database.delete_many(RECIPIENTS, {"_id": client}) == 1

    async def add(self, documents: Sequence[MutableDocument], session: Session) -> None:
        """Add deliveries in a transaction; a delivery that exists already stays unchanged."""
        # The workflow step that adds them can run again after a crash; a delivery must not be reset or sent
        # twice.
        await self._database.bulk_write(
            DELIVERIES,
            [
                build_update({"_id": delivery["_id"]}, {"$setOnInsert": _without_id(delivery)}, upsert=True)
                for delivery in documents
            ],
            session=session,
        )

    async def find(self, delivery: bytes) -> MutableDocument | None:
        """Return the delivery with this id."""
        return await self._database.find_one(DELIVERIES, {"_id": delivery})

    async def list_by_request(self, request: bytes) -> list[MutableDocument]:
        """List the deliveries of a request, sorted by client."""
        return await self._database.find(DELIVERIES, {"request": request}, sort=[("client", 1)])

    async def list_by_state(self, states: Sequence[str], limit: int) -> list[MutableDocument]:
        """List deliveries in these states, oldest first."""
        query = {"state": {"$in": list(states)}}
        return await self._database.find(DELIVERIES, query, sort=[("created", 1), ("_id", 1)], limit=limit)

    async def list_older_than(self, states: Sequence[str], created: int, limit: int) -> list[MutableDocument]:
        """List deliveries in these states that were created before a time (ms), oldest first."""
        query = {"state": {"$in": list(states)}, "created": {"$lt": created}}
        return await self._database.find(DELIVERIES, query, sort=[("created", 1)], limit=limit)

    async def list_by_client(self, client: str, states: Sequence[str]) -> list[MutableDocument]:
        """List a client's deliveries in these states."""
        return await self._database.find(DELIVERIES, {"client": client, "state": {"$in": list(states)}})

    async def list_due(self, now: int, limit: int) -> list[MutableDocument]:
        """List deliveries that are due for an attempt, the longest waiting first."""
        return await self._database.find(DELIVERIES, {"next": {"$lte": now}}, sort=[("next", 1)], limit=limit)

    async def claim_attempt(self, delivery: bytes, attempts: int, until: int) -> bool:
        """Count an attempt and keep other workers away until ``until`` (ms); return whether this worker won.

        The update matches the ``attempts`` that were read, so exactly one worker claims each attempt.
        """
        result = await self._database.update_one(
            DELIVERIES,
            # A delivery that was acknowledged since the read has no ``next`` any more, and must not be sent
            # again.
            {"_id": delivery, "attempts": attempts, "next": {"$exists": True}},
            {"$set": {"next": until}, "$inc": {"attempts": 1}},
        )
        return result.matched == 1

    async def update(
        self, delivery: bytes, states: Sequence[str], change: Mapping[str, Any], attempts: int | None = None
    ) -> bool:
        """Set members of a delivery in one of these states, and return whether it was in one.

        Args:
            delivery: Its id.
            states: The states in which it may be changed.
            change: Members to set; those that are None are removed.
            attempts: If given, the delivery must not have been attempted again since.
        """
        unset = {name: "" for name, value in change.items() if value is None}
        values = {name: value for name, value in change.items() if value is not None}
        same_attempts = {} if attempts is None else {"attempts": attempts}
        # The states are part of the filter. An acknowledgement that arrived during an attempt is final, and
        # the outcome of the attempt must not overwrite it.
        result = await self._database.update_one(
            DELIVERIES,
            {"_id": delivery, "state": {"$in": list(states)}, **same_attempts},
            {"$set": values, **({"$unset": unset} if unset else {})},
        )
        return result.matched == 1


def _without_id(document: MutableDocument) -> MutableDocument:
    return {name: value for name, value in document.items() if name != "_id"}
