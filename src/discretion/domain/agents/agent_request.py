"""Requests of agents and controllers, and their status for the organisation.

Until the person has proven their identity, the status must not show whether a customer was found. A request
without a customer therefore has the same states, dates and answers as one with a customer (see
``requests.submission``).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from discretion.domain.requests.model import required_assurance
from discretion.store.agent_requests import AgentRequest
from discretion.store.request_state import FINAL_STATES, RequesterAssurance, RequestReason, RequestState
from discretion.store.subject_request import SubjectRequest

_STATE_ORDER = tuple(RequestState)
"""The states in the order of progress."""


@dataclass(frozen=True, slots=True)
class AgentRequestStatus:
    """Status of an agent request, as the organisation may see it. Times in ms since 1970.

    Attributes:
        agent_request: The request.
        state: State of its least advanced rights request.
        reason: Reason of that state.
        due: The latest deadline.
        details: What the agent may tell the person.
        count: Number of customers it concerns; 0 until the identity is proven.
        expires: Until when the person may prove their identity.
    """

    agent_request: AgentRequest
    state: RequestState
    reason: RequestReason | None
    due: int
    details: str | None = None
    count: int = 0
    expires: int | None = None

    @property
    def is_final(self) -> bool:
        """Whether the state cannot change any more."""
        return self.state in FINAL_STATES


def build_agent_request_id(entropy: bytes) -> bytes:
    """Return the id of a new agent request from 16 random bytes."""
    return uuid.UUID(bytes=entropy, version=4).bytes


def parse_agent_request_id(text: str) -> bytes | None:
    """Return the id that a UUID in canonical form represents, or None for any other text."""
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        return None
    # `uuid.UUID` also reads braces, `urn:uuid:` and text without hyphens. None of them is the issued id.
    return parsed.bytes if str(parsed) == text else None


def compute_agent_request_status(
    agent_request: AgentRequest, requests: Sequence[SubjectRequest]
) -> AgentRequestStatus:
    """Return the status of an agent request: that of its least advanced rights request.

    Only a controller's request about a person without stored data has no rights requests. It is fulfilled.
    """
    if not requests:
        return AgentRequestStatus(agent_request, RequestState.FULFILLED, None, agent_request.filed_at)
    due = max(
        (request.due for request in requests if request.due is not None), default=agent_request.filed_at
    )
    least_advanced = min(
        requests, key=lambda request: (request.state in FINAL_STATES, _STATE_ORDER.index(request.state))
    )
    if _is_identity_proven(least_advanced):
        return AgentRequestStatus(
            agent_request,
            least_advanced.state,
            least_advanced.reason,
            due,
            _describe_details(least_advanced),
            len(requests),
        )
    # NO_MATCH would show that no customer was found.
    reason = (
        RequestReason.NOT_VERIFIED
        if least_advanced.reason is RequestReason.NO_MATCH
        else least_advanced.reason
    )
    return AgentRequestStatus(agent_request, least_advanced.state, reason, due)


def _is_identity_proven(request: SubjectRequest) -> bool:
    """Return whether the person proved their identity, or an organisation that may do so vouched for it."""
    return request.assurance >= RequesterAssurance.FRESH or (
        request.identified is not None and required_assurance(request.right) > RequesterAssurance.SESSION
    )


def _describe_details(request: SubjectRequest) -> str | None:
    """Return what the agent may tell the person: provision and remedies, or the reason of an extension."""
    if request.refusal is not None:
        return f"{request.refusal.law}. {request.refusal.next}"
    return request.extended_why
