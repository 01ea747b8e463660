"""Rights requests: their states, reasons, requesters and stored form.

The states are the request statuses of the W3C Data Privacy Vocabulary, and one more for a request that was
withdrawn. State and reason together map one to one to the terms of other protocols (``status_map``,
``agents.status_map``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from discretion.errors import Conflict
from discretion.law.deadline import DeadlineExtension, DeadlinePause
from discretion.law.jurisdiction import PauseReason, Right, TimeLength, TimeUnit
from discretion.store.document import Document


class RequestState(StrEnum):
    """State of a request."""

    INITIATED = "initiated"  # no customer was found, or the identity is not proven yet
    ACKNOWLEDGED = "acknowledged"  # waits for the decision of a steward
    ACTION_REQUIRED = "action_required"  # waits for the person; the reason names what is missing
    ACTION_PERFORMED = "action_performed"  # the person supplied what was missing; a steward reviews it
    ACCEPTED = "accepted"  # the workflow executes it
    DELAYED = "delayed"  # the deadline was extended; the person was told why
    FULFILLED = "fulfilled"
    REJECTED = "rejected"
    UNFULFILLED = "unfulfilled"  # ended without result: the identity was not proven in time
    WITHDRAWN = "withdrawn"


FINAL_STATES = frozenset(
    {RequestState.FULFILLED, RequestState.REJECTED, RequestState.UNFULFILLED, RequestState.WITHDRAWN}
)

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
    RequestState.ACCEPTED: frozenset(
        {RequestState.DELAYED, RequestState.FULFILLED, RequestState.REJECTED, RequestState.WITHDRAWN}
    ),
    RequestState.DELAYED: frozenset(
        {RequestState.ACTION_REQUIRED, RequestState.ACCEPTED, RequestState.FULFILLED, *_UNSUCCESSFUL_STATES}
    ),
    RequestState.FULFILLED: frozenset(),
    RequestState.REJECTED: frozenset(),
    RequestState.UNFULFILLED: frozenset(),
    RequestState.WITHDRAWN: frozenset(),
}
"""The states that may follow each state."""


class RequestReason(StrEnum):
    """Why a request waits, was refused, or ended without result."""

    IDENTITY = "identity"  # the requester has to prove their identity
    CLARIFICATION = "clarification"
    EVIDENCE = "evidence"
    FRAUD = "fraud"
    NOT_VERIFIED = "not_verified"
    NO_MATCH = "no_match"
    NOT_COVERED = "not_covered"  # the law does not grant the request, or another law forbids it
    OUTSIDE_JURISDICTION = "outside_jurisdiction"
    TOO_MANY = "too_many"  # manifestly unfounded or excessive (GDPR Art. 12(5))
    OTHER = "other"
    EXPIRED = "expired"


class RequesterRole(StrEnum):
    """In which role somebody files a request."""

    PERSON = "person"
    AGENT = "agent"
    GUARDIAN = "guardian"
    STEWARD = "steward"


class Assurance(IntEnum):
    """How surely the requester is identified or authorised. A higher value is surer."""

    NONE = 0
    SESSION = 1  # a token of the customer
    AGENT = 2  # a registered agent vouches for them
    FRESH = 3  # the customer logged in within the last ten minutes
    CODE = 4  # the requester entered a code that was sent to an address of the customer
    OFFICE = 5  # the privacy office verified the identity


REQUIRED_ASSURANCE: Mapping[Right, Assurance] = {
    Right.ACCESS: Assurance.FRESH,
    Right.PORTABILITY: Assurance.FRESH,
    Right.CORRECTION: Assurance.FRESH,
    Right.ERASURE: Assurance.FRESH,
    Right.RECIPIENTS: Assurance.FRESH,
    Right.AUTOMATED_DECISION: Assurance.FRESH,
}
"""The assurance that a right requires. All others require a session: they only protect (11 CCR 7026(d))."""


IMMEDIATE_RIGHTS: frozenset[Right] = frozenset({Right.OPT_OUT_SALE, Right.LIMIT_SENSITIVE, Right.RESTRICTION})
"""Rights that take effect when they are exercised (``immediate_rights``)."""


def required_assurance(right: Right) -> Assurance:
    """Return the assurance that a right requires."""
    return REQUIRED_ASSURANCE.get(right, Assurance.SESSION)


@dataclass(frozen=True, slots=True)
class Requester:
    """Who files a request.

    Attributes:
        role: In which role.
        by: Actor for the history, such as ``self:customer-app``.
        client: The client that files the request.
        subject: The ``sub`` of the token at this client.
        assurance: How surely the requester is identified.
        reference: Number of the retailer's file on an agent's or guardian's authority. It must not be a name.
        contact: Keyed digest of the address that names the customer, if the request was filed by an address.
    """

    role: RequesterRole
    by: str
    client: str
    subject: str = field(repr=False)
    assurance: Assurance
    reference: str | None = None
    contact: bytes | None = field(default=None, repr=False)


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
    """

    right: Right
    scope: Mapping[str, Any] = field(default_factory=dict)
    sealed: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    needs_decision: bool = False
    appeal_of: bytes | None = None
    original_received: int | None = None
    fingerprint: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class RequestStep:
    """One step of a workflow.

    Attributes:
        name: Its stored name.
        state: ``open`` or ``done``.
        attempts: Number of failures.
        at: When it was done (ms).
        why: What it waits for, or the cause of its last failure.
        output: Its result (stored as ``told``).
    """

    name: str
    state: str
    attempts: int
    at: int | None = None
    why: str | None = None
    output: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StateTransition:
    """A change of state in the history of a request; ``at`` in ms since 1970."""

    state: RequestState
    at: int
    by: str
    reason: RequestReason | None = None


@dataclass(frozen=True, slots=True)
class RequestRefusal:
    """A refusal: provision, explanation (``words``) and remedies (``next``). Keys as stored."""

    law: str
    words: str
    next: str


@dataclass(frozen=True, slots=True)
class SubjectRequest:
    """A rights request; times in ms since 1970. ``store.schema.requests`` describes the document."""

    id: bytes
    right: Right
    state: RequestState
    reason: RequestReason | None
    customer: bytes | None = field(repr=False)
    client: str
    subject: str = field(repr=False)
    role: RequesterRole
    by: str
    assurance: Assurance
    reference: str | None
    laws: tuple[str, ...]
    received: int
    identified: int | None
    acknowledged: int | None
    pauses: tuple[DeadlinePause, ...]
    extension: DeadlineExtension | None
    extended_why: str | None
    due: int | None
    scope: Mapping[str, Any]
    steps: tuple[RequestStep, ...]
    history: tuple[StateTransition, ...]
    refusal: RequestRefusal | None
    result: Mapping[str, Any]
    appeal_of: bytes | None
    original_received: int | None
    version: int

    @property
    def is_open(self) -> bool:
        """Whether the request has not ended."""
        return self.state not in FINAL_STATES

    def build_requester(self, by: str, client: str, subject: str) -> Requester:
        """Return the requester of this request for a follow-up, with the same role and assurance."""
        return Requester(self.role, by, client, subject, self.assurance, self.reference)


def read_request(document: Document) -> SubjectRequest:
    """Return the request that a document of the collection ``requests`` stores."""
    return SubjectRequest(
        id=document["_id"],
        right=Right(document["right"]),
        state=RequestState(document["state"]),
        reason=_read_reason(document.get("reason")),
        customer=document.get("customer"),
        client=document["client"],
        subject=document["subject"],
        role=RequesterRole(document["kind"]),
        by=document["by"],
        assurance=Assurance(document["assurance"]),
        reference=document.get("reference"),
        laws=tuple(document["laws"]),
        received=document["received"],
        identified=document.get("identified"),
        acknowledged=document.get("acknowledged"),
        pauses=tuple(
            DeadlinePause(PauseReason(entry["reason"]), entry["start"], entry.get("end"))
            for entry in document.get("pauses", ())
        ),
        extension=_read_extension(document.get("extension")),
        extended_why=(document.get("extension") or {}).get("why"),
        due=document.get("due"),
        scope=document["scope"],
        steps=tuple(
            RequestStep(
                entry["name"],
                entry["state"],
                entry["attempts"],
                entry.get("at"),
                entry.get("why"),
                entry.get("told", {}),
            )
            for entry in document["steps"]
        ),
        history=tuple(
            StateTransition(
                RequestState(entry["state"]),
                entry["at"],
                entry["by"],
                _read_reason(entry.get("reason")),
            )
            for entry in document["history"]
        ),
        refusal=RequestRefusal(**document["refusal"]) if "refusal" in document else None,
        result=document.get("result", {}),
        appeal_of=document.get("appeal_of"),
        original_received=document.get("began"),
        version=document["v"],
    )


def build_transition(
    document: Document, state: RequestState, at: int, by: str, reason: RequestReason | None = None
) -> dict[str, Any]:
    """Return the fields to set when a request changes its state; a value of None removes the field.

    Raises:
        Conflict: ``REQUEST_STATE``; the new state may not follow the current one.
    """
    current = RequestState(document["state"])
    if state not in ALLOWED_TRANSITIONS[current]:
        raise Conflict("REQUEST_STATE", f"A request cannot change from {current} to {state}.")
    transition: dict[str, Any] = {"state": state.value, "at": at, "by": by}
    if reason is not None:
        transition["reason"] = reason.value
    change: dict[str, Any] = {
        "state": state.value,
        "reason": None if reason is None else reason.value,
        "history": [*document["history"], transition],
    }
    if state in FINAL_STATES:
        # Without `open` the same request can be filed again; without `next` no worker picks it up.
        change |= {"open": None, "next": None, "ended": at}
    return change


def _read_extension(stored: Mapping[str, Any] | None) -> DeadlineExtension | None:
    if stored is None:
        return None
    length = TimeLength(stored["count"], TimeUnit(stored["unit"])) if "count" in stored else None
    return DeadlineExtension(stored["told"], length)


def _read_reason(value: str | None) -> RequestReason | None:
    return None if value is None else RequestReason(value)
