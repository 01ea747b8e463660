"""Reading identity data: the identifiers of a customer, and the history of merges and splits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from discretion.store.document import MutableDocument, TimePosition
from discretion.store.driver.database import Database
from discretion.store.paging import NEWEST_FIRST


class IdentityStore:
    """Reads of identity data in ``source_records``, ``customers`` and ``identity_events``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_identifiers(self, customer: bytes, types: Collection[str]) -> list[MutableDocument]:
        """List the identifiers of these types that a customer's records name.

        Returns:
            ``{source, ids}`` for each record; ``ids`` has entries ``{e, k, t, w, c}`` (see
            ``schema.collections``).
        """
        # MongoDB filters the list, so identifiers of other types do not reach this process.
        is_wanted_type = {"$in": ["$$one.k", sorted(types)]}
        ids = {"$filter": {"input": "$ids", "as": "one", "cond": is_wanted_type}}
        pipeline: list[Mapping[str, Any]] = [
            {"$match": {"customer": customer}},
            {"$sort": {"_id": 1}},
            {"$project": {"_id": 0, "source": 1, "ids": ids}},
        ]
        return await self._database.aggregate("source_records", pipeline)

    async def list_former_ids(self, customer: bytes) -> list[tuple[bytes, bytes]]:
        """List the ids of customers that were merged into this one, each with its wrapped key."""
        document = await self._database.find_one("customers", {"_id": customer}, {"merged": 1})
        return [] if document is None else [(former["id"], former["key"]) for former in document["merged"]]

    async def list_history(
        self, customers: Sequence[bytes], before: TimePosition | None, limit: int
    ) -> list[MutableDocument]:
        """List merges and splits of any of these customers, newest first, older than ``before``."""
        query = NEWEST_FIRST.continue_after({"customers": {"$in": list(customers)}}, before)
        return await self._database.find("identity_events", query, sort=NEWEST_FIRST.sort, limit=limit)
