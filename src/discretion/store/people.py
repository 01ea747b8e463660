"""The ``customers`` collection for those who write, export or erase customers, and the id of a customer now.

Whoever answers a caller reads customers through ``store.customers`` with the projection of a plan. The
methods here read without a plan. Each says what it reads, and an import contract lists the packages that may
use this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session

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


_CURRENT_PROJECTION = dict.fromkeys(("v", "key", "merged", "laws", "created", "restricted"), 1)


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
