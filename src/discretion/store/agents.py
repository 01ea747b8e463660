"""The ``agents`` and ``replays`` collections: registered agents, and signed requests already received."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discretion.errors import Conflict
from discretion.store.document import MutableDocument, build_date
from discretion.store.driver.database import Database

AGENTS = "agents"
REPLAYS = "replays"


class AgentStore:
    """The ``agents`` collection. ``kind`` is the protocol by which an agent files requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, agent: str, content: Mapping[str, Any]) -> None:
        """Save the data of an agent; an existing token stays valid."""
        await self._database.update_one(AGENTS, {"_id": agent}, {"$set": dict(content)}, upsert=True)

    async def set_token(self, agent: str, kind: str, digest: bytes, issued_at: int) -> bool:
        """Replace an agent's token by the one with this digest.

        Return False if there is no such agent.
        """
        # Only the digest is stored, so no usable token can be read from the database or from a backup.
        change = {"$set": {"digest": digest, "issued": issued_at}}
        result = await self._database.update_one(AGENTS, {"_id": agent, "kind": kind}, change)
        return result.matched == 1

    async def find(self, agent: str, kind: str) -> MutableDocument | None:
        """Return the agent with this id."""
        return await self._database.find_one(AGENTS, {"_id": agent, "kind": kind})

    async def find_by_token(self, digest: bytes, kind: str) -> MutableDocument | None:
        """Return the agent whose token has this digest."""
        return await self._database.find_one(AGENTS, {"digest": digest, "kind": kind})

    async def list_all(self) -> list[MutableDocument]:
        """List all agents, sorted by id."""
        return await self._database.find(AGENTS, {}, sort=[("_id", 1)])

    async def remove(self, agent: str) -> bool:
        """Delete an agent, and return False if it did not exist."""
        return await self._database.delete_many(AGENTS, {"_id": agent}) == 1


class ReplayStore:
    """The ``replays`` collection: digests of signed requests that must not be accepted a second time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remember(self, digest: bytes, until_ms: int) -> bool:
        """Store a digest durably until it expires, and return False if it is already stored."""
        # MongoDB deletes an expired document some time after its date and never before. So no replay is
        # accepted while its signature is valid.
        # The unique ``_id`` decides between processes that receive the same bytes at the same time. A read
        # before the insert would let both accept them.
        try:
            await self._database.insert_many(REPLAYS, [{"_id": digest, "expires": build_date(until_ms)}])
        except Conflict:
            return False
        return True

    async def forget(self, digest: bytes) -> None:
        """Delete a digest, because its request had no effect and may be sent again."""
        await self._database.delete_many(REPLAYS, {"_id": digest})
