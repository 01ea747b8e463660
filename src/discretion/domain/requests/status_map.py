"""Requests in the words of others, and in words for the person.

Each state is one request status of the W3C Data Privacy Vocabulary (DPV 2.1, section 8.8); it has none for a
request that was taken back, which is a request without fulfilment for that reason.
"""

from __future__ import annotations

from collections.abc import Mapping

from discretion.domain.requests.model import Reason, Request, State

DPV = "https://w3id.org/dpv#"

STATUSES: Mapping[State, tuple[str, str | None]] = {
    State.INITIATED: ("RequestInitiated", None),
    State.ACKNOWLEDGED: ("RequestAcknowledged", None),
    State.ACTION_REQUIRED: ("RequestRequiresAction", None),
    State.ACTION_PERFORMED: ("RequestRequiredActionPerformed", None),
    State.ACCEPTED: ("RequestAccepted", None),
    State.DELAYED: ("RequestActionDelayed", None),
    State.FULFILLED: ("RequestFulfilled", None),
    State.REJECTED: ("RequestRejected", None),
    State.UNFULFILLED: ("RequestUnfulfilled", None),
    State.WITHDRAWN: ("RequestUnfulfilled", "withdrawn"),
}
"""DPV's status of each state, and a reason where a status stands for two."""

NEXT: Mapping[tuple[State, Reason | None], str] = {
    (State.ACTION_REQUIRED, Reason.IDENTITY): (
        "Show that it is you: log in again, or have a code sent with sendCode(request:) and give it to "
        "proveIdentity(request:, code:)."
    ),
    (State.ACTION_REQUIRED, Reason.CLARIFICATION): (
        "Say what exactly you ask for, with messageRequest(id:, text:)."
    ),
    (State.ACTION_REQUIRED, Reason.EVIDENCE): (
        "Give what the office asked for, with messageRequest(id:, text:)."
    ),
}
"""What the person has to do, where something is theirs to do."""

WAITING: Mapping[State, str] = {
    State.INITIATED: "Nothing; the request is looked at.",
    State.ACKNOWLEDGED: "Nothing; the privacy office decides.",
    State.ACTION_REQUIRED: "Give what the office asked for, with messageRequest(id:, text:).",
    State.ACTION_PERFORMED: "Nothing; the privacy office looks at what you gave.",
    State.ACCEPTED: "Nothing; it is being carried out.",
    State.DELAYED: "Nothing; it takes longer, for the reason you were told.",
    State.FULFILLED: "Nothing; it is done.",
    State.UNFULFILLED: "Ask again, and show in time that it is you.",
    State.WITHDRAWN: "Nothing; you took it back, and can ask again.",
}


def status(request: Request) -> str:
    """DPV's status of a request, as an IRI."""
    return DPV + STATUSES[request.state][0]


def next_step(request: Request) -> str:
    """What the person does next."""
    if request.state is State.REJECTED:
        return request.refusal.next if request.refusal else "You can complain to the authority."
    return NEXT.get((request.state, request.reason)) or WAITING[request.state]
