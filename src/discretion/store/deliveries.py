"""The ``recipients`` and ``deliveries`` collections: webhooks of clients, and notifications for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from discretion.store.document import MutableDocument, TimePosition
from discretion.store.driver.database import Database, Session, build_update
from discretion.store.lease import LeasedCollection
from discretion.store.paging import KeysetOrder

RECIPIENTS, DELIVERIES = "recipients", "deliveries"
OLDEST_FIRST = KeysetOrder("created", direction=1, id_direction=1)
"""By the time of creation."""


class DeliveryStore:
    """The ``recipients`` and ``deliveries`` collections."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.leases = LeasedCollection(database, DELIVERIES, take_counts=("attempts",))

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

    async def find(self, delivery: bytes, session: Session | None = None) -> MutableDocument | None:
        """Return the delivery with this id."""
        return await self._database.find_one(DELIVERIES, {"_id": delivery}, session=session)

    async def list_by_request(self, request: bytes, session: Session | None = None) -> list[MutableDocument]:
        """List the deliveries of a request, sorted by client."""
        return await self._database.find(
            DELIVERIES, {"request": request}, sort=[("client", 1)], session=session
        )

    async def list_unacknowledged(
        self, states: Sequence[str], position: TimePosition | None, limit: int
    ) -> list[MutableDocument]:
        """List deliveries in these states that nobody has acknowledged, oldest first.

        Args:
            states: Their states.
            position: Time and id of the last delivery of the page before.
            limit: Deliveries at most.
        """
        query: MutableDocument = {"state": {"$in": list(states)}, "acknowledged": {"$exists": False}}
        return await self._database.find(
            DELIVERIES, OLDEST_FIRST.continue_after(query, position), sort=OLDEST_FIRST.sort, limit=limit
        )

    async def list_unwarned(
        self, states: Sequence[str], created: int, warning: str, limit: int
    ) -> list[MutableDocument]:
        """List deliveries in these states that were created before a time (ms) and lack a warning."""
        query = {"state": {"$in": list(states)}, "created": {"$lt": created}, "warned": {"$ne": warning}}
        return await self._database.find(DELIVERIES, query, sort=OLDEST_FIRST.sort, limit=limit)

    async def mark_warned(self, delivery: bytes, warnings: Sequence[str]) -> bool:
        """Record warnings about a delivery, and return whether the first of them was new."""
        result = await self._database.update_one(
            DELIVERIES,
            {"_id": delivery, "warned": {"$ne": warnings[0]}},
            {"$addToSet": {"warned": {"$each": list(warnings)}}},
        )
        return result.matched == 1

    async def list_older_than(self, states: Sequence[str], created: int, limit: int) -> list[MutableDocument]:
        """List deliveries in these states that were created before a time (ms), oldest first."""
        query = {"state": {"$in": list(states)}, "created": {"$lt": created}}
        return await self._database.find(DELIVERIES, query, sort=[("created", 1)], limit=limit)

    async def list_by_client(self, client: str, states: Sequence[str]) -> list[MutableDocument]:
        """List a client's deliveries in these states."""
        return await self._database.find(DELIVERIES, {"client": client, "state": {"$in": list(states)}})

    async def overrule(
        self,
        delivery: bytes,
        states: Sequence[str],
        change: Mapping[str, Any],
        session: Session | None = None,
    ) -> bool:
        """Set members of a delivery in one of these states, and return whether it was in one.

        The outcome of an attempt that is under way is not stored any more.

        Args:
            delivery: Its id.
            states: The states in which it may be changed.
            change: Members to set; those that are None are removed.
            session: The transaction, if any.
        """
        return await self.leases.overrule({"_id": delivery, "state": {"$in": list(states)}}, change, session)


def _without_id(document: MutableDocument) -> MutableDocument:
    return {name: value for name, value in document.items() if name != "_id"}
