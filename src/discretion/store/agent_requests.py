"""The ``mandates`` collection: what authorised agents filed, and the URLs to notify."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from discretion.law.jurisdiction import Right
from discretion.store.agents import AgentKind
from discretion.store.document import Document, MutableDocument, build_date, parse_readable
from discretion.store.driver.database import Database
from discretion.store.lease import LeasedCollection

COLLECTION = "mandates"


@dataclass(frozen=True, slots=True)
class StatusCallback:
    """A URL that is notified of each new status.

    Attributes:
        url: The URL.
        due: When the status is compared again (ms).
        acknowledged: Digest of the last body that it accepted; empty before the first.
        tries: Failures since then.
    """

    url: str
    due: int
    acknowledged: bytes = b""
    tries: int = 0


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """A request as an organisation filed it.

    Attributes:
        id: Id by which the organisation refers to it; not the id of a rights request.
        agent: Id of the organisation.
        kind: Kind of the organisation.
        right: The right that is exercised.
        request_ids: The rights requests that were filed for it.
        filed_at: When it was filed (ms).
        reference: The organisation's own id of it, unique for the organisation.
        regime: The law that the organisation named.
        callbacks: The URLs to notify.
        fence: Number of the lease of its worker.
    """

    id: bytes
    agent: str
    kind: AgentKind
    right: Right
    request_ids: tuple[bytes, ...]
    filed_at: int
    reference: str | None = None
    regime: str | None = None
    callbacks: tuple[StatusCallback, ...] = ()
    fence: int = 0

    @property
    def public_id(self) -> str:
        """The id as a UUID."""
        return str(uuid.UUID(bytes=self.id))


class AgentRequestStore:
    """The ``mandates`` collection: agent requests, and the leases of those that send their callbacks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leases = LeasedCollection(database, COLLECTION)

    async def add(self, agent_request: AgentRequest) -> None:
        """Add an agent request, whose callbacks are due at once.

        Raises:
            Conflict: ``DUPLICATE``; the agent has already used this reference.
        """
        document = {**build_agent_request(agent_request), "next": agent_request.filed_at, "until": 0}
        await self._database.insert_many(COLLECTION, [document])

    async def find_for_agent(self, agent_request: bytes, agent: str) -> AgentRequest | None:
        """Return the agent request with this id, or None if it does not exist or belongs to another agent."""
        # The agent is part of the query. A request of another agent and one that does not exist take the same
        # path, so an agent cannot find out which ids exist.
        return await self._find({"_id": agent_request, "agent": agent})

    async def find_by_reference(self, reference: str, agent: str) -> AgentRequest | None:
        """Return the agent request to which the agent gave this reference."""
        return await self._find({"agent": agent, "reference": reference})

    async def find(self, agent_request: bytes) -> AgentRequest | None:
        """Return the agent request with this id, whichever agent filed it."""
        return await self._find({"_id": agent_request})

    async def take_due(self, now: int, until: int, limit: int) -> list[AgentRequest]:
        """Lease the agent requests whose callbacks are due longest, until a time (ms)."""
        return parse_readable(await self._leases.take_due(now, until, limit), parse_agent_request)

    async def save_callbacks(
        self, agent_request: AgentRequest, callbacks: Sequence[StatusCallback], next_at: int
    ) -> bool:
        """Save the state of each callback URL and when to look again, and end the lease.

        Return whether it was still held.
        """
        stored = [_build_callback(callback) for callback in callbacks]
        change = {"callbacks": stored, "next": next_at, "until": 0}
        return await self._leases.save(agent_request.id, agent_request.fence, change)

    async def close(self, agent_request: AgentRequest, delete_at_ms: int) -> bool:
        """Delete the callback URLs now, and have MongoDB delete the document at ``delete_at_ms``.

        Return whether its lease was still held.
        """
        # Without ``next`` no worker takes the document while it waits for MongoDB to delete it.
        change = {"callbacks": [], "ends": build_date(delete_at_ms), "next": None, "until": 0}
        return await self._leases.save(agent_request.id, agent_request.fence, change)

    async def _find(self, query: MutableDocument) -> AgentRequest | None:
        document = await self._database.find_one(COLLECTION, query)
        return None if document is None else parse_agent_request(document)


def build_agent_request(agent_request: AgentRequest) -> MutableDocument:
    """Build the stored document of an agent request, without its lease."""
    return {
        "_id": agent_request.id,
        "agent": agent_request.agent,
        "kind": agent_request.kind.value,
        "right": agent_request.right.value,
        "requests": list(agent_request.request_ids),
        "at": agent_request.filed_at,
        "callbacks": [_build_callback(callback) for callback in agent_request.callbacks],
        "fence": agent_request.fence,
        **({"reference": agent_request.reference} if agent_request.reference else {}),
        **({"regime": agent_request.regime} if agent_request.regime else {}),
    }


def parse_agent_request(document: Document) -> AgentRequest:
    """Parse a stored agent request."""
    return AgentRequest(
        document["_id"],
        document["agent"],
        AgentKind(document["kind"]),
        Right(document["right"]),
        tuple(document["requests"]),
        document["at"],
        document.get("reference"),
        document.get("regime"),
        tuple(
            StatusCallback(callback["url"], callback["due"], callback["told"], callback["tries"])
            for callback in document["callbacks"]
        ),
        document["fence"],
    )


def _build_callback(callback: StatusCallback) -> MutableDocument:
    return {
        "url": callback.url,
        "told": callback.acknowledged,
        "tries": callback.tries,
        "due": callback.due,
    }
