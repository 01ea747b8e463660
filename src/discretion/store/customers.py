"""Reading customers: by id with coalesced queries, and by page. Only with a projection from a plan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database

COLLECTION = "customers"
MAX_COALESCED = 500
"""Customers that one query loads at most."""

_PendingLoads = dict[bytes, list[asyncio.Future[MutableDocument | None]]]


class CustomerStore:
    """Reads of the ``customers`` collection.

    ``build_permission_clause`` returns the query clause that matches customers who permit one of the given
    purposes.
    """

    def __init__(self, database: Database, build_permission_clause: Callable[[int], MutableDocument]) -> None:
        self._database = database
        self._build_permission_clause = build_permission_clause
        self._pending: dict[tuple[str, ...], _PendingLoads] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(
        self, customer: bytes, projection: Mapping[str, int], reach: int
    ) -> MutableDocument | None:
        """Load one customer, or None if there is none or they permit none of the purposes in ``reach``.

        Loads within one turn of the event loop with the same projection and reach are sent to MongoDB as one
        query.

        Args:
            customer: The customer's id, or an id that they had before a merge.
            projection: The projection of the plan.
            reach: Purpose bits; negative for a person who reads their own data.
        """
        # Only loads with the same projection and reach share a query. A wider query would read members or
        # customers that one of the plans excludes.
        key = (*sorted(projection), str(reach))
        pending = self._pending.get(key)
        if pending is None:
            pending = self._pending[key] = {}
            task = asyncio.create_task(self._load(key, dict(projection), reach))
            # The event loop holds only a weak reference to a task. An unreferenced task can be collected
            # while it runs.
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        future: asyncio.Future[MutableDocument | None] = asyncio.get_running_loop().create_future()
        pending.setdefault(customer, []).append(future)
        return await future

    async def load_many(
        self, customers: Sequence[bytes], projection: Mapping[str, int], reach: int
    ) -> list[MutableDocument | None]:
        """Load customers in the order of ``customers``, with None where ``load`` returns None."""
        return list(await asyncio.gather(*(self.load(customer, projection, reach) for customer in customers)))

    async def list_page(
        self,
        query: MutableDocument,
        sort: Sequence[tuple[str, int]],
        limit: int,
        projection: Mapping[str, int],
    ) -> list[MutableDocument]:
        """List at most ``limit`` customers that match, in this order."""
        return await self._database.find(COLLECTION, query, dict(projection), sort=list(sort), limit=limit)

    async def count(self, query: MutableDocument) -> int:
        """Count the customers that match."""
        return await self._database.count(COLLECTION, query)

    async def find_by_identifier(self, entry: bytes) -> bytes | None:
        """Return the customer that an identifier's blind index leads to."""
        document = await self._database.find_one("identifiers", {"_id": entry}, {"customer": 1})
        return None if document is None else document.get("customer")

    async def _load(self, key: tuple[str, ...], projection: dict[str, int], reach: int) -> None:
        # Removed before the first await. A load that arrives during the query starts a batch of its own and
        # does not wait for a result without its customer.
        pending = self._pending.pop(key)
        try:
            for start in range(0, len(pending), MAX_COALESCED):
                batch = list(pending)[start : start + MAX_COALESCED]
                documents = await self._find(batch, projection, reach)
                for customer in batch:
                    # A caller that was cancelled meanwhile has cancelled its future.
                    for future in pending[customer]:
                        if not future.done():
                            future.set_result(documents.get(customer))
        except Exception as error:  # noqa: BLE001 - every waiting caller receives it
            for futures in pending.values():
                for future in futures:
                    if not future.done():
                        future.set_exception(error)

    async def _find(
        self, customers: list[bytes], projection: dict[str, int], reach: int
    ) -> dict[bytes, MutableDocument]:
        # The clause is part of the query. A customer who permits none of the purposes is not read, and cannot
        # be told from one who does not exist.
        permission_clause: MutableDocument = {} if reach < 0 else self._build_permission_clause(reach)
        documents = await self._database.find(
            COLLECTION, {"_id": {"$in": customers}, **permission_clause}, projection
        )
        documents_by_id: dict[bytes, MutableDocument] = {document["_id"]: document for document in documents}
        missing = [customer for customer in customers if customer not in documents_by_id]
        if missing:
            # An id given out before a merge keeps resolving, to the customer it became part of.
            merged = await self._database.find(
                COLLECTION,
                {"merged.id": {"$in": missing}, **permission_clause},
                {**projection, "merged.id": 1},
            )
            documents_by_id.update(
                (former["id"], document)
                for document in merged
                for former in document.pop("merged")
                if former["id"] in missing
            )
        return documents_by_id
