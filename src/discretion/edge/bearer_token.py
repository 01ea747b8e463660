"""Authentication of agents and controllers by the bearer token of a request (RFC 6750, section 2.1)."""

from __future__ import annotations

from starlette.requests import Request

from discretion.domain.agents.agent_register import AgentRegister
from discretion.errors import Unauthenticated
from discretion.store.agents import Agent, AgentKind


def read_bearer_token(request: Request) -> str | None:
    """Return the bearer token of a request; None if it has none, or more than one header."""
    values = request.headers.getlist("authorization")
    # With two headers, a proxy and this server may each read a different one.
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def authenticate_agent(request: Request, agent_register: AgentRegister, kind: AgentKind) -> Agent:
    """Return the agent or controller that the token of a request belongs to.

    Raises:
        Unauthenticated: ``AGENT_TOKEN``: no token, or none of a registered organisation of this kind.
    """
    token = read_bearer_token(request)
    agent = None if token is None else await agent_register.find_by_token(token, kind)
    if agent is None:
        raise Unauthenticated(
            "AGENT_TOKEN",
            "The bearer token is missing or belongs to no registered organisation.",
            "Send it as 'Authorization: Bearer <token>'.",
        )
    return agent
