"""The endpoints of OpenDSR 2.0, and of OpenGDPR, as it was called in version 1.

    GET    /opendsr/discovery              what can be asked of us
    GET    /opendsr/certificate.pem        what our answers are signed with
    POST   /opendsr/v2/requests            a request of a controller
    GET    /opendsr/v2/requests/{id}       how it stands
    DELETE /opendsr/v2/requests/{id}       take it back, while nothing is done

Every answer is signed, under the header names of both versions: the signature is over the raw body, so that a
controller verifies before it parses.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from discretion.catalogue.model import Catalogue
from discretion.domain.agents.agent import Agent, Kind
from discretion.domain.agents.agent_register import Register
from discretion.domain.agents.agent_request import Standing
from discretion.domain.agents.delegated_requests import Desk, Filing
from discretion.domain.agents.status_map import OPENDSR
from discretion.domain.kit.egress import Outward
from discretion.domain.requests.model import Assurance
from discretion.edge.bearer_token import known
from discretion.edge.error_response import problem
from discretion.edge.opendsr.certificate import Seal
from discretion.edge.opendsr.request_parser import Asked, Problem, Wrong, asked, request_id, supported
from discretion.edge.opendsr.status import cancelled, discovery, received, status
from discretion.edge.request_body import whole
from discretion.edge.strict_json import strict_json
from discretion.errors import BadRequest, Conflict, DiscretionError, NotFound, Refusal, Unauthenticated
from discretion.law.jurisdiction import Right

MAX_BODY = 64 * 1024
NAMES = ("OpenDSR", "OpenGDPR")
Answer = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class OpenDSR:
    """See the module. ``seal`` is what answers are signed with, ``base`` the address of our API."""

    desk: Desk
    register: Register
    outward: Outward
    catalogue: Catalogue
    seal: Callable[[], Seal]
    base: str
    now_ms: Callable[[], int]

    def routes(self) -> list[Route]:
        """Every endpoint, under its names in both versions."""
        ends: list[tuple[str, str, Answer]] = [
            ("/opendsr/discovery", "GET", self._discovery),
            ("/opendsr/v1/discovery", "GET", self._discovery),
            ("/opendsr/v2/discovery", "GET", self._discovery),
            ("/opendsr/certificate.pem", "GET", self._certificate),
        ]
        for path, regulation in (("/opendsr/v2/requests", None), ("/opendsr/v1/opengdpr_requests", "gdpr")):
            ends += [
                (path, "POST", self._receiving(regulation)),
                (f"{path}/{{id}}", "GET", self._status),
                (f"{path}/{{id}}", "DELETE", self._cancel),
            ]
        return [Route(path, self._guarded(answer), methods=[method]) for path, method, answer in ends]

    def _receiving(self, regulation: str | None) -> Answer:
        async def receive(request: Request) -> Response:
            agent = await known(request, self.register, Kind.CONTROLLER)
            raw = await whole(request, MAX_BODY)
            body = strict_json(raw)
            if not isinstance(body, dict):
                raise BadRequest("BODY_INVALID", "The body is not a JSON object.")
            found = asked(body, self.catalogue, regulation)
            wrong = found.problems if isinstance(found, Wrong) else self._unreachable(agent, found)
            if wrong:
                return self._signed(_wrong(wrong), 400)
            assert isinstance(found, Asked)
            standing = await self.desk.take(agent, _filing(found))
            return self._signed(received(standing, base64.b64encode(raw).decode()), 201)

        return receive

    async def _status(self, request: Request) -> Response:
        agent = await known(request, self.register, Kind.CONTROLLER)
        standing = await self._own(agent, request)
        results = await self.desk.results(standing)
        more = {} if results is None else {"results_url": results}
        return self._signed({**status(standing), **more})

    async def _cancel(self, request: Request) -> Response:
        agent = await known(request, self.register, Kind.CONTROLLER)
        standing = await self._own(agent, request)
        if OPENDSR[standing.state] != "pending":
            raise Conflict("REQUEST_UNDER_WAY", "Only a pending request can be cancelled.")
        await self.desk.revoke(agent, standing.mandate)
        return self._signed(cancelled(standing, self.now_ms()), 202)

    async def _discovery(self, _request: Request) -> Response:
        return self._signed(discovery(supported(self.catalogue), f"{self.base}/opendsr/certificate.pem"))

    async def _certificate(self, _request: Request) -> Response:
        chain = self.seal().chain
        return Response(chain, headers=self.headers(chain), media_type="application/x-pem-file")

    async def _own(self, agent: Agent, request: Request) -> Standing:
        name = request.path_params["id"]
        found = await self.desk.referred(agent, name) if request_id(name) else None
        if found is None or found.mandate.kind is not Kind.CONTROLLER:
            raise NotFound("REQUEST_UNKNOWN", "There is no such request of this controller's.")
        return found

    def _unreachable(self, agent: Agent, found: Asked) -> tuple[Problem, ...]:
        """What is wrong with the URLs that are to be told."""
        wrong = []
        for index, url in enumerate(found.callbacks):
            try:
                self.outward.target(url, agent.hosts)
            except Refusal as refused:
                wrong.append(Problem(refused.code, f"status_callback_urls[{index}]: {refused.message}"))
        return tuple(wrong)

    def headers(self, body: bytes) -> dict[str, str]:
        """Who says this, and their signature."""
        seal = self.seal()
        signature = seal.sign(body)
        return {
            **{f"x-{name.lower()}-processor-domain": seal.domain for name in NAMES},
            **{f"x-{name.lower()}-signature": signature for name in NAMES},
            "cache-control": "no-store",
        }

    def _signed(self, body: Mapping[str, Any], code: int = 200) -> Response:
        raw = orjson.dumps(body)
        return Response(raw, code, self.headers(raw), "application/json")

    def _guarded(self, answer: Answer) -> Answer:
        async def guarded(request: Request) -> Response:
            try:
                return await answer(request)
            except DiscretionError as error:
                return self._refused(error)

        return guarded

    def _refused(self, error: DiscretionError) -> Response:
        """An error as the protocol writes it (section 7.6); what a controller can mend is 400 (7.5)."""
        code = 400 if isinstance(error, Conflict) else error.status
        said = orjson.loads(bytes(problem(error).body))["error"]
        response = self._signed(_wrong((Problem(said["code"], said["message"]),), code), code)
        if isinstance(error, Unauthenticated):
            response.headers["www-authenticate"] = 'Bearer realm="discretion"'
        return response


def _filing(found: Asked) -> Filing:
    """A controller has verified the person, and answers for that (section 3.1)."""
    return Filing(
        Right(found.type),
        found.identifiers,
        Assurance.OFFICE,
        {},
        found.regulation,
        found.id,
        found.callbacks,
    )


def _wrong(problems: tuple[Problem, ...], code: int = 400) -> dict[str, Any]:
    listed = [{"domain": "discretion", "reason": one.code, "message": one.message} for one in problems]
    return {"error": {"code": code, "message": problems[0].message, "errors": listed}}
