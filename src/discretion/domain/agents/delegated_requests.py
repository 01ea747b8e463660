"""Filing, status and revocation of requests by organisations, for both protocols.

Each organisation sees only what it filed, under ids of its own. It does not learn that somebody else, such as
the person, already filed the same request.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.access.download_links import DownloadLinks
from discretion.domain.agents.agent_request import (
    AgentRequestStatus,
    build_agent_request_id,
    compute_agent_request_status,
)
from discretion.domain.ingest.message import ExternalIdentifier
from discretion.domain.profiles.identifier_lookup import FoundCustomer, find_contact_customer
from discretion.domain.requests.decisions import RequestDecisions
from discretion.domain.requests.immediate_rights import ImmediateRights
from discretion.domain.requests.model import (
    IMMEDIATE_RIGHTS,
    RequestDetails,
    Requester,
    required_assurance,
)
from discretion.domain.requests.submission import RequestSubmission
from discretion.errors import Conflict, NotFound
from discretion.law.jurisdiction import Right
from discretion.seal.blind_index import BlindIndex
from discretion.store.agent_requests import AgentRequest, AgentRequestStore, StatusCallback
from discretion.store.agents import Agent, AgentKind
from discretion.store.identities import IdentityStore
from discretion.store.request_state import RequesterAssurance, RequesterRole, RequestState
from discretion.store.requests import RequestStore
from discretion.store.subject_request import RequestScope, SubjectRequest

RETENTION_MS = 60 * 24 * 3600 * 1000
"""How long the status of a finished request stays available (DRP 1.0, 3.02: 7 to 60 days), in ms."""


@dataclass(frozen=True, slots=True)
class AgentFiling:
    """A request as an organisation submits it.

    Attributes:
        right: The right that is exercised.
        identifiers: Identifiers of the person, normalised. The first one names the customer of the request.
        assurance: How surely the organisation identified the person.
        scope: The part without personal data.
        regime: The law that the agent names, such as ``ccpa``.
        reference: The organisation's own id of the request.
        callbacks: URLs whose hosts were checked against those of the organisation.
    """

    right: Right
    identifiers: tuple[ExternalIdentifier, ...]
    assurance: RequesterAssurance
    scope: RequestScope = field(default_factory=RequestScope)
    regime: str | None = None
    reference: str | None = None
    callbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DelegatedRequests:
    """Operations of agents and controllers on requests."""

    submission: RequestSubmission
    immediate_rights: ImmediateRights
    decisions: RequestDecisions
    requests: RequestStore
    agent_requests: AgentRequestStore
    download_links: DownloadLinks
    identities: IdentityStore
    identifier_types: Mapping[str, IdentifierType]
    blind_index: BlindIndex
    entropy: Callable[[int], bytes] = field(repr=False)
    now_ms: Callable[[], int]

    async def submit(self, agent: Agent, filing: AgentFiling) -> AgentRequestStatus:
        """File a request and return its status; the earlier one if the agent filed it with this reference.

        Raises:
            Conflict: ``AGENT_REFERENCE_TAKEN``; the reference belongs to a request for another right.
        """
        if (earlier := await self._find_by_reference(agent, filing)) is not None:
            return await self._require_status(earlier)
        agent_request_id = build_agent_request_id(
            _derive_id(agent, filing.reference) if filing.reference else self.entropy(16)
        )
        # The rights requests come first. After a crash before the agent request is stored, a repetition with
        # the same reference finds those that are open.
        requests = await (
            self._file_for_customers if agent.kind is AgentKind.CONTROLLER else self._file_for_person
        )(agent, filing, agent_request_id)
        now = self.now_ms()
        agent_request = AgentRequest(
            agent_request_id,
            agent.id,
            agent.kind,
            filing.right,
            tuple(request.id for request in requests),
            now,
            filing.reference,
            filing.regime,
            tuple(StatusCallback(url, due=now) for url in filing.callbacks),
        )
        try:
            await self.agent_requests.add(agent_request)
        except Conflict:  # the agent filed the same reference at the same time
            earlier = await self._find_by_reference(agent, filing)
            if earlier is None:
                raise
            return await self._require_status(earlier)
        return await self._require_status(agent_request)

    async def get_status(self, agent: Agent, agent_request_id: bytes) -> AgentRequestStatus | None:
        """Return the status of an agent request, or None if this agent did not file it."""
        agent_request = await self.agent_requests.find_for_agent(agent_request_id, agent.id)
        return None if agent_request is None else await self._require_status(agent_request)

    async def get_status_by_reference(self, agent: Agent, reference: str) -> AgentRequestStatus | None:
        """Return the status of the agent request with this agent's reference, or None."""
        agent_request = await self.agent_requests.find_by_reference(reference, agent.id)
        return None if agent_request is None else await self._require_status(agent_request)

    async def revoke(self, agent: Agent, agent_request: AgentRequest) -> AgentRequestStatus:
        """Withdraw the rights requests of an agent request, and return its status.

        Raises:
            Conflict: ``REQUEST_UNDER_WAY``, ``REQUEST_STATE``.
        """
        for request_id in agent_request.request_ids:
            request = await self.requests.find(request_id)
            # A repeated revocation continues where an interrupted one ended.
            if request is not None and request.state is not RequestState.WITHDRAWN:
                await self.decisions.withdraw(request_id, format_agent_actor(agent))
        return await self._require_status(agent_request)

    async def compute_status(self, agent_request: AgentRequest) -> AgentRequestStatus | None:
        """Return the status of an agent request, or None if one of its rights requests does not exist."""
        requests = await self.requests.list_by_ids(agent_request.request_ids)
        if len(requests) < len(agent_request.request_ids):
            return None
        expires = min(
            (request.proof_until for request in requests if request.proof_until is not None), default=None
        )
        return replace(compute_agent_request_status(agent_request, requests), expires=expires)

    async def get_result_link(self, status: AgentRequestStatus) -> str | None:
        """Return a link to the access package of an agent request, or None if there is none.

        The link can be used once and expires after minutes.
        """
        if status.state is not RequestState.FULFILLED or len(status.agent_request.request_ids) != 1:
            return None
        request = await self.requests.find(status.agent_request.request_ids[0])
        try:
            return None if request is None else (await self.download_links.issue_link(request)).url
        except (Conflict, NotFound):  # this right has no package, or the package was deleted
            return None

    def digest_contact(self, identifier_type: str, normalised: str) -> bytes:
        """Return the digest by which a request stores the normalised address that names the customer."""
        return self.blind_index.index("request-contact", identifier_type, normalised)

    async def _file_for_person(
        self, agent: Agent, filing: AgentFiling, _agent_request_id: bytes
    ) -> list[SubjectRequest]:
        """File an agent's request for the one customer that its identifiers name, or without a customer.

        If the identifiers name several customers, no customer is chosen: an agent acts for one person.
        """
        primary_identifier = filing.identifiers[0]
        customers = await self._find_customers(filing.identifiers)
        match = customers[0] if len(customers) == 1 else None
        customer = None if match is None else match.lasting_id
        requester = Requester(
            RequesterRole.AGENT,
            format_agent_actor(agent),
            agent.id,
            agent.id,
            filing.assurance,
            filing.reference,
            self.digest_contact(primary_identifier.type, primary_identifier.value.value),
            reached=None if match is None else match.id,
            is_claimed=match is not None and match.is_claimed,
        )
        details = RequestDetails(filing.right, filing.scope)
        if filing.right in IMMEDIATE_RIGHTS and filing.assurance >= required_assurance(filing.right):
            return [await self.immediate_rights.exercise(customer, details, requester)]
        return [await self.submission.submit(customer, details, requester)]

    async def _file_for_customers(
        self, agent: Agent, filing: AgentFiling, agent_request_id: bytes
    ) -> list[SubjectRequest]:
        """File a controller's request for every customer whom its identifiers name for certain."""
        requester = Requester(
            RequesterRole.STEWARD,
            format_agent_actor(agent),
            agent.id,
            agent.id,
            filing.assurance,
            filing.reference,
        )
        # The fingerprint keeps a controller's request apart from an open one of the person.
        details = RequestDetails(filing.right, filing.scope, fingerprint=agent_request_id)
        matches = await self._find_customers(filing.identifiers)
        customers = [match.id for match in matches if await self._is_meant(match, filing.right)]
        return [await self.submission.submit(customer, details, requester) for customer in customers]

    async def _is_meant(self, match: FoundCustomer, right: Right) -> bool:
        """Return whether a controller's request reaches a customer.

        The controller has verified whose address it names, but not who typed it here. So nobody is answered
        about records that only claim it. Such records are erased unless they are of an account or a card.
        """
        if not match.is_claimed:
            return True
        return right is Right.ERASURE and not await self.identities.list_numbered([match.id])

    async def _require_status(self, agent_request: AgentRequest) -> AgentRequestStatus:
        status = await self.compute_status(agent_request)
        if status is None:
            raise NotFound("REQUEST_UNKNOWN", "There is no such request.")
        return status

    async def _find_by_reference(self, agent: Agent, filing: AgentFiling) -> AgentRequest | None:
        if filing.reference is None:
            return None
        agent_request = await self.agent_requests.find_by_reference(filing.reference, agent.id)
        if agent_request is not None and agent_request.right is not filing.right:
            raise Conflict(
                "AGENT_REFERENCE_TAKEN",
                "This reference belongs to a request for another right.",
                "Give each request its own reference.",
            )
        return agent_request

    async def _find_customers(self, identifiers: Sequence[ExternalIdentifier]) -> list[FoundCustomer]:
        """Return all customers that the identifiers name, by id, each by the most certain one."""
        customers: dict[bytes, FoundCustomer] = {}
        for identifier in identifiers:
            entry = self.blind_index.index(identifier.type, identifier.value.value)
            match = await find_contact_customer(self.identities, self.identifier_types, entry)
            if match is not None and match.rank <= customers.get(match.id, match).rank:
                customers[match.id] = match
        return [customers[customer] for customer in sorted(customers)]


def format_agent_actor(agent: Agent) -> str:
    """Return the actor of an agent for the history of a request, such as ``agent:CR_AGENT_1``."""
    return f"{agent.kind.value}:{agent.id}"


def _derive_id(agent: Agent, reference: str) -> bytes:
    """Return the id for an agent's reference. A retry after a lost answer gets the same id."""
    return hashlib.sha256(f"{format_agent_actor(agent)} {reference}".encode()).digest()[:16]
