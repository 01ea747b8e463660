"""The ``requests`` collection: rights requests, their progress, and the lease of the worker of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.store.document import MutableDocument, TimePosition
from discretion.store.driver.database import Database, Session
from discretion.store.lease import LeasedCollection, build_member_update
from discretion.store.paging import KeysetOrder
from discretion.store.transactions import PendingWrite, plan_insert

COLLECTION = "requests"
BY_DUE_DATE = KeysetOrder("due", direction=1, id_direction=1, has_nulls=True)
LATEST_RECEIVED_FIRST = KeysetOrder("received")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCriteria:
    """Which requests are listed; what is left out limits nothing.

    Attributes:
        states: Their states.
        right: The right that is exercised.
        law: Key of a law that they are answered by.
        due_before: Their due date is before this time (ms).
        is_open: Only requests that have not ended.
    """

    states: Sequence[str] = ()
    right: str | None = None
    law: str | None = None
    due_before: int | None = None
    is_open: bool = False

    def build_query(self) -> MutableDocument:
        """Build the query that matches the requests which meet the criteria."""
        return {
            **({"state": {"$in": list(self.states)}} if self.states else {}),
            **({} if self.right is None else {"right": self.right}),
            **({} if self.law is None else {"laws": self.law}),
            **({} if self.due_before is None else {"due": {"$lt": self.due_before}}),
            **({"ended": {"$exists": False}} if self.is_open else {}),
        }


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

    async def list_by_due(
        self, criteria: RequestCriteria, position: tuple[int | None, bytes] | None, limit: int
    ) -> list[MutableDocument]:
        """List requests by their due date; those without one come first.

        ``position`` is the due date and the id of the last request of the page before.
        """
        query = BY_DUE_DATE.continue_after(criteria.build_query(), position)
        return await self._database.find(COLLECTION, query, sort=BY_DUE_DATE.sort, limit=limit)

    async def count(self, criteria: RequestCriteria) -> int:
        """Count the requests that meet the criteria."""
        return await self._database.count(COLLECTION, criteria.build_query())

    async def of(
        self, customers: Sequence[bytes], position: TimePosition | None, limit: int
    ) -> list[MutableDocument]:
        """List the requests about a customer, by all of their ids, newest first."""
        query = LATEST_RECEIVED_FIRST.continue_after({"customer": {"$in": list(customers)}}, position)
        return await self._database.find(COLLECTION, query, sort=LATEST_RECEIVED_FIRST.sort, limit=limit)

    async def list_by_ids(self, requests: Sequence[bytes]) -> list[MutableDocument]:
        """List the requests with these ids that exist, sorted by id."""
        return await self._database.find(COLLECTION, {"_id": {"$in": list(requests)}}, sort=[("_id", 1)])

    async def list_unwarned(self, due_by: int, warning: str, limit: int) -> list[MutableDocument]:
        """List open requests that are due by a time (ms) and lack a warning, the most urgent first."""
        query = {"due": {"$lte": due_by}, "ended": {"$exists": False}, "warned": {"$ne": warning}}
        return await self._database.find(COLLECTION, query, sort=BY_DUE_DATE.sort, limit=limit)

    async def list_expired(self, now: int, limit: int) -> list[MutableDocument]:
        """List requests whose time to prove the identity has ended, the earliest first."""
        return await self._database.find(
            COLLECTION, {"expires": {"$lte": now}}, sort=[("expires", 1)], limit=limit
        )

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


def build_request_insert(document: MutableDocument) -> PendingWrite:
    """Return the write that adds a request, for a transaction of the caller."""
    return plan_insert(COLLECTION, document)
