"""The token of an organisation in a request's header (RFC 6750, section 2.1)."""

from __future__ import annotations

from starlette.requests import Request

from discretion.domain.agents.agent import Agent, Kind
from discretion.domain.agents.agent_register import Register
from discretion.errors import Unauthenticated


def presented(request: Request) -> str | None:
    """The one bearer token that a request has, or None."""
    values = request.headers.getlist("authorization")
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def known(request: Request, register: Register, kind: Kind) -> Agent:
    """The organisation whose token a request has.

    Raises:
        Unauthenticated: ``AGENT_TOKEN``.
    """
    token = presented(request)
    found = None if token is None else await register.holding(token, kind)
    if found is None:
        raise Unauthenticated(
            "AGENT_TOKEN",
            "The bearer token is missing or not one of ours.",
            "Send it as 'Authorization: Bearer <token>'.",
        )
    return found
