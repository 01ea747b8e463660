"""Where a person proves who they are to whom their agent sends them (DRP 1.0, section 3.02.1).

    /v1/data-rights-request/{id}/verify?request_id={id}&redirect_to={url}

They name the address by which the request was filed, have a code sent there, and give it. What the page says
is the same whether anybody is known under the address. It sends them back to their agent, and to no other
host, when the code was good. It needs no script.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from discretion.domain.agents.agent import Agent, Kind
from discretion.domain.agents.agent_register import Register
from discretion.domain.agents.agent_request import Mandate, parse, read
from discretion.domain.agents.delegated_requests import Desk
from discretion.domain.kit.egress import Outward
from discretion.domain.requests.identity_proofing import Prove, waiting
from discretion.edge.drp import verification_page as page
from discretion.edge.request_body import whole
from discretion.errors import BadRequest, Conflict, DiscretionError, NotFound, Refusal
from discretion.seal.normalisation import email

MAX_BODY = 8 * 1024
MAX_CODE = 32
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' https:; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mandate that waits for its person: its agent, and its request as it is kept."""

    mandate: Mandate
    agent: Agent
    request: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verification:
    """See the module. ``name`` is who asks for the code."""

    desk: Desk
    register: Register
    outward: Outward
    prove: Prove
    name: str

    def routes(self) -> list[Route]:
        """The page, and what its two forms do."""
        return [Route("/v1/data-rights-request/{id}/verify", self._answer, methods=["GET", "POST"])]

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._asked(request)
        except DiscretionError as error:
            return self._page(page.failed(error.message, error.advice), error.status)

    async def _asked(self, request: Request) -> Response:
        found = await self._waiting(request.path_params["id"])
        asked = dict(request.query_params)
        if request.method == "POST":
            body = (await whole(request, MAX_BODY)).decode("utf-8", "replace")
            asked |= dict(parse_qsl(body, max_num_fields=10))
        if asked.get("request_id", found.mandate.name) != found.mandate.name:
            raise NotFound("VERIFICATION_UNKNOWN", "There is no such request.", "Go back to your agent.")
        back = self._back(found.agent, asked.get("redirect_to"))
        if request.method == "GET":
            return self._page(page.asking(found.agent.name, back))
        if "code" not in asked:
            await self._send(found, asked.get("email", ""))
            return self._page(page.sent(found.agent.name, back))
        return await self._take(found, asked["code"].strip(), back)

    async def _send(self, found: Waiting, address: str) -> None:
        spelled = email(address)
        if spelled is None:
            raise BadRequest("CONTACT_INVALID", "That is no e-mail address.", "Go back and look again.")
        named = self.desk.contact("email", spelled) == found.request.get("contact")
        known = await self.prove.addresses(found.request)
        there = named and self.desk.blind.of("email", spelled) in known
        who = f"{found.agent.id} {found.mandate.name}"
        await self.prove.send(found.request["_id"], who, spelled if there else None, secret=True)

    async def _take(self, found: Waiting, code: str, back: str | None) -> Response:
        who = f"{found.agent.id} {found.mandate.name}"
        try:
            if len(code) > MAX_CODE:
                raise BadRequest("CODE_WRONG", "The code is not good.", "Look again.")
            await self.prove.take(found.request["_id"], who, "person", code)
        except BadRequest as wrong:
            return self._page(page.sent(found.agent.name, back, wrong.message), wrong.status)
        if back is not None:
            return RedirectResponse(back, 303, _HEADERS)
        return self._page(page.done(found.agent.name))

    async def _waiting(self, name: str) -> Waiting:
        """The mandate that a URL names, if it waits for proof.

        Raises:
            NotFound: ``VERIFICATION_UNKNOWN``; Conflict: ``REQUEST_STATE``.
        """
        mandate = parse(name)
        document = None if mandate is None else await self.desk.mandates.any(mandate)
        found = None if document is None else read(document)
        agent = None if found is None else await self.register.named(found.agent, Kind.AGENT)
        if found is None or agent is None or not found.requests:
            raise NotFound("VERIFICATION_UNKNOWN", "There is no such request.", "Go back to your agent.")
        request = await self.desk.requests.get(found.requests[0])
        if request is None:
            raise Conflict("REQUEST_STATE", "This request does not wait for proof of who asks.")
        waiting(request)
        return Waiting(found, agent, request)

    def _back(self, agent: Agent, url: str | None) -> str | None:
        """Where to send somebody who is done: to a host of their agent's, or nowhere."""
        if url is None:
            return None
        try:
            self.outward.target(url, agent.hosts)
        except Refusal:
            return None
        return url

    def _page(self, content: str, status: int = 200) -> Response:
        return Response(page.whole(self.name, content), status, _HEADERS, "text/html")
