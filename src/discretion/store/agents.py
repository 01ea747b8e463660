"""The ``agents`` and ``replays`` collections: who asks for others, and what they have asked already."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from discretion.errors import Conflict
from discretion.store.driver.database import Database, Document

AGENTS = "agents"
REPLAYS = "replays"


class Agents:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, agent: str, content: Mapping[str, Any]) -> None:
        """Keep what is known of an agent; its token, if it has one, stays."""
        await self._database.update_one(AGENTS, {"_id": agent}, {"$set": dict(content)}, upsert=True)

    async def entrust(self, agent: str, kind: str, digest: bytes, at: int) -> bool:
        """Give an agent the token of this digest in the place of the one before; False if it is not there."""
        change = {"$set": {"digest": digest, "issued": at}}
        done = await self._database.update_one(AGENTS, {"_id": agent, "kind": kind}, change)
        return done.matched == 1

    async def one(self, agent: str, kind: str) -> Document | None:
        """The agent with this id."""
        return await self._database.find_one(AGENTS, {"_id": agent, "kind": kind})

    async def holder(self, digest: bytes, kind: str) -> Document | None:
        """The agent whose token has this digest."""
        return await self._database.find_one(AGENTS, {"digest": digest, "kind": kind})

    async def all(self) -> list[Document]:
        """Every agent, by id."""
        return await self._database.find(AGENTS, {}, sort=[("_id", 1)])

    async def remove(self, agent: str) -> bool:
        """Forget an agent; False if it was not there."""
        return await self._database.delete_many(AGENTS, {"_id": agent}) == 1


class Replays:
    """What was asked once and may not be asked again until it has expired anyway."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def first(self, digest: bytes, until_ms: int) -> bool:
        """Remember a digest until then, durably; False if it is remembered already."""
        expires = datetime.fromtimestamp(until_ms / 1000, UTC)
        try:
            await self._database.insert_many(REPLAYS, [{"_id": digest, "expires": expires}])
        except Conflict:
            return False
        return True

    async def forget(self, digest: bytes) -> None:
        """What was remembered came to nothing: it may be asked again."""
        await self._database.delete_many(REPLAYS, {"_id": digest})
