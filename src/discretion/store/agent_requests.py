"""The ``mandates`` collection: who filed what for somebody, and where they are told how it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from discretion.store.driver.database import Database, Document

COLLECTION = "mandates"


class Mandates:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, document: Mapping[str, Any]) -> None:
        """A new mandate.

        Raises:
            Conflict: ``DUPLICATE``; its agent has used this reference.
        """
        await self._database.insert_many(COLLECTION, [dict(document)])

    async def one(self, mandate: bytes, agent: str) -> Document | None:
        """The mandate with this id, if it is this agent's."""
        return await self._database.find_one(COLLECTION, {"_id": mandate, "agent": agent})

    async def referred(self, reference: str, agent: str) -> Document | None:
        """The mandate that an agent gave this reference."""
        return await self._database.find_one(COLLECTION, {"agent": agent, "reference": reference})

    async def any(self, mandate: bytes) -> Document | None:
        """The mandate with this id, whoever has it."""
        return await self._database.find_one(COLLECTION, {"_id": mandate})

    async def under(self, request: bytes, agent: str) -> Document | None:
        """The first mandate under which an agent filed a request."""
        wanted = {"requests": request, "agent": agent}
        return await self._database.find_one(COLLECTION, wanted, sort=[("at", 1), ("_id", 1)])

    async def due(self, now_ms: int, limit: int) -> list[Document]:
        """Mandates whose agents may have to be told something, the one that waited longest first."""
        return await self._database.find(
            COLLECTION, {"due": {"$lte": now_ms}}, sort=[("due", 1)], limit=limit
        )

    async def claim(self, mandate: bytes, due: int, until: int) -> bool:
        """Put off what is due until then, unless another process has; whether it was us."""
        found = {"_id": mandate, "due": due}
        return (await self._database.update_one(COLLECTION, found, {"$set": {"due": until}})).matched == 1

    async def told(self, mandate: bytes, callbacks: Sequence[Mapping[str, Any]], due: int) -> None:
        """Keep what each URL was told, and when to look again."""
        change = {"$set": {"callbacks": [dict(one) for one in callbacks], "due": due}}
        await self._database.update_one(COLLECTION, {"_id": mandate}, change)

    async def close(self, mandate: bytes, ends_ms: int) -> None:
        """Nobody has to be told anything more: forget the URLs now, and all of it then."""
        ends = datetime.fromtimestamp(ends_ms / 1000, UTC)
        change = {"$set": {"callbacks": [], "ends": ends}, "$unset": {"due": ""}}
        await self._database.update_one(COLLECTION, {"_id": mandate}, change)
