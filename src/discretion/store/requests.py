"""The ``requests`` collection: rights requests, their progress, and the lease of the worker of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from discretion.store.document import JsonValue, MutableDocument, TimePosition, parse_readable
from discretion.store.driver.database import Database, Session
from discretion.store.lease import LeasedCollection, build_member_update
from discretion.store.paging import KeysetOrder
from discretion.store.request_codec import (
    build_completion_change,
    build_postponement_change,
    build_progress_change,
    build_request_change,
    build_request_document,
    parse_request,
)
from discretion.store.subject_request import StepProgress, SubjectRequest
from discretion.store.transactions import PendingWrite, TransactionAborted, plan_insert

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
    """The ``requests`` collection, in which requests are found, listed, changed and leased."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leases = LeasedCollection(database, COLLECTION, take_counts=("v",), save_counts=("v",))

    async def find(self, request: bytes, session: Session | None = None) -> SubjectRequest | None:
        """Return the request with this id."""
        return await self._find_one({"_id": request}, session)

    async def find_open(self, digest: bytes, session: Session | None = None) -> SubjectRequest | None:
        """Return the open request for the same subject and content, by its digest."""
        return await self._find_one({"open": digest}, session)

    async def add(self, request: SubjectRequest, session: Session | None = None) -> None:
        """Add a request.

        Raises:
            Conflict: ``DUPLICATE``; the same request is open already.
        """
        await self._database.insert_many(COLLECTION, [build_request_document(request)], session=session)

    async def change(
        self, before: SubjectRequest, after: SubjectRequest, session: Session | None = None
    ) -> SubjectRequest:
        """Write what differs between two states of a request, and return it as it is stored then.

        A change of state ends the lease of the worker that executes the request: it must not continue on the
        state before. The version changes even if nothing else does.

        Raises:
            TransactionAborted: The request changed since ``before`` was read.
        """
        query, members = {"_id": before.id, "v": before.version}, build_request_change(before, after)
        stored = replace(after, version=before.version + 1)
        if after.state is not before.state:
            is_changed = await self._leases.overrule(query, members, session)
            stored = replace(stored, fence=before.fence + 1, lease_until=0)
        else:
            update = {**build_member_update(members), "$inc": {"v": 1}}
            result = await self._database.update_one(COLLECTION, query, update, session=session)
            is_changed = result.matched == 1
        if not is_changed:
            raise TransactionAborted("STORE_UNAVAILABLE", "A document changed while it was being written.")
        return stored

    async def take(self, now: int, until: int, request: bytes) -> SubjectRequest | None:
        """Lease a request until a time (ms), as it is then; None if it is not due, or leased."""
        document = await self._leases.take(now, until, document_id=request)
        return None if document is None else parse_request(document)

    async def take_due(
        self, now: int, until: int, limit: int, excluded: Sequence[bytes] = ()
    ) -> list[SubjectRequest]:
        """Lease the requests that are due longest until a time (ms), except some."""
        return parse_readable(await self._leases.take_due(now, until, limit, excluded), parse_request)

    async def save_progress(
        self, request: bytes, fence: int, until: int, progress: StepProgress, session: Session | None
    ) -> bool:
        """Write what a step has done, renew its lease until a time (ms), and return whether it was held."""
        members = {"until": until, **build_progress_change(progress)}
        return await self._leases.save(request, fence, members, session)

    async def complete_step(
        self,
        request: bytes,
        fence: int,
        until: int,
        index: int,
        output: Mapping[str, JsonValue],
        at: int,
        session: Session | None,
    ) -> bool:
        """Mark a step as done, renew the lease until a time (ms), and return whether it was held."""
        members = {"until": until, **build_completion_change(index, output, at)}
        return await self._leases.save(request, fence, members, session)

    async def postpone_step(
        self, request: bytes, fence: int, index: int, attempts: int, why: str, next_run: int
    ) -> bool:
        """Give a request back until its step is attempted again, and return whether the lease was held."""
        members = {"until": 0, **build_postponement_change(index, attempts, why, next_run)}
        return await self._leases.save(request, fence, members)

    async def finish(self, before: SubjectRequest, after: SubjectRequest) -> bool:
        """Write what the end of the workflow changes, end the lease, and return whether it was held."""
        members = {**build_request_change(before, after), "until": 0, "next": None}
        return await self._leases.save(before.id, before.fence, members)

    async def list_by_due(
        self, criteria: RequestCriteria, position: tuple[int | None, bytes] | None, limit: int
    ) -> list[SubjectRequest]:
        """List requests by their due date; those without one come first.

        ``position`` is the due date and the id of the last request of the page before.
        """
        query = BY_DUE_DATE.continue_after(criteria.build_query(), position)
        return await self._list(query, BY_DUE_DATE.sort, limit)

    async def count(self, criteria: RequestCriteria) -> int:
        """Count the requests that meet the criteria."""
        return await self._database.count(COLLECTION, criteria.build_query())

    async def of(
        self, customers: Sequence[bytes], position: TimePosition | None, limit: int
    ) -> list[SubjectRequest]:
        """List the requests about a customer, by all of their ids, newest first."""
        query = LATEST_RECEIVED_FIRST.continue_after({"customer": {"$in": list(customers)}}, position)
        return await self._list(query, LATEST_RECEIVED_FIRST.sort, limit)

    async def list_by_ids(self, requests: Sequence[bytes]) -> list[SubjectRequest]:
        """List the requests with these ids that exist, sorted by id."""
        return await self._list({"_id": {"$in": list(requests)}}, [("_id", 1)])

    async def list_unwarned(self, due_by: int, warning: str, limit: int) -> list[SubjectRequest]:
        """List open requests that are due by a time (ms) and lack a warning, the most urgent first."""
        query = {"due": {"$lte": due_by}, "ended": {"$exists": False}, "warned": {"$ne": warning}}
        documents = await self._database.find(COLLECTION, query, sort=BY_DUE_DATE.sort, limit=limit)
        return parse_readable(documents, parse_request)

    async def list_expired(self, now: int, limit: int) -> list[SubjectRequest]:
        """List requests whose time to prove something has ended, the earliest first."""
        documents = await self._database.find(
            COLLECTION, {"expires": {"$lte": now}}, sort=[("expires", 1)], limit=limit
        )
        return parse_readable(documents, parse_request)

    async def find_customers(self, requests: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the customers of requests by the ids of the requests; a request may have none."""
        query = {"_id": {"$in": list(requests)}, "customer": {"$exists": True}}
        documents = await self._database.find(COLLECTION, query, {"customer": 1})
        return {document["_id"]: document["customer"] for document in documents}

    async def count_codes(self, request: SubjectRequest, since: int, limit: int) -> int:
        """Count the codes that were created after ``since`` (ms) for requests about the same subject.

        Requests by address are counted by address, whether a customer is known under it or not, so that the
        limit does not reveal which. At most ``limit`` requests are read.
        """
        query: MutableDocument = {"codes": {"$gt": since}, "contact": request.contact}
        # A request by address may have a customer too. It counts towards the limit of its address only.
        if request.contact is None:
            query |= {"contact": {"$exists": False}, "customer": request.customer}
        return await self._count_codes(query, since, limit)

    async def count_codes_to(self, new_address: bytes, since: int, limit: int) -> int:
        """Count the codes that were created after ``since`` (ms) to confirm one new address, for anybody."""
        query: MutableDocument = {"codes": {"$gt": since}, "new_address": new_address}
        return await self._count_codes(query, since, limit)

    async def _count_codes(self, query: MutableDocument, since: int, limit: int) -> int:
        documents = await self._database.find(COLLECTION, query, {"codes": 1}, limit=limit)
        return sum(at > since for document in documents for at in document["codes"])

    async def _find_one(self, query: MutableDocument, session: Session | None) -> SubjectRequest | None:
        document = await self._database.find_one(COLLECTION, query, session=session)
        return None if document is None else parse_request(document)

    async def _list(
        self, query: MutableDocument, sort: Sequence[tuple[str, int]], limit: int = 0
    ) -> list[SubjectRequest]:
        documents = await self._database.find(COLLECTION, query, sort=sort, limit=limit)
        return [parse_request(document) for document in documents]


def build_request_insert(request: SubjectRequest) -> PendingWrite:
    """Return the write that adds a request, for a transaction of the caller."""
    return plan_insert(COLLECTION, build_request_document(request))
