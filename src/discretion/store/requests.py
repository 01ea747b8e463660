"""The ``requests`` collection: rights requests, their progress, and the lease of the worker of each.

A lease is ``until`` (ms) together with ``fence``, a number that increases with every new lease and every
change of state. A worker writes only under the fence it acquired, so a worker that was paused beyond its
lease cannot overwrite what its successor did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session, WriteOperation, build_insert

COLLECTION = "requests"


class RequestStore:
    """The ``requests`` collection; see ``schema.requests`` for the meaning of its keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, request: bytes, session: Session | None = None) -> MutableDocument | None:
        """Return the request with this id."""
        return await self._database.find_one(COLLECTION, {"_id": request}, session=session)

    async def add(self, document: MutableDocument, session: Session | None = None) -> None:
        """Add a request.

        Raises:
            Conflict: ``DUPLICATE``; the same request is open already.
        """
        await self._database.insert_many(COLLECTION, [document], session=session)

    async def find_open(self, digest: bytes, session: Session | None = None) -> MutableDocument | None:
        """Return the open request for the same subject and content, by its digest."""
        return await self._database.find_one(COLLECTION, {"open": digest}, session=session)

    async def update(
        self,
        request: bytes,
        version: int,
        change: Mapping[str, Any],
        session: Session | None = None,
    ) -> bool:
        """Set members of a request if it still has the version that was read, and return whether it had.

        A change of state ends the lease of the worker that executes the request.

        Args:
            request: Its id.
            version: The ``v`` that was read.
            change: Members to set; those that are None are removed.
            session: The transaction, if any.
        """
        # A change of state increments the fence. To clear ``until`` alone would not stop a worker that is
        # between two writes.
        state_changes = "state" in change
        unset = {name: "" for name, value in change.items() if value is None}
        values = {name: value for name, value in change.items() if value is not None}
        result = await self._database.update_one(
            COLLECTION,
            {"_id": request, "v": version},
            {
                "$set": {**values, **({"until": 0} if state_changes else {})},
                "$inc": {"v": 1, "fence": int(state_changes)},
                **({"$unset": unset} if unset else {}),
            },
            session=session,
        )
        return result.matched == 1

    async def list_due(self, now: int, limit: int, excluded: Sequence[bytes] = ()) -> list[MutableDocument]:
        """List ids of due requests without a lease, the longest waiting first, except ``excluded``."""
        query = {
            "next": {"$lte": now},
            "until": {"$lt": now},
            **({"_id": {"$nin": excluded}} if excluded else {}),
        }
        return await self._database.find(COLLECTION, query, {"_id": 1}, sort=[("next", 1)], limit=limit)

    async def acquire_lease(self, request: bytes, now: int, until: int) -> MutableDocument | None:
        """Acquire the lease of a due request until ``until`` (ms), under the next fence.

        Returns:
            The request, or None if another worker has it.
        """
        # The conditions of ``list_due`` are repeated: another process may have acquired the lease since then.
        available = {"_id": request, "next": {"$lte": now}, "until": {"$lt": now}}
        result = await self._database.update_one(
            COLLECTION, available, {"$set": {"until": until}, "$inc": {"fence": 1, "v": 1}}
        )
        return await self.find(request) if result.matched else None

    async def update_under_lease(
        self, request: bytes, fence: int, change: Mapping[str, Any], session: Session | None = None
    ) -> bool:
        """Set members of a request under a fence, and return whether the lease was still held.

        Args:
            request: Its id.
            fence: The number under which the lease was acquired.
            change: Members to set; those that are None are removed.
            session: The transaction, if any.
        """
        unset = {name: "" for name, value in change.items() if value is None}
        values = {name: value for name, value in change.items() if value is not None}
        # The fence alone decides. A lease that has expired and that no other worker took over is still held.
        result = await self._database.update_one(
            COLLECTION,
            {"_id": request, "fence": fence},
            {"$set": values, "$inc": {"v": 1}, **({"$unset": unset} if unset else {})},
            session=session,
        )
        return result.matched == 1

    async def list_matching(
        self, query: Mapping[str, Any], sort: Sequence[tuple[str, int]], limit: int
    ) -> list[MutableDocument]:
        """List requests that match a query."""
        return await self._database.find(COLLECTION, query, sort=sort, limit=limit)

    async def count_codes(self, request: Mapping[str, Any], since: int, limit: int) -> int:
        """Count the codes that were created after ``since`` (ms) for requests about the same subject.

        Requests by address are counted by address, whether a customer is known under it or not, so that the
        limit does not reveal which.

        Args:
            request: A request document about the subject, with ``contact`` or ``customer``.
            since: In ms since 1970.
            limit: Requests that are read at most.
        """
        member = "contact" if "contact" in request else "customer"
        query = {member: request.get(member), "codes": {"$gt": since}}
        # A request by address may have a customer too. It counts towards the limit of its address only.
        if member == "customer":
            query["contact"] = {"$exists": False}
        documents = await self._database.find(COLLECTION, query, {"codes": 1}, limit=limit)
        return sum(at > since for document in documents for at in document["codes"])

    async def count(self, query: Mapping[str, Any]) -> int:
        """Count the requests that match a query."""
        return await self._database.count(COLLECTION, query)


def build_request_insert(document: MutableDocument) -> tuple[str, WriteOperation]:
    """Return the write that adds a request, for a transaction of the caller."""
    return COLLECTION, build_insert(document)
