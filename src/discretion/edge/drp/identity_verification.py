"""The page on which a customer proves their identity for a request of an agent (DRP 1.0, section 3.02.1).

    /v1/data-rights-request/{id}/verify?request_id={id}&redirect_to={url}

The customer enters the e-mail address that the request was filed with, gets a code there, and enters the
code. The page is the same whether or not a customer has the address, so that it cannot be used to look up
addresses. After a correct code it redirects to the customer's agent, and to no other host. It needs no
script.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from discretion.domain.agents.agent_register import AgentRegister
from discretion.domain.agents.agent_request import parse_agent_request_id
from discretion.domain.agents.delegated_requests import DelegatedRequests
from discretion.domain.kit.egress import EgressClient
from discretion.domain.requests.identity_proofing import IdentityProofing, require_waiting_for_identity
from discretion.edge.drp import verification_page as page
from discretion.edge.request_body import read_body
from discretion.errors import BadRequest, Conflict, DiscretionError, NotFound, Refusal
from discretion.seal.normalisation import normalise_email
from discretion.store.agent_requests import AgentRequest
from discretion.store.agents import Agent, AgentKind
from discretion.store.subject_request import SubjectRequest

MAX_FIELDS = 10
MAX_BODY = 8 * 1024
MAX_CODE = 32
_HEADERS = {
    "content-security-policy": (
        # ``https:`` is allowed because the response to the form redirects to the agent, and browsers apply
        # ``form-action`` to redirects.
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' https:; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class PendingVerification:
    """An agent's request that waits for proof of identity, with its agent and the stored rights request."""

    agent_request: AgentRequest
    agent: Agent
    request: SubjectRequest


@dataclass(frozen=True, slots=True)
class IdentityVerificationPage:
    """The page and its two forms. ``business_name`` is shown at its foot."""

    delegated_requests: DelegatedRequests
    agent_register: AgentRegister
    egress: EgressClient
    identity_proofing: IdentityProofing
    business_name: str

    def routes(self) -> list[Route]:
        """Return the route of the page and its forms."""
        return [Route("/v1/data-rights-request/{id}/verify", self._respond, methods=["GET", "POST"])]

    async def _respond(self, request: Request) -> Response:
        try:
            return await self._handle_form(request)
        except DiscretionError as error:
            return self._page_response(page.render_error(error.message, error.advice), error.status)

    async def _handle_form(self, request: Request) -> Response:
        pending = await self._find_pending(request.path_params["id"])
        parameters = dict(request.query_params)
        if request.method == "POST":
            parameters |= _parse_form((await read_body(request, MAX_BODY)).decode("utf-8", "replace"))
        # Agents repeat the id in the query (section 3.02.1); a different one there is a mistake or a forgery.
        if parameters.get("request_id", pending.agent_request.public_id) != pending.agent_request.public_id:
            raise NotFound("VERIFICATION_UNKNOWN", "There is no such request.", "Go back to your agent.")
        return_url = self._allowed_return_url(pending.agent, parameters.get("redirect_to"))
        if request.method == "GET":
            return self._page_response(page.render_address_form(pending.agent.name, return_url))
        if "code" not in parameters:
            await self._send_code(pending, parameters.get("email", ""))
            return self._page_response(page.render_code_form(pending.agent.name, return_url))
        return await self._check_code(pending, parameters["code"].strip(), return_url)

    async def _send_code(self, pending: PendingVerification, address: str) -> None:
        normalised_email = normalise_email(address)
        if normalised_email is None:
            raise BadRequest("CONTACT_INVALID", "That is not an e-mail address.", "Go back and check it.")
        digest = self.delegated_requests.digest_contact("email", normalised_email)
        is_filed_address = digest == pending.request.contact
        entry = self.delegated_requests.blind_index.index("email", normalised_email)
        requester = f"{pending.agent.id} {pending.agent_request.public_id}"
        # Called for other addresses too, so that the time of the response and the rate limit do not differ.
        # An agent could file a request with an address of its own, so it must also be the customer's.
        await self.identity_proofing.send_code_to_contact(
            pending.request, requester, entry if is_filed_address else b"", normalised_email
        )

    async def _check_code(self, pending: PendingVerification, code: str, return_url: str | None) -> Response:
        requester = f"{pending.agent.id} {pending.agent_request.public_id}"
        try:
            # Before it is hashed, which is slow on purpose.
            if len(code) > MAX_CODE:
                raise BadRequest(
                    "CODE_WRONG", "The code is not valid.", "Check it, or have another one sent."
                )
            verified = await self.identity_proofing.verify_code(pending.request.id, requester, "person", code)
        except BadRequest as error:
            return self._page_response(
                page.render_code_form(pending.agent.name, return_url, error.message), error.status
            )
        if not verified.is_open:
            raise Conflict("REQUEST_STATE", "This request has ended.", "Ask your agent to file it again.")
        if return_url is not None:
            return RedirectResponse(return_url, 303, _HEADERS)
        return self._page_response(page.render_confirmation(pending.agent.name))

    async def _find_pending(self, request_name: str) -> PendingVerification:
        """Return the agent's request that a URL names, if it waits for proof of identity.

        Raises:
            NotFound: ``VERIFICATION_UNKNOWN``.
            Conflict: ``REQUEST_STATE``.
        """
        agent_request_id = parse_agent_request_id(request_name)
        agent_request = (
            None
            if agent_request_id is None
            else await self.delegated_requests.agent_requests.find(agent_request_id)
        )
        agent = (
            None
            if agent_request is None
            else await self.agent_register.find_by_id(agent_request.agent, AgentKind.AGENT)
        )
        if agent_request is None or agent is None or not agent_request.request_ids:
            raise NotFound("VERIFICATION_UNKNOWN", "There is no such request.", "Go back to your agent.")
        request = await self.delegated_requests.requests.find(agent_request.request_ids[0])
        if request is None:
            raise Conflict("REQUEST_STATE", "This request does not wait for proof of identity.")
        require_waiting_for_identity(request)
        return PendingVerification(agent_request, agent, request)

    def _allowed_return_url(self, agent: Agent, url: str | None) -> str | None:
        """Return ``url`` if it is on a registered host of the agent, else None: no open redirect."""
        if url is None:
            return None
        try:
            self.egress.check_target(url, agent.hosts)
        except Refusal:
            return None
        return url

    def _page_response(self, content: str, status: int = 200) -> Response:
        return Response(page.render_page(self.business_name, content), status, _HEADERS, "text/html")


def _parse_form(body: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(body, max_num_fields=MAX_FIELDS))
    except ValueError:
        raise BadRequest(
            "FORM_FIELDS", "The form has too many fields.", "Go back and send it again."
        ) from None
