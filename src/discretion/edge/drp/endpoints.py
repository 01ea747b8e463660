"""The endpoints of the Data Rights Protocol (section 2).

    POST   /v1/data-rights-request        exercise a right              signed
    GET    /v1/data-rights-request/{id}   how it stands
    DELETE /v1/data-rights-request/{id}   take it back                  signed
    POST   /v1/agent/{id}                 get a token                   signed
    GET    /v1/agent/{id}                 is the token still good
    GET    /.well-known/data-rights.json  our entry in the directory

A path may end in a slash. A request of another agent's and one that does not exist are answered alike.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from discretion.domain.agents.agent import Agent, Kind, public_key
from discretion.domain.agents.agent_register import Register
from discretion.domain.agents.agent_request import Standing, parse
from discretion.domain.agents.delegated_requests import Desk, Filing
from discretion.domain.ingest.message import Identifier
from discretion.domain.kit.egress import Outward
from discretion.domain.requests.model import Assurance
from discretion.edge.bearer_token import known, presented
from discretion.edge.drp.error_response import problem
from discretion.edge.drp.request_claims import Exercise, exercise, version
from discretion.edge.drp.signed_request import Envelope, Window, addressed, opened, timely, verified
from discretion.edge.drp.status import status
from discretion.edge.request_body import whole
from discretion.errors import BadRequest, Conflict, DiscretionError, Fault, Forbidden, Refusal
from discretion.store.agents import Replays

MAX_BODY = 64 * 1024
_PRIVATE = {"cache-control": "no-store"}
Answer = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class DataRights:
    """See the module. ``document`` is our entry in the directory, ``base`` the address of our API."""

    desk: Desk
    register: Register
    replays: Replays
    outward: Outward
    document: dict[str, Any]
    base: str
    now_ms: Callable[[], int]

    def routes(self) -> list[Route]:
        """Every endpoint, with and without a slash at the end."""
        ends: list[tuple[str, str, Answer]] = [
            ("/v1/data-rights-request", "POST", self._exercise),
            ("/v1/data-rights-request/{id}", "GET", self._status),
            ("/v1/data-rights-request/{id}", "DELETE", self._revoke),
            ("/v1/agent/{id}", "POST", self._set_up),
            ("/v1/agent/{id}", "GET", self._agent),
            ("/.well-known/data-rights.json", "GET", self._directory),
        ]
        return [
            Route(f"{path}{slash}", _guarded(answer), methods=[method])
            for path, method, answer in ends
            for slash in ("", "/")
        ]

    async def _exercise(self, request: Request) -> Response:
        envelope, agent, claims = await self._signed(request)
        addressed(claims, agent.id, self.document["id"])
        window = timely(claims, self.now_ms())
        asked = exercise(claims)
        filing = _filing(asked, self._callbacks(agent, asked))
        digest = await self._once(agent, envelope, window)
        try:
            return self._told(await self.desk.take(agent, filing))
        except Fault:  # it may be sent again as it is
            await self.replays.forget(digest)
            raise

    async def _status(self, request: Request) -> Response:
        standing = await self._own(request, await known(request, self.register, Kind.AGENT))
        results = await self.desk.results(standing)
        more = {} if results is None else {"results_url": results}
        return _json({**status(standing, self.base), **more})

    async def _revoke(self, request: Request) -> Response:
        """What is signed names neither us nor a time (section 2.04); where it does, that has to hold."""
        _, agent, claims = await self._signed(request)
        if claims.keys() & {"agent-id", "business-id"}:
            addressed(claims, agent.id, self.document["id"])
        if claims.keys() & {"issued-at", "expires-at"}:
            timely(claims, self.now_ms())
        if not isinstance(claims.get("reason", ""), str):
            raise BadRequest("DRP_REASON", "'reason' takes text.")
        standing = await self._own(request, agent)
        return self._told(await self.desk.revoke(agent, standing.mandate))

    async def _set_up(self, request: Request) -> Response:
        """Whatever does not hold, the answer is 403 and says nothing (section 2.05.1)."""
        try:
            agent = await self.register.named(request.path_params["id"], Kind.AGENT)
            envelope = opened(await whole(request, MAX_BODY))
            if agent is None:
                return Response(status_code=403)
            claims = verified(envelope, public_key(agent))
            addressed(claims, agent.id, self.document["id"])
            window = timely(claims, self.now_ms())
            version(claims)
            await self._once(agent, envelope, window)
        except Refusal:
            return Response(status_code=403)
        return _json({"agent-id": agent.id, "token": await self.register.entrust(agent.id, Kind.AGENT)})

    async def _agent(self, request: Request) -> Response:
        if presented(request) is None:
            await known(request, self.register, Kind.AGENT)
        agent = await self.register.holding(presented(request) or "", Kind.AGENT)
        if agent is None or agent.id != request.path_params["id"]:
            raise Forbidden("DRP_AGENT", "The token is not this agent's.")
        return _json({})

    async def _directory(self, _request: Request) -> Response:
        return Response(
            orjson.dumps(self.document),
            headers={"cache-control": "public, max-age=3600"},
            media_type="application/json",
        )

    async def _signed(self, request: Request) -> tuple[Envelope, Agent, dict[str, Any]]:
        """The first two checks: the body decodes, and is signed by the agent whose token came with it."""
        envelope = opened(await whole(request, MAX_BODY))
        agent = await known(request, self.register, Kind.AGENT)
        return envelope, agent, verified(envelope, public_key(agent))

    async def _once(self, agent: Agent, envelope: Envelope, window: Window) -> bytes:
        """Hear a message for the first time only. Its digest is keyed: no address can be tried on it."""
        digest = self.desk.blind.of("replay", agent.id, envelope.message.decode("latin-1"))
        if not await self.replays.first(digest, window.expires + 1):
            raise Conflict("DRP_REPLAYED", "This request was made already.", "Make and sign a new one.")
        return digest

    async def _own(self, request: Request, agent: Agent) -> Standing:
        name = parse(request.path_params["id"])
        found = None if name is None else await self.desk.status(agent, name)
        if found is None or found.mandate.kind is not Kind.AGENT:
            raise Forbidden("DRP_REQUEST", "The request is not one of this agent's.")
        return found

    def _callbacks(self, agent: Agent, asked: Exercise) -> tuple[str, ...]:
        if asked.callback is None:
            return ()
        try:
            self.outward.target(asked.callback, agent.hosts)
        except Refusal as refused:
            raise BadRequest("DRP_CALLBACK", refused.message, refused.advice) from None
        return (asked.callback,)

    def _told(self, standing: Standing) -> Response:
        return _json(status(standing, self.base))


def _filing(asked: Exercise, callbacks: tuple[str, ...]) -> Filing:
    """What the agent has verified counts; only where it verified nothing does the rest."""
    vouched = [one for one in asked.claims if one.vouched]
    return Filing(
        asked.right,
        tuple(Identifier(one.kind, one.value) for one in vouched or asked.claims),
        Assurance.AGENT if vouched else Assurance.NONE,
        asked.scope,
        asked.regime,
        asked.reference,
        callbacks,
    )


def _guarded(answer: Answer) -> Answer:
    async def guarded(request: Request) -> Response:
        try:
            return await answer(request)
        except DiscretionError as error:
            return problem(error)

    return guarded


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), headers=_PRIVATE, media_type="application/json")
