"""The endpoints of OpenDSR 2.0, and of OpenGDPR, as it was called in version 1.

    GET    /opendsr/discovery              supported identities and types of request
    GET    /opendsr/certificate.pem        the certificate that signs responses
    POST   /opendsr/v2/requests            file a request of a controller
    GET    /opendsr/v2/requests/{id}       status of a request
    DELETE /opendsr/v2/requests/{id}       cancel a request while it is pending

Every response is signed, under the header names of both versions. The signature covers the raw body, so
that a controller can verify before it parses.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from discretion.catalogue.model import Catalogue
from discretion.domain.agents.agent_register import AgentRegister
from discretion.domain.agents.agent_request import AgentRequestStatus
from discretion.domain.agents.delegated_requests import AgentFiling, DelegatedRequests
from discretion.domain.agents.status_map import OPENDSR_STATUSES
from discretion.domain.kit.egress import EgressClient
from discretion.domain.kit.strict_json import parse_strict_json
from discretion.edge.bearer_token import authenticate_agent
from discretion.edge.error_response import build_error_response
from discretion.edge.opendsr.certificate import SigningCertificate
from discretion.edge.opendsr.request_parser import (
    InvalidOpenDsrRequest,
    OpenDsrProblem,
    OpenDsrRequest,
    is_request_id,
    list_supported_identities,
    parse_opendsr_request,
)
from discretion.edge.opendsr.status import (
    build_cancellation_receipt,
    build_discovery,
    build_opendsr_status,
    build_receipt,
)
from discretion.edge.request_body import read_body
from discretion.errors import BadRequest, Conflict, DiscretionError, NotFound, Refusal, Unauthenticated
from discretion.law.jurisdiction import Right
from discretion.store.agents import Agent, AgentKind
from discretion.store.request_state import RequesterAssurance
from discretion.store.subject_request import RequestScope

MAX_BODY = 64 * 1024
HEADER_NAMES = ("OpenDSR", "OpenGDPR")
EndpointHandler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class OpenDsrEndpoints:
    """The endpoints. ``load_certificate`` returns what signs responses, ``api_base`` is the API's URL."""

    delegated_requests: DelegatedRequests
    agent_register: AgentRegister
    egress: EgressClient
    catalogue: Catalogue
    load_certificate: Callable[[], SigningCertificate]
    api_base: str
    now_ms: Callable[[], int]

    def routes(self) -> list[Route]:
        """Return every route, under the paths of both versions."""
        endpoints: list[tuple[str, str, EndpointHandler]] = [
            ("/opendsr/discovery", "GET", self._serve_discovery),
            ("/opendsr/v1/discovery", "GET", self._serve_discovery),
            ("/opendsr/v2/discovery", "GET", self._serve_discovery),
            ("/opendsr/certificate.pem", "GET", self._serve_certificate),
        ]
        for path, regulation in (("/opendsr/v2/requests", None), ("/opendsr/v1/opengdpr_requests", "gdpr")):
            endpoints += [
                (path, "POST", self._build_receive_handler(regulation)),
                (f"{path}/{{id}}", "GET", self._report_status),
                (f"{path}/{{id}}", "DELETE", self._cancel_request),
            ]
        return [
            Route(path, self._handle_errors(handler), methods=[method]) for path, method, handler in endpoints
        ]

    def _build_receive_handler(self, regulation: str | None) -> EndpointHandler:
        async def receive(request: Request) -> Response:
            agent = await authenticate_agent(request, self.agent_register, AgentKind.CONTROLLER)
            raw_body = await read_body(request, MAX_BODY)
            body = parse_strict_json(raw_body)
            if not isinstance(body, dict):
                raise BadRequest("BODY_INVALID", "The body is not a JSON object.")
            subject_request = parse_opendsr_request(body, self.catalogue, regulation)
            problems = (
                subject_request.problems
                if isinstance(subject_request, InvalidOpenDsrRequest)
                else self._check_callbacks(agent, subject_request)
            )
            if problems:
                return self._signed_response(_error_body(problems), 400)
            assert isinstance(subject_request, OpenDsrRequest)
            request_status = await self.delegated_requests.submit(agent, _build_filing(subject_request))
            return self._signed_response(
                build_receipt(request_status, base64.b64encode(raw_body).decode()), 201
            )

        return receive

    async def _report_status(self, request: Request) -> Response:
        agent = await authenticate_agent(request, self.agent_register, AgentKind.CONTROLLER)
        request_status = await self._find_own_request(agent, request)
        results_url = await self.delegated_requests.get_result_link(request_status)
        extra_fields = {} if results_url is None else {"results_url": results_url}
        return self._signed_response({**build_opendsr_status(request_status), **extra_fields})

    async def _cancel_request(self, request: Request) -> Response:
        agent = await authenticate_agent(request, self.agent_register, AgentKind.CONTROLLER)
        request_status = await self._find_own_request(agent, request)
        # This check gives the protocol's error. ``revoke`` itself refuses if a step has run meanwhile.
        if OPENDSR_STATUSES[request_status.state] != "pending":
            raise Conflict("REQUEST_UNDER_WAY", "Only a pending request can be cancelled.")
        await self.delegated_requests.revoke(agent, request_status.agent_request)
        return self._signed_response(build_cancellation_receipt(request_status, self.now_ms()), 202)

    async def _serve_discovery(self, _request: Request) -> Response:
        return self._signed_response(
            build_discovery(
                list_supported_identities(self.catalogue), f"{self.api_base}/opendsr/certificate.pem"
            )
        )

    async def _serve_certificate(self, _request: Request) -> Response:
        chain = self.load_certificate().chain
        return Response(chain, headers=self.signature_headers(chain), media_type="application/x-pem-file")

    async def _find_own_request(self, agent: Agent, request: Request) -> AgentRequestStatus:
        reference = request.path_params["id"]
        request_status = (
            await self.delegated_requests.get_status_by_reference(agent, reference)
            if is_request_id(reference)
            else None
        )
        if request_status is None or request_status.agent_request.kind is not AgentKind.CONTROLLER:
            raise NotFound("REQUEST_UNKNOWN", "This controller has no request with this id.")
        return request_status

    def _check_callbacks(self, agent: Agent, subject_request: OpenDsrRequest) -> tuple[OpenDsrProblem, ...]:
        """Return what is wrong with the callback URLs; each must be on a registered host."""
        problems = []
        for index, url in enumerate(subject_request.callbacks):
            try:
                self.egress.check_target(url, agent.hosts)
            except Refusal as refusal:
                problems.append(
                    OpenDsrProblem(refusal.code, f"status_callback_urls[{index}]: {refusal.message}")
                )
        return tuple(problems)

    def signature_headers(self, body: bytes) -> dict[str, str]:
        """Return the headers that name this processor and sign ``body``."""
        certificate = self.load_certificate()
        signature = certificate.sign(body)
        return {
            **{f"x-{name.lower()}-processor-domain": certificate.domain for name in HEADER_NAMES},
            **{f"x-{name.lower()}-signature": signature for name in HEADER_NAMES},
            "cache-control": "no-store",
        }

    def _signed_response(self, body: Mapping[str, object], code: int = 200) -> Response:
        raw_body = orjson.dumps(body)
        return Response(raw_body, code, self.signature_headers(raw_body), "application/json")

    def _handle_errors(self, handler: EndpointHandler) -> EndpointHandler:
        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except DiscretionError as error:
                return self._error_response(error)

        return handle

    def _error_response(self, error: DiscretionError) -> Response:
        """Return an error in the format of section 7.6; what a controller can correct is 400 (7.5)."""
        code = 400 if isinstance(error, Conflict) else error.status
        details = orjson.loads(bytes(build_error_response(error).body))["error"]
        response = self._signed_response(
            _error_body((OpenDsrProblem(details["code"], details["message"]),), code), code
        )
        if isinstance(error, Unauthenticated):
            # A response with status 401 must have a challenge (RFC 9110, section 15.5.2).
            response.headers["www-authenticate"] = 'Bearer realm="discretion"'
        return response


def _build_filing(subject_request: OpenDsrRequest) -> AgentFiling:
    """Return what to file; the controller has verified the identity and is liable for it (section 3.1)."""
    return AgentFiling(
        Right(subject_request.type),
        subject_request.identifiers,
        RequesterAssurance.OFFICE,
        RequestScope(),
        subject_request.regulation,
        subject_request.id,
        subject_request.callbacks,
    )


def _error_body(problems: tuple[OpenDsrProblem, ...], code: int = 400) -> dict[str, object]:
    error_list = [
        {"domain": "discretion", "reason": problem.code, "message": problem.message} for problem in problems
    ]
    return {"error": {"code": code, "message": problems[0].message, "errors": error_list}}
