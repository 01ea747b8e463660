"""The ``held`` collection: data of erased people that another law or a legal hold keeps."""

from __future__ import annotations

from collections.abc import Sequence

from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session, build_insert, build_update

COLLECTION = "held"


class RetainedDataStore:
    """The ``held`` collection; ``schema.erasure`` explains its documents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, documents: Sequence[MutableDocument], session: Session) -> None:
        """Add retained data in a transaction."""
        await self._database.bulk_write(
            COLLECTION, [build_insert(document) for document in documents], session=session
        )

    async def list_by_request(self, request: bytes, limit: int) -> list[MutableDocument]:
        """List what is retained from an erasure, without what is being deleted."""
        query = {"request": request, "key": {"$exists": True}}  # without a key: its deletion has begun
        return await self._database.find(COLLECTION, query, sort=[("_id", 1)], limit=limit)

    async def end_hold(self, hold: bytes, session: Session) -> None:
        """Let everything that a hold retains expire, in a transaction."""
        retained = await self._database.find(COLLECTION, {"hold": hold}, {"_id": 1}, session=session)
        # An expiry time in the past: the daily run deletes them with their keys.
        writes = [build_update({"_id": document["_id"]}, {"$set": {"until": 0}}) for document in retained]
        await self._database.bulk_write(COLLECTION, writes, session=session)

    async def list_expired(self, now: int, limit: int) -> list[bytes]:
        """List the ids of what expired until now (ms), the earliest first."""
        documents = await self._database.find(
            COLLECTION, {"until": {"$lte": now}}, {"_id": 1}, sort=[("until", 1)], limit=limit
        )
        return [document["_id"] for document in documents]

    async def remove_keys(self, ids: Sequence[bytes]) -> None:
        """Remove the wrapped data keys, so that a rotation does not rewrap them."""
        writes = [build_update({"_id": document_id}, {"$unset": {"key": ""}}) for document_id in ids]
        await self._database.bulk_write(COLLECTION, writes)

    async def delete(self, ids: Sequence[bytes]) -> None:
        """Delete retained data by their ids."""
        await self._database.delete_many(COLLECTION, {"_id": {"$in": list(ids)}})
