"""The terms of a stored rights request: its states, reasons, requesters, and how surely these are identified.

The states are the request statuses of the W3C Data Privacy Vocabulary, and one more for a request that was
withdrawn.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


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


class RequestReason(StrEnum):
    """Why a request waits, was refused, or ended without result."""

    IDENTITY = "identity"  # the requester has to prove their identity
    ADDRESS = "address"  # the new address has to be confirmed by a code that is sent to it
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
    REACH_ENDED = "reach_ended"  # the login that filed it no longer reaches these records
    REACH_WIDENED = "reach_widened"  # another login was joined with the one that filed it


class RequesterRole(StrEnum):
    """In which role somebody files a request."""

    PERSON = "person"
    AGENT = "agent"
    GUARDIAN = "guardian"
    STEWARD = "steward"


class RequesterAssurance(IntEnum):
    """How surely the requester is identified or authorised. A higher value is surer."""

    NONE = 0
    SESSION = 1  # a token of the customer
    AGENT = 2  # a registered agent vouches for them
    FRESH = 3  # the customer logged in within the last ten minutes
    CODE = 4  # the requester entered a code that was sent to an address of the customer
    OFFICE = 5  # the privacy office verified the identity
