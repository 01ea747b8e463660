"""Rights requests: who files them, what they ask for, and which state may follow which.

State and reason together map one to one to the terms of other protocols (``status_map``,
``agents.status_map``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from discretion.errors import Conflict
from discretion.law.jurisdiction import Right
from discretion.store.request_state import (
    FINAL_STATES,
    RequesterAssurance,
    RequesterRole,
    RequestReason,
    RequestState,
)
from discretion.store.subject_request import RequestScope, StateTransition, SubjectRequest

_UNSUCCESSFUL_STATES = frozenset({RequestState.REJECTED, RequestState.UNFULFILLED, RequestState.WITHDRAWN})
ALLOWED_TRANSITIONS: Mapping[RequestState, frozenset[RequestState]] = {
    RequestState.INITIATED: frozenset(
        {RequestState.ACKNOWLEDGED, RequestState.ACTION_REQUIRED, RequestState.ACCEPTED}
    )
    | _UNSUCCESSFUL_STATES,
    RequestState.ACKNOWLEDGED: frozenset(
        {
            RequestState.ACTION_REQUIRED,
            RequestState.ACCEPTED,
            RequestState.DELAYED,
            RequestState.FULFILLED,
            *_UNSUCCESSFUL_STATES,
        }
    ),
    RequestState.ACTION_REQUIRED: frozenset(
        {RequestState.ACTION_PERFORMED, RequestState.ACKNOWLEDGED, RequestState.ACCEPTED}
    )
    | _UNSUCCESSFUL_STATES,
    RequestState.ACTION_PERFORMED: frozenset(
        {
            RequestState.ACKNOWLEDGED,
            RequestState.ACTION_REQUIRED,
            RequestState.ACCEPTED,
            RequestState.DELAYED,
            RequestState.FULFILLED,
            *_UNSUCCESSFUL_STATES,
        }
    ),
    RequestState.ACCEPTED: frozenset({RequestState.DELAYED, RequestState.FULFILLED} | _UNSUCCESSFUL_STATES),
    RequestState.DELAYED: frozenset(
        {RequestState.ACTION_REQUIRED, RequestState.ACCEPTED, RequestState.FULFILLED, *_UNSUCCESSFUL_STATES}
    ),
    RequestState.FULFILLED: frozenset(),
    RequestState.REJECTED: frozenset(),
    RequestState.UNFULFILLED: frozenset(),
    RequestState.WITHDRAWN: frozenset(),
}
"""The states that may follow each state."""

REQUIRED_ASSURANCE: Mapping[Right, RequesterAssurance] = {
    Right.ACCESS: RequesterAssurance.FRESH,
    Right.PORTABILITY: RequesterAssurance.FRESH,
    Right.CORRECTION: RequesterAssurance.FRESH,
    Right.ERASURE: RequesterAssurance.FRESH,
    Right.RECIPIENTS: RequesterAssurance.FRESH,
    Right.AUTOMATED_DECISION: RequesterAssurance.FRESH,
}
"""The assurance that a right requires. All others require a session: they only protect (11 CCR 7026(d))."""


IMMEDIATE_RIGHTS: frozenset[Right] = frozenset({Right.OPT_OUT_SALE, Right.LIMIT_SENSITIVE, Right.RESTRICTION})
"""Rights that take effect when they are exercised (``immediate_rights``)."""


def required_assurance(right: Right) -> RequesterAssurance:
    """Return the assurance that a right requires."""
    return REQUIRED_ASSURANCE.get(right, RequesterAssurance.SESSION)


def find_required_assurance(details: RequestDetails, requester: Requester) -> RequesterAssurance:
    """Return the assurance that a request requires.

    Whoever names the person by an address lifts no restriction before the person has proven who asks.
    """
    if details.scope.is_lifted and requester.contact is not None:
        return RequesterAssurance.FRESH
    return required_assurance(details.right)


@dataclass(frozen=True, slots=True)
class Requester:
    """Who files a request.

    Attributes:
        role: In which role.
        by: Actor for the history, such as ``self:customer-app``.
        client: The client that files the request.
        subject: What names the requester at this client: the ``sub`` of the token, or the digest of a login.
        assurance: How surely the requester is identified.
        reference: Number of the retailer's file on an agent's or guardian's authority. It must not be a name.
        contact: Keyed digest of the address that names the customer, if the request was filed by an address.
        login: Blind index of the identifier that a customer's own login rests on.
        reached: The customer that this login reaches, or to whom this address leads.
        is_claimed: Whether the records of that customer only claim the address.
    """

    role: RequesterRole
    by: str
    client: str
    subject: str = field(repr=False)
    assurance: RequesterAssurance
    reference: str | None = None
    contact: bytes | None = field(default=None, repr=False)
    login: bytes | None = field(default=None, repr=False)
    reached: bytes | None = field(default=None, repr=False)
    is_claimed: bool = False


@dataclass(frozen=True, slots=True)
class RequestDetails:
    """What a request asks for.

    Attributes:
        right: The right that is exercised.
        scope: The part without personal data, such as a channel, a category or a format.
        sealed: The part with personal data, by name; each value is encrypted under the customer's key.
        needs_decision: Whether a steward decides before the workflow starts.
        appeal_of: Id of the request that is appealed.
        original_received: When the appealed request was received (ms). The law of that day applies to the
        appeal.
        fingerprint: Keyed digest of the sealed part, by which a repeated request is recognised.
        new_address: Keyed digest of the one new address that is asked for, if it is one.
    """

    right: Right
    scope: RequestScope = field(default_factory=RequestScope)
    sealed: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    needs_decision: bool = False
    appeal_of: bytes | None = None
    original_received: int | None = None
    fingerprint: bytes = field(default=b"", repr=False)
    new_address: bytes | None = field(default=None, repr=False)


def change_state(
    request: SubjectRequest, state: RequestState, at: int, by: str, reason: RequestReason | None = None
) -> SubjectRequest:
    """Return a request in another state; a final state ends it.

    Raises:
        Conflict: ``REQUEST_STATE``; the new state may not follow the current one.
    """
    current = request.state
    if state not in ALLOWED_TRANSITIONS[current]:
        raise Conflict("REQUEST_STATE", f"A request cannot change from {current} to {state}.")
    transition = StateTransition(state, at, by, reason)
    changed = replace(request, state=state, reason=reason, history=(*request.history, transition))
    if state not in FINAL_STATES:
        return changed
    # Without the digest the same request can be filed again; without a next run no worker picks it up.
    # What is left of an erased person names them in no way.
    return replace(
        changed, open_digest=None, next_run=None, ended=at, login=None, reached_numbers=None, new_address=None
    )


def build_requester(request: SubjectRequest, by: str, client: str, subject: str) -> Requester:
    """Return the requester of a request for a follow-up, with the same role and assurance."""
    return Requester(request.role, by, client, subject, request.assurance, request.reference)
