"""Reading customers: by id, coalesced; and by page. Takes a plan's projection, nothing wider."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from discretion.store.driver.database import Database

COLLECTION = "customers"
MAX_COALESCED = 500

Document = dict[str, Any]
_Waiting = dict[bytes, list[asyncio.Future[Document | None]]]


class Customers:
    """The ``customers`` collection, for reading. ``permitting`` matches who permits one of these purposes."""

    def __init__(self, database: Database, permitting: Callable[[int], Document]) -> None:
        self._database = database
        self._permitting = permitting
        self._waiting: dict[tuple[str, ...], _Waiting] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def by_id(self, customer: bytes, projection: Mapping[str, int], reach: int) -> Document | None:
        """One customer, or None if there is none or they permit no purpose of ``reach``.

        Loads asked for in one turn of the event loop under the same projection and reach go to
        MongoDB as one query.
        """
        key = (*sorted(projection), str(reach))
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = {}
            task = asyncio.create_task(self._load(key, dict(projection), reach))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        future: asyncio.Future[Document | None] = asyncio.get_running_loop().create_future()
        waiting.setdefault(customer, []).append(future)
        return await future

    async def by_ids(
        self, customers: Sequence[bytes], projection: Mapping[str, int], reach: int
    ) -> list[Document | None]:
        """Customers in the order asked for, None where ``by_id`` gives None."""
        return list(await asyncio.gather(*(self.by_id(one, projection, reach) for one in customers)))

    async def page(
        self, wanted: Document, sort: Sequence[tuple[str, int]], limit: int, projection: Mapping[str, int]
    ) -> list[Document]:
        """At most ``limit`` customers in this order."""
        return await self._database.find(COLLECTION, wanted, dict(projection), sort=list(sort), limit=limit)

    async def count(self, wanted: Document) -> int:
        """How many customers match."""
        return await self._database.count(COLLECTION, wanted)

    async def by_identifier(self, entry: bytes) -> bytes | None:
        """The customer an identifier's blind index leads to."""
        found = await self._database.find_one("identifiers", {"_id": entry}, {"customer": 1})
        return None if found is None else found.get("customer")

    async def _load(self, key: tuple[str, ...], projection: dict[str, int], reach: int) -> None:
        waiting = self._waiting.pop(key)
        try:
            for start in range(0, len(waiting), MAX_COALESCED):
                part = list(waiting)[start : start + MAX_COALESCED]
                found = await self._find(part, projection, reach)
                for customer in part:
                    for future in waiting[customer]:
                        if not future.done():
                            future.set_result(found.get(customer))
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait
            for futures in waiting.values():
                for future in futures:
                    if not future.done():
                        future.set_exception(error)

    async def _find(
        self, customers: list[bytes], projection: dict[str, int], reach: int
    ) -> dict[bytes, Document]:
        permitted: Document = {} if reach < 0 else self._permitting(reach)
        docs = await self._database.find(COLLECTION, {"_id": {"$in": customers}, **permitted}, projection)
        found: dict[bytes, Document] = {doc["_id"]: doc for doc in docs}
        missing = [one for one in customers if one not in found]
        if missing:
            # An id given out before a merge keeps resolving, to the customer it became part of.
            merged = await self._database.find(
                COLLECTION, {"merged.id": {"$in": missing}, **permitted}, {**projection, "merged.id": 1}
            )
            found.update(
                (old["id"], doc) for doc in merged for old in doc.pop("merged") if old["id"] in missing
            )
        return found
