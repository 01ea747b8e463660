"""The register of agents: who they are, and the tokens by which they are known at the door.

A token is made by us, 256 bits, and kept as a digest: nothing of that size can be guessed, so it needs no
slow hash. An agent has one; a new one takes the place of the one before.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from discretion.domain.agents.agent import Agent, Kind
from discretion.errors import NotFound
from discretion.store.agents import Agents

TOKEN_BYTES = 32
MAX_TOKEN = 200


class Register:
    """Who may file requests for others."""

    def __init__(self, agents: Agents, entropy: Callable[[int], bytes], now_ms: Callable[[], int]) -> None:
        self._agents = agents
        self._entropy = entropy
        self._now_ms = now_ms

    async def enter(self, agent: Agent) -> None:
        """Put an agent in the register, or change what is known of it. A token it has stays its own."""
        content: dict[str, Any] = {name: value for name, value in asdict(agent).items() if name != "id"}
        content |= {"kind": agent.kind.value, "hosts": list(agent.hosts)}
        await self._agents.put(agent.id, content)

    async def entrust(self, id: str, kind: Kind) -> str:  # noqa: A002
        """A new token of an agent; the one before stops working at once.

        Raises:
            NotFound: ``AGENT_UNKNOWN``.
        """
        token = base64.urlsafe_b64encode(self._entropy(TOKEN_BYTES)).rstrip(b"=").decode()
        if not await self._agents.entrust(id, kind.value, _digest(token), self._now_ms()):
            raise unknown(id)
        return token

    async def named(self, id: str, kind: Kind) -> Agent | None:  # noqa: A002
        """The agent with this id."""
        return _agent(await self._agents.one(id, kind.value))

    async def holding(self, token: str, kind: Kind) -> Agent | None:
        """The agent that holds this token."""
        if not 0 < len(token) <= MAX_TOKEN:
            return None
        return _agent(await self._agents.holder(_digest(token), kind.value))

    async def all(self) -> list[Agent]:
        """Everybody in the register, by id."""
        return [one for found in await self._agents.all() if (one := _agent(found)) is not None]

    async def strike(self, id: str) -> None:  # noqa: A002
        """Take an agent out of the register; its token stops working at once.

        Raises:
            NotFound: ``AGENT_UNKNOWN``.
        """
        if not await self._agents.remove(id):
            raise unknown(id)


def unknown(id: str) -> NotFound:  # noqa: A002
    """The error for an agent that is not in the register; an id is an organisation's and shown."""
    return NotFound("AGENT_UNKNOWN", f"No {id!r} is registered.", "See: discretion agent list")


def _agent(found: dict[str, Any] | None) -> Agent | None:
    if found is None:
        return None
    return Agent(
        id=found["_id"],
        kind=Kind(found["kind"]),
        hosts=tuple(found["hosts"]),
        verify_key=bytes(found["verify_key"]),
        **{name: found[name] for name in ("name", "web", "assurance", "contact")},
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
