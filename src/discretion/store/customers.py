"""Reading customers: by id with coalesced queries, and by page. Only with a projection from a plan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from discretion.plan.customer_members import CONTESTS, FORMER, FORMER_ID
from discretion.plan.permission_window import PermissionWindow
from discretion.plan.plan import CustomerProjection
from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database

COLLECTION = "customers"
MAX_COALESCED = 500
"""Customers that one query loads at most."""

_PendingLoads = dict[bytes, list[asyncio.Future[MutableDocument | None]]]


class CustomerStore:
    """Reads of the ``customers`` collection.

    ``permission_window`` decides which customers permit one of some purposes; ``now_ms`` gives the time (ms).
    """

    def __init__(
        self, database: Database, permission_window: PermissionWindow, now_ms: Callable[[], int]
    ) -> None:
        self._database = database
        self._permission_window = permission_window
        self._now_ms = now_ms
        self._pending: dict[tuple[CustomerProjection, int], _PendingLoads] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(
        self, customer: bytes, projection: CustomerProjection, reach: int
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
        key = (projection, reach)
        pending = self._pending.get(key)
        if pending is None:
            pending = self._pending[key] = {}
            task = asyncio.create_task(self._load_pending(projection, reach))
            # The event loop holds only a weak reference to a task. An unreferenced task can be collected
            # while it runs.
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        future: asyncio.Future[MutableDocument | None] = asyncio.get_running_loop().create_future()
        pending.setdefault(customer, []).append(future)
        return await future

    async def load_many(
        self, customers: Sequence[bytes], projection: CustomerProjection, reach: int
    ) -> list[MutableDocument | None]:
        """Load customers in the order of ``customers``, with None where ``load`` returns None."""
        return list(await asyncio.gather(*(self.load(customer, projection, reach) for customer in customers)))

    async def find_nobody(self, projection: CustomerProjection, reach: int) -> None:
        """Make the query of ``load`` for an id that matches nobody, which takes as long."""
        await self._find_permitting({"_id": b""}, projection, reach)

    async def list_page(
        self,
        candidates: MutableDocument,
        build_exact_query: Callable[[], MutableDocument],
        sort: Sequence[tuple[str, int]],
        limit: int,
        projection: CustomerProjection,
        now_ms: int,
    ) -> list[MutableDocument]:
        """List at most ``limit`` customers that match the exact query, in this order.

        Args:
            candidates: A cheaper query, which in addition matches customers whose window is not current.
            build_exact_query: Builds the query of ``PermissionWindow.build_clause``.
            sort: The order.
            limit: Customers to list at most.
            projection: The projection of the plan.
            now_ms: The time of both queries.
        """
        documents = await self._find_sorted(candidates, sort, limit, projection)
        is_current = self._permission_window.is_current
        # If all are current, both queries match the same: a customer who matches only the cheaper one
        # would be among these. Whoever notices the second query by its time learns nothing new: it
        # follows from a customer whom this client sees, or saw until a moment ago.
        if not all(is_current(document, now_ms) for document in documents):
            documents = await self._find_sorted(build_exact_query(), sort, limit, projection)
        return await self._add_contested_values(documents, projection)

    async def count(self, query: MutableDocument) -> int:
        """Count the customers that match."""
        return await self._database.count(COLLECTION, query)

    async def _load_pending(self, projection: CustomerProjection, reach: int) -> None:
        # Removed before the first await. A load that arrives during the query starts a batch of its own and
        # does not wait for a result without its customer.
        pending = self._pending.pop((projection, reach))
        try:
            for start in range(0, len(pending), MAX_COALESCED):
                batch = list(pending)[start : start + MAX_COALESCED]
                documents = await self._find_by_ids(batch, projection, reach)
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

    async def _find_by_ids(
        self, customers: list[bytes], projection: CustomerProjection, reach: int
    ) -> dict[bytes, MutableDocument]:
        documents = await self._find_permitting({"_id": _match_any(customers)}, projection, reach)
        documents_by_id: dict[bytes, MutableDocument] = {document["_id"]: document for document in documents}
        missing = [customer for customer in customers if customer not in documents_by_id]
        if missing:
            # An id given out before a merge keeps resolving, to the customer it became part of.
            merged = await self._find_permitting(
                {f"{FORMER}.{FORMER_ID}": _match_any(missing)}, projection.add(f"{FORMER}.{FORMER_ID}"), reach
            )
            documents_by_id.update(
                (former[FORMER_ID], document)
                for document in merged
                for former in document.pop(FORMER)
                if former[FORMER_ID] in missing
            )
        return documents_by_id

    async def _find_permitting(
        self, query: MutableDocument, projection: CustomerProjection, reach: int
    ) -> list[MutableDocument]:
        """Find customers who permit one of the purposes in ``reach``."""
        # The clause is part of the query. A customer who permits none of the purposes is not read, and cannot
        # be told from one who does not exist.
        if reach < 0:
            documents = await self._database.find(COLLECTION, query, _build_members(projection))
        else:
            window, now_ms = self._permission_window, self._now_ms()
            clause = window.build_candidate_clause(reach, now_ms)
            candidates = await self._database.find(
                COLLECTION, {**query, **clause}, _build_members(projection)
            )
            documents = [
                document for document in candidates if window.permitted_bits(document, now_ms) & reach
            ]
        return await self._add_contested_values(documents, projection)

    async def _find_sorted(
        self,
        query: MutableDocument,
        sort: Sequence[tuple[str, int]],
        limit: int,
        projection: CustomerProjection,
    ) -> list[MutableDocument]:
        return await self._database.find(
            COLLECTION, query, _build_members(projection), sort=list(sort), limit=limit
        )

    async def _add_contested_values(
        self, documents: list[MutableDocument], projection: CustomerProjection
    ) -> list[MutableDocument]:
        """Read those customers again who contest values, this time with these values."""
        if not projection.contested_names:
            return documents
        contesting = [document["_id"] for document in documents if CONTESTS in document]
        if not contesting:
            return documents
        # The whole document again: a value that is contested only now, or no longer, is not lost between.
        reread = await self._database.find(
            COLLECTION,
            {"_id": {"$in": contesting}},
            _build_members(projection.add(*projection.contested_names)),
        )
        reread_by_id = {document["_id"]: document for document in reread}
        return [reread_by_id.get(document["_id"], document) for document in documents]


def _build_members(projection: CustomerProjection) -> dict[str, int]:
    return dict.fromkeys(projection.names, 1)


def _match_any(ids: Sequence[bytes]) -> bytes | MutableDocument:
    """Return a condition for one of these ids; MongoDB finds a single one faster by equality."""
    return ids[0] if len(ids) == 1 else {"$in": list(ids)}
