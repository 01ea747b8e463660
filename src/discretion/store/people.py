"""The ``customers`` collection for those who write, export or erase customers, and the id of a customer now.

Whoever answers a caller reads customers through ``store.customers`` with the projection of a plan. The
methods here read without a plan. Each says what it reads, and an import contract lists the packages that may
use this module.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from discretion.plan.customer_members import (
    CREATED,
    FORMER,
    FORMER_ID,
    LAWS,
    RESTRICTED,
    RULES,
    UNTIL,
    VERSION,
    WRAPPED_KEY,
)
from discretion.store.customer_codec import (
    PERMISSION_MEMBERS,
    CustomerDocument,
    FormerCustomer,
    StoredPermissions,
    build_customer_change,
    build_customer_document,
    build_permission_members,
    build_projection,
    collect_wrapped_keys,
    parse_customer,
    parse_former,
    parse_permissions,
)
from discretion.store.document import MutableDocument
from discretion.store.document_update import build_document_update
from discretion.store.driver.database import Database, Session, build_update
from discretion.store.transactions import PendingWrite, plan_delete, plan_insert, plan_update

COLLECTION = "customers"


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
        return collect_wrapped_keys(self.id, self.wrapped_key, self.former)


@dataclass(frozen=True, slots=True)
class CustomerPermissions:
    """What a customer permits, with the version of the document that it was read from."""

    id: bytes
    version: int
    permissions: StoredPermissions


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

    async def list_former(self, customer: bytes) -> tuple[FormerCustomer, ...]:
        """List the customers that were merged into this one; no member but these is read."""
        document = await self._database.find_one(COLLECTION, {"_id": customer}, {FORMER: 1})
        return () if document is None else parse_former(document)

    async def mark_changed(self, customers: Iterable[bytes], session: Session) -> None:
        """Increment the versions of the customers whom these ids identify now.

        Every other writer of these customers then waits or conflicts until the transaction has ended.
        """
        change = {"$inc": {VERSION: 1}}
        updates = [build_update(_build_id_query(customer), change) for customer in sorted(customers)]
        await self._database.bulk_write(COLLECTION, updates, session=session)

    async def find_whole(self, customer: bytes) -> CustomerDocument | None:
        """Return the whole customer whom an id identifies now."""
        document = await self._database.find_one(COLLECTION, _build_id_query(customer))
        return None if document is None else parse_customer(document)

    async def list_customers(
        self, customers: Iterable[bytes], session: Session, attributes: Collection[str] | None = None
    ) -> list[CustomerDocument]:
        """List customers, whole or with only some attributes; former ids are not resolved."""
        projection = None if attributes is None else build_projection(attributes)
        documents = await self._database.find(
            COLLECTION, {"_id": {"$in": list(customers)}}, projection, session=session
        )
        return [parse_customer(document) for document in documents]

    async def list_laws(self, customers: Collection[bytes], session: Session) -> dict[bytes, tuple[str, ...]]:
        """Return the keys of the jurisdictions that protect each of these customers."""
        query = {"_id": {"$in": sorted(customers)}}
        documents = await self._database.find(COLLECTION, query, {LAWS: 1}, session=session)
        return {document["_id"]: tuple(document[LAWS]) for document in documents}

    async def count(self) -> int:
        """Return the number of all customers."""
        return await self._database.count(COLLECTION, {})

    async def list_restrictions(self, after: bytes, limit: int) -> dict[bytes, bool]:
        """Return the next customers in the order of their ids, each with whether they are restricted."""
        documents = await self._database.find(
            COLLECTION, {"_id": {"$gt": after}}, {RESTRICTED: 1}, sort=[("_id", 1)], limit=limit
        )
        return {document["_id"]: document[RESTRICTED] for document in documents}

    async def find_restricted(self, customers: Collection[bytes], session: Session) -> set[bytes]:
        """Return those of these customers who are restricted."""
        query = {"_id": {"$in": list(customers)}, RESTRICTED: True}
        documents = await self._database.find(COLLECTION, query, {"_id": 1}, session=session)
        return {document["_id"] for document in documents}

    async def count_due(self, rules: str, now_ms: int) -> int:
        """Count the customers whose permissions have other rules or whose time has passed."""
        return await self._database.count(COLLECTION, _build_due_query(rules, now_ms))

    async def stream_due(
        self, rules: str, now_ms: int, batch_size: int
    ) -> AsyncIterator[list[CustomerPermissions]]:
        """Yield the permissions of customers that have other rules or whose time has passed."""
        projection = dict.fromkeys((VERSION, *PERMISSION_MEMBERS), 1)
        async for documents in self._database.stream(
            COLLECTION, _build_due_query(rules, now_ms), projection, batch_size=batch_size
        ):
            yield [
                CustomerPermissions(document["_id"], document[VERSION], parse_permissions(document))
                for document in documents
            ]

    def plan_save_permissions(
        self, before: CustomerPermissions, permissions: StoredPermissions
    ) -> PendingWrite | None:
        """Return the write that changes permissions, None if they are equal.

        It does nothing if the customer was written meanwhile.
        """
        change = build_document_update(
            build_permission_members(before.permissions), build_permission_members(permissions)
        )
        if not change:
            return None
        query = {"_id": before.id, VERSION: before.version}
        return plan_update(COLLECTION, query, {**change, "$inc": {VERSION: 1}})

    def plan_save(self, before: CustomerDocument | None, after: CustomerDocument) -> PendingWrite:
        """Return the write that turns one state of a customer into another; None adds it.

        The write names the version that was read: if it matches nothing, the customer changed meanwhile, and
        the transaction is aborted.
        """
        if before is None:
            return plan_insert(COLLECTION, build_customer_document(after))
        change = build_customer_change(before, after)
        query = {"_id": before.id, VERSION: before.version}
        return plan_update(COLLECTION, query, {**change, "$inc": {VERSION: 1}}, must_match=True)

    def plan_delete(self, customer: bytes, version: int) -> PendingWrite:
        """Return the write that deletes a customer of this version."""
        return plan_delete(COLLECTION, {"_id": customer, VERSION: version}, must_match=True)


_CURRENT_PROJECTION = dict.fromkeys((VERSION, WRAPPED_KEY, FORMER, LAWS, CREATED, RESTRICTED), 1)


def _build_due_query(rules: str, now_ms: int) -> MutableDocument:
    return {"$or": [{RULES: {"$ne": rules}}, {RULES: rules, UNTIL: {"$lte": now_ms}}]}


def _build_id_query(customer: bytes) -> MutableDocument:
    """Match the customer with this id, or with this former id. The only place that knows how."""
    return {"$or": [{"_id": customer}, {f"{FORMER}.{FORMER_ID}": customer}]}


def _parse_current(document: MutableDocument) -> CurrentCustomer:
    return CurrentCustomer(
        document["_id"],
        document[VERSION],
        document[WRAPPED_KEY],
        parse_former(document),
        tuple(document[LAWS]),
        document[CREATED],
        document[RESTRICTED],
    )
