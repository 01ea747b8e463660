"""The register of agents and controllers, and their bearer tokens.

A token has 256 random bits and is stored as a SHA-256 digest. A value of this size cannot be guessed, so a
slow hash is not needed. An organisation has one token; a new token replaces the previous one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from discretion.errors import NotFound
from discretion.store.agents import Agent, AgentKind, AgentStore

TOKEN_BYTES = 32
MAX_TOKEN_LENGTH = 200


class AgentRegister:
    """The organisations that may file requests for people."""

    def __init__(
        self, agents: AgentStore, entropy: Callable[[int], bytes], now_ms: Callable[[], int]
    ) -> None:
        self._agents = agents
        self._entropy = entropy
        self._now_ms = now_ms

    async def register(self, agent: Agent) -> None:
        """Add an agent, or replace its description. An existing token stays valid."""
        await self._agents.save(agent)

    async def issue_token(self, id: str, kind: AgentKind) -> str:  # noqa: A002
        """Return a new token of an agent. The previous token stops working at once.

        Raises:
            NotFound: ``AGENT_UNKNOWN``.
        """
        token = base64.urlsafe_b64encode(self._entropy(TOKEN_BYTES)).rstrip(b"=").decode()
        if not await self._agents.set_token(id, kind, _digest_token(token), self._now_ms()):
            raise build_unknown_agent_error(id)
        return token

    async def find_by_id(self, id: str, kind: AgentKind) -> Agent | None:  # noqa: A002
        """Return the agent with an id."""
        return await self._agents.find(id, kind)

    async def find_by_token(self, token: str, kind: AgentKind) -> Agent | None:
        """Return the agent that a token belongs to."""
        if not 0 < len(token) <= MAX_TOKEN_LENGTH:
            return None
        return await self._agents.find_by_token(_digest_token(token), kind)

    async def list_all(self) -> list[Agent]:
        """Return all registered organisations, sorted by id."""
        return await self._agents.list_all()

    async def remove(self, id: str) -> None:  # noqa: A002
        """Remove an agent. Its token stops working at once.

        Raises:
            NotFound: ``AGENT_UNKNOWN``.
        """
        if not await self._agents.remove(id):
            raise build_unknown_agent_error(id)


def build_unknown_agent_error(id: str) -> NotFound:  # noqa: A002
    """Return the error for an unregistered agent. It may quote the id, which names no person."""
    return NotFound("AGENT_UNKNOWN", f"No agent {id!r} is registered.", "See: discretion agent list")


def _digest_token(token: str) -> bytes:
    # "surrogatepass": text with lone surrogates matches no token, but must not raise an error.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
