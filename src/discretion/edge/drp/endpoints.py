"""The endpoints of the Data Rights Protocol (section 2).

    POST   /v1/data-rights-request        file a request                signed
    GET    /v1/data-rights-request/{id}   status of a request
    DELETE /v1/data-rights-request/{id}   revoke a request              signed
    POST   /v1/agent/{id}                 get a token                   signed
    GET    /v1/agent/{id}                 check a token
    GET    /.well-known/data-rights.json  the directory entry

Paths may end in a slash. A request of another agent gets the same response as one that does not exist, so
that an agent cannot find out which ids exist.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from discretion.domain.agents.agent import load_agent_public_key
from discretion.domain.agents.agent_register import AgentRegister
from discretion.domain.agents.agent_request import AgentRequestStatus, parse_agent_request_id
from discretion.domain.agents.delegated_requests import AgentFiling, DelegatedRequests
from discretion.domain.ingest.message import ExternalIdentifier
from discretion.domain.kit.egress import EgressClient
from discretion.edge.bearer_token import authenticate_agent, read_bearer_token
from discretion.edge.drp.error_response import build_drp_error
from discretion.edge.drp.request_claims import ExerciseRequest, check_version, parse_exercise
from discretion.edge.drp.signed_request import (
    SignedEnvelope,
    ValidityWindow,
    check_parties,
    check_validity,
    decode_envelope,
    verify_envelope,
)
from discretion.edge.drp.status import build_drp_status
from discretion.edge.request_body import read_body
from discretion.errors import BadRequest, Conflict, DiscretionError, Fault, Forbidden, Refusal
from discretion.store.agents import Agent, AgentKind, ReplayStore
from discretion.store.request_state import RequesterAssurance

MAX_BODY = 64 * 1024
_PRIVATE = {"cache-control": "no-store"}
EndpointHandler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class DrpEndpoints:
    """The endpoints. ``directory_entry`` is the entry in the directory, ``api_base`` the URL of the API."""

    delegated_requests: DelegatedRequests
    agent_register: AgentRegister
    replays: ReplayStore
    egress: EgressClient
    directory_entry: dict[str, Any]
    api_base: str
    now_ms: Callable[[], int]

    def routes(self) -> list[Route]:
        """Return every route, with and without a slash at the end."""
        endpoints: list[tuple[str, str, EndpointHandler]] = [
            ("/v1/data-rights-request", "POST", self._exercise_right),
            ("/v1/data-rights-request/{id}", "GET", self._report_status),
            ("/v1/data-rights-request/{id}", "DELETE", self._revoke_request),
            ("/v1/agent/{id}", "POST", self._issue_token),
            ("/v1/agent/{id}", "GET", self._check_token),
            ("/.well-known/data-rights.json", "GET", self._serve_directory),
        ]
        return [
            Route(f"{path}{slash}", _handle_errors(handler), methods=[method])
            for path, method, handler in endpoints
            for slash in ("", "/")
        ]

    async def _exercise_right(self, request: Request) -> Response:
        envelope, agent, claims = await self._read_signed_request(request)
        check_parties(claims, agent.id, self.directory_entry["id"])
        validity = check_validity(claims, self.now_ms())
        exercise_request = parse_exercise(claims)
        filing = _build_filing(exercise_request, self._callback_urls(agent, exercise_request))
        # The replay check is last: a request that another check refused may be corrected and sent again.
        # If the process ends between this line and the filing, the agent has to sign a new message. The other
        # order could file one message twice.
        digest = await self._reject_replay(agent, envelope, validity)
        try:
            return self._status_response(await self.delegated_requests.submit(agent, filing))
        except Fault:  # nothing was filed, so the same bytes may be sent again
            await self.replays.forget(digest)
            raise

    async def _report_status(self, request: Request) -> Response:
        request_status = await self._find_own_request(
            request, await authenticate_agent(request, self.agent_register, AgentKind.AGENT)
        )
        results_url = await self.delegated_requests.get_result_link(request_status)
        extra_fields = {} if results_url is None else {"results_url": results_url}
        return _json_response({**build_drp_status(request_status, self.api_base), **extra_fields})

    async def _revoke_request(self, request: Request) -> Response:
        """Revoke a request.

        The protocol requires neither the parties nor a time in this message (section 2.04). Where they are
        present they are checked. A replay does no harm: the request stays revoked.
        """
        _, agent, claims = await self._read_signed_request(request)
        if claims.keys() & {"agent-id", "business-id"}:
            check_parties(claims, agent.id, self.directory_entry["id"])
        if claims.keys() & {"issued-at", "expires-at"}:
            check_validity(claims, self.now_ms())
        if not isinstance(claims.get("reason", ""), str):
            raise BadRequest("DRP_REASON", "'reason' takes text.")
        request_status = await self._find_own_request(request, agent)
        return self._status_response(
            await self.delegated_requests.revoke(agent, request_status.agent_request)
        )

    async def _issue_token(self, request: Request) -> Response:
        """Issue a token. Every refusal is a 403 without a reason (section 2.05.1)."""
        try:
            agent = await self.agent_register.find_by_id(request.path_params["id"], AgentKind.AGENT)
            envelope = decode_envelope(await read_body(request, MAX_BODY))
            if agent is None:
                return Response(status_code=403)
            claims = verify_envelope(envelope, load_agent_public_key(agent))
            check_parties(claims, agent.id, self.directory_entry["id"])
            validity = check_validity(claims, self.now_ms())
            check_version(claims)
            await self._reject_replay(agent, envelope, validity)
        except Refusal:
            return Response(status_code=403)
        return _json_response(
            {"agent-id": agent.id, "token": await self.agent_register.issue_token(agent.id, AgentKind.AGENT)}
        )

    async def _check_token(self, request: Request) -> Response:
        if read_bearer_token(request) is None:
            await authenticate_agent(request, self.agent_register, AgentKind.AGENT)
        agent = await self.agent_register.find_by_token(read_bearer_token(request) or "", AgentKind.AGENT)
        if agent is None or agent.id != request.path_params["id"]:
            raise Forbidden("DRP_AGENT", "The token is not this agent's.")
        return _json_response({})

    async def _serve_directory(self, _request: Request) -> Response:
        return Response(
            orjson.dumps(self.directory_entry),
            headers={"cache-control": "public, max-age=3600"},
            media_type="application/json",
        )

    async def _read_signed_request(self, request: Request) -> tuple[SignedEnvelope, Agent, dict[str, object]]:
        """Make the first two checks: the body decodes, and the agent that the token belongs to signed it."""
        envelope = decode_envelope(await read_body(request, MAX_BODY))
        agent = await authenticate_agent(request, self.agent_register, AgentKind.AGENT)
        return envelope, agent, verify_envelope(envelope, load_agent_public_key(agent))

    async def _reject_replay(self, agent: Agent, envelope: SignedEnvelope, validity: ValidityWindow) -> bytes:
        """Remember a message until it expires, and refuse it if it is remembered already.

        The stored digest is keyed, so that nobody who reads it can test guesses of an e-mail address.

        Raises:
            Conflict: ``DRP_REPLAYED``.
        """
        digest = self.delegated_requests.blind_index.index(
            "replay", agent.id, envelope.message.decode("latin-1")
        )
        # One millisecond longer than the message, which is still valid at ``expires``.
        if not await self.replays.remember(digest, validity.expires + 1):
            raise Conflict("DRP_REPLAYED", "This message was received already.", "Make and sign a new one.")
        return digest

    async def _find_own_request(self, request: Request, agent: Agent) -> AgentRequestStatus:
        agent_request_id = parse_agent_request_id(request.path_params["id"])
        request_status = (
            None
            if agent_request_id is None
            else await self.delegated_requests.get_status(agent, agent_request_id)
        )
        if request_status is None or request_status.agent_request.kind is not AgentKind.AGENT:
            raise Forbidden("DRP_REQUEST", "The request is not one of this agent's.")
        return request_status

    def _callback_urls(self, agent: Agent, exercise_request: ExerciseRequest) -> tuple[str, ...]:
        if exercise_request.callback is None:
            return ()
        try:
            # Only registered hosts of the agent: otherwise a request could make this server call any address.
            self.egress.check_target(exercise_request.callback, agent.hosts)
        except Refusal as refusal:
            raise BadRequest("DRP_CALLBACK", refusal.message, refusal.advice) from None
        return (exercise_request.callback,)

    def _status_response(self, request_status: AgentRequestStatus) -> Response:
        return _json_response(build_drp_status(request_status, self.api_base))


def _build_filing(exercise_request: ExerciseRequest, callbacks: tuple[str, ...]) -> AgentFiling:
    """Return what to file, with the identifiers that the agent verified, or all if it verified none."""
    # An identifier that is not verified may belong to another person, so it is not used beside a verified
    # one.
    verified_claims = [claim for claim in exercise_request.claims if claim.is_verified]
    return AgentFiling(
        exercise_request.right,
        tuple(
            ExternalIdentifier(claim.identifier_type, claim.value)
            for claim in verified_claims or exercise_request.claims
        ),
        RequesterAssurance.AGENT if verified_claims else RequesterAssurance.NONE,
        exercise_request.scope,
        exercise_request.regime,
        exercise_request.reference,
        callbacks,
    )


def _handle_errors(handler: EndpointHandler) -> EndpointHandler:
    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except DiscretionError as error:
            return build_drp_error(error)

    return handle


def _json_response(body: dict[str, object]) -> Response:
    return Response(orjson.dumps(body), headers=_PRIVATE, media_type="application/json")
