"""The ``mandates`` collection: what authorised agents filed, and the URLs to notify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database
from discretion.store.lease import LeasedCollection

COLLECTION = "mandates"


class AgentRequestStore:
    """The ``mandates`` collection. A document is one agent request; see ``schema.agents`` for its keys."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.leases = LeasedCollection(database, COLLECTION)

    async def add(self, document: Mapping[str, Any]) -> None:
        """Add an agent request.

        Raises:
            Conflict: ``DUPLICATE``; the agent has already used this reference.
        """
        await self._database.insert_many(COLLECTION, [dict(document)])

    async def find_for_agent(self, agent_request: bytes, agent: str) -> MutableDocument | None:
        """Return the agent request with this id, or None if it does not exist or belongs to another agent."""
        # The agent is part of the query. A request of another agent and one that does not exist take the same
        # path, so an agent cannot find out which ids exist.
        return await self._database.find_one(COLLECTION, {"_id": agent_request, "agent": agent})

    async def find_by_reference(self, reference: str, agent: str) -> MutableDocument | None:
        """Return the agent request to which the agent gave this reference."""
        return await self._database.find_one(COLLECTION, {"agent": agent, "reference": reference})

    async def find(self, agent_request: bytes) -> MutableDocument | None:
        """Return the agent request with this id, whichever agent filed it."""
        return await self._database.find_one(COLLECTION, {"_id": agent_request})

    async def find_by_request(self, request: bytes, agent: str) -> MutableDocument | None:
        """Return the earliest agent request of this agent that contains a rights request."""
        query = {"requests": request, "agent": agent}
        return await self._database.find_one(COLLECTION, query, sort=[("at", 1), ("_id", 1)])

    async def save_callbacks(
        self, agent_request: bytes, fence: int, callbacks: Sequence[Mapping[str, Any]], next_at: int
    ) -> bool:
        """Save the state of each callback URL and when to look again, and give the document back.

        Return whether its lease was still held.
        """
        change = {"callbacks": [dict(callback) for callback in callbacks], "next": next_at, "until": 0}
        return await self.leases.save(agent_request, fence, change)

    async def close(self, agent_request: bytes, fence: int, delete_at_ms: int) -> bool:
        """Delete the callback URLs now, and have MongoDB delete the document at ``delete_at_ms``.

        Return whether its lease was still held.
        """
        delete_at = datetime.fromtimestamp(delete_at_ms / 1000, UTC)
        # Without ``next`` no worker takes the document while it waits for MongoDB to delete it.
        change = {"callbacks": [], "ends": delete_at, "next": None, "until": 0}
        return await self.leases.save(agent_request, fence, change)
