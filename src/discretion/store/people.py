"""The ``customers`` collection for those who write, export or erase customers, and the id of a customer now.

Whoever answers a caller reads customers through ``store.customers`` with the projection of a plan. The
methods here read without a plan. Each says what it reads, and an import contract lists the packages that may
use this module.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field

from discretion.store.document import Document, MutableDocument
from discretion.store.document_update import build_document_update
from discretion.store.driver.database import Database, Session
from discretion.store.transactions import PendingWrite, plan_delete, plan_insert, plan_update

COLLECTION = "customers"


@dataclass(frozen=True, slots=True)
class FormerCustomer:
    """A customer that was merged into another: their id, and their wrapped data key."""

    id: bytes
    wrapped_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CurrentCustomer:
    """What does not depend on attributes: whom an id identifies now, their keys and laws.

    Attributes:
        id: The customer's id now.
        version: Incremented by every change of the customer.
        wrapped_key: Their data key, wrapped by the key of its bucket.
        former: Customers that were merged into this one.
        laws: Keys of the jurisdictions that protect the person.
        created: When their first data were received (ms).
        restricted: Whether processing is restricted.
    """

    id: bytes
    version: int
    wrapped_key: bytes = field(repr=False)
    former: tuple[FormerCustomer, ...] = ()
    laws: tuple[str, ...] = ()
    created: int = 0
    restricted: bool = False

    @property
    def ids(self) -> tuple[bytes, ...]:
        """The id now, and all former ids."""
        return (self.id, *(former.id for former in self.former))

    @property
    def wrapped_keys(self) -> Mapping[bytes, bytes]:
        """Wrapped data keys by id, the id now first."""
        return {self.id: self.wrapped_key} | {former.id: former.wrapped_key for former in self.former}


@dataclass(frozen=True, slots=True)
class CustomerPermissions:
    """What a customer permits, as stored.

    Attributes:
        id: The customer's id.
        version: The version of the document.
        window: Members of the document that permissions consist of (``schema.profiles``).
    """

    id: bytes
    version: int
    window: Document

    def find_allowed(self, now_ms: int) -> int:
        """Return the bits of the purposes that readers regard as permitted now."""
        allowed: int = self.window["allow"] if now_ms < self.window["until"] else self.window["later"]
        return allowed


class PeopleStore:
    """The ``customers`` collection without a plan."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def current(self, customer: bytes, session: Session | None = None) -> CurrentCustomer | None:
        """Return the customer whom an id identifies now, None if there is none.

        Args:
            customer: The customer's id, or an id that they had before a merge.
            session: The transaction. A writer needs it: a merge or an unmerge meanwhile gives a former id to
                another customer.
        """
        document = await self._database.find_one(
            COLLECTION, _build_id_query(customer), _CURRENT_PROJECTION, session=session
        )
        return None if document is None else _parse_current(document)

    async def mark_changed(self, customer: bytes, session: Session) -> None:
        """Increment the version of the customer whom an id identifies now.

        Every other writer of the customer then waits or conflicts until the transaction has ended.
        """
        await self._database.update_one(
            COLLECTION, _build_id_query(customer), {"$inc": {"v": 1}}, session=session
        )

    async def find_document(self, customer: bytes, session: Session | None = None) -> MutableDocument | None:
        """Return the whole document of the customer whom an id identifies now."""
        return await self._database.find_one(COLLECTION, _build_id_query(customer), session=session)

    async def list_documents(
        self,
        customers: Iterable[bytes],
        session: Session,
        projection: Mapping[str, int] | None = None,
    ) -> list[MutableDocument]:
        """List the documents with these ids, whole or by a projection; former ids are not resolved."""
        return await self._database.find(
            COLLECTION, {"_id": {"$in": list(customers)}}, projection, session=session
        )

    async def count(self) -> int:
        """Return the number of all customers."""
        return await self._database.count(COLLECTION, {})

    async def list_restrictions(self, after: bytes, limit: int) -> dict[bytes, bool]:
        """Return the next customers in the order of their ids, each with whether they are restricted."""
        documents = await self._database.find(
            COLLECTION, {"_id": {"$gt": after}}, {"restricted": 1}, sort=[("_id", 1)], limit=limit
        )
        return {document["_id"]: document["restricted"] for document in documents}

    async def count_due(self, rules: str, now_ms: int) -> int:
        """Count the customers whose permissions have other rules or whose time has passed."""
        return await self._database.count(COLLECTION, _build_due_query(rules, now_ms))

    async def stream_due(
        self, rules: str, now_ms: int, batch_size: int
    ) -> AsyncIterator[list[CustomerPermissions]]:
        """Yield the permissions of customers that have other rules or whose time has passed."""
        projection = dict.fromkeys(("v", *_WINDOW_MEMBERS), 1)
        async for documents in self._database.stream(
            COLLECTION, _build_due_query(rules, now_ms), projection, batch_size=batch_size
        ):
            yield [
                CustomerPermissions(
                    document["_id"],
                    document["v"],
                    {member: document[member] for member in _WINDOW_MEMBERS if member in document},
                )
                for document in documents
            ]

    def plan_save_permissions(self, before: CustomerPermissions, window: Document) -> PendingWrite | None:
        """Return the write that changes permissions, None if they are equal.

        It does nothing if the customer was written meanwhile.
        """
        change = build_document_update(before.window, {**before.window, **window})
        if not change:
            return None
        version = {"_id": before.id, "v": before.version}
        return plan_update(COLLECTION, version, {**change, "$inc": {"v": 1}})

    def plan_save(
        self, customer: bytes, before: MutableDocument | None, after: MutableDocument
    ) -> PendingWrite:
        """Return the write that turns one state of a customer's document into another; None adds it.

        The write names the version that was read: if it matches nothing, the customer changed meanwhile, and
        the transaction is aborted.
        """
        if before is None:
            return plan_insert(COLLECTION, {"_id": customer, "v": 1, **after})
        change = build_document_update(before, {"_id": customer, "v": before["v"], **after})
        return plan_update(
            COLLECTION,
            {"_id": customer, "v": before["v"]},
            {**change, "$inc": {"v": 1}},
            must_match=True,
        )

    def plan_delete(self, customer: bytes, version: int) -> PendingWrite:
        """Return the write that deletes a customer of this version."""
        return plan_delete(COLLECTION, {"_id": customer, "v": version}, must_match=True)


_CURRENT_PROJECTION = dict.fromkeys(("v", "key", "merged", "laws", "created", "restricted"), 1)

_WINDOW_MEMBERS = ("allow", "until", "later", "kinds", "rules", "laws", "restricted")


def _build_due_query(rules: str, now_ms: int) -> MutableDocument:
    return {"$or": [{"rules": {"$ne": rules}}, {"rules": rules, "until": {"$lte": now_ms}}]}


def _build_id_query(customer: bytes) -> MutableDocument:
    """Match the customer with this id, or with this former id. The only place that knows how."""
    return {"$or": [{"_id": customer}, {"merged.id": customer}]}


def _parse_current(document: MutableDocument) -> CurrentCustomer:
    return CurrentCustomer(
        document["_id"],
        document["v"],
        document["key"],
        tuple(FormerCustomer(former["id"], former["key"]) for former in document["merged"]),
        tuple(document["laws"]),
        document["created"],
        document["restricted"],
    )
