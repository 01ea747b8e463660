"""The ``requests`` collection: rights requests, their progress, and the lease of the worker of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session
from discretion.store.lease import LeasedCollection, build_member_update
from discretion.store.transactions import PendingWrite, plan_insert

COLLECTION = "requests"


class RequestStore:
    """The ``requests`` collection; see ``schema.requests`` for the meaning of its keys."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.leases = LeasedCollection(database, COLLECTION, take_counts=("v",), save_counts=("v",))

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
        query = {"_id": request, "v": version}
        # A worker that executes the request must not continue on the state before.
        if "state" in change:
            return await self.leases.overrule(query, change, session)
        result = await self._database.update_one(
            COLLECTION, query, {**build_member_update(change), "$inc": {"v": 1}}, session=session
        )
        return result.matched == 1

    async def list_matching(
        self, query: Mapping[str, Any], sort: Sequence[tuple[str, int]], limit: int
    ) -> list[MutableDocument]:
        """List requests that match a query."""
        return await self._database.find(COLLECTION, query, sort=sort, limit=limit)

    async def find_customers(self, requests: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the customers of requests by the ids of the requests; a request may have none."""
        query = {"_id": {"$in": list(requests)}, "customer": {"$exists": True}}
        documents = await self._database.find(COLLECTION, query, {"customer": 1})
        return {document["_id"]: document["customer"] for document in documents}

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


def build_request_insert(document: MutableDocument) -> PendingWrite:
    """Return the write that adds a request, for a transaction of the caller."""
    return plan_insert(COLLECTION, document)
