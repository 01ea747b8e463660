"""Request states as statuses of the W3C Data Privacy Vocabulary, and as advice for the person.

Each state maps to one request status of DPV 2.1, section 8.8. DPV has no status for a withdrawn request; it
maps to ``RequestUnfulfilled`` with the reason ``withdrawn``.
"""

from __future__ import annotations

from collections.abc import Mapping

from discretion.store.request_state import RequestReason, RequestState
from discretion.store.subject_request import SubjectRequest

DPV_NAMESPACE = "https://w3id.org/dpv#"

DPV_STATUSES: Mapping[RequestState, tuple[str, str | None]] = {
    RequestState.INITIATED: ("RequestInitiated", None),
    RequestState.ACKNOWLEDGED: ("RequestAcknowledged", None),
    RequestState.ACTION_REQUIRED: ("RequestRequiresAction", None),
    RequestState.ACTION_PERFORMED: ("RequestRequiredActionPerformed", None),
    RequestState.ACCEPTED: ("RequestAccepted", None),
    RequestState.DELAYED: ("RequestActionDelayed", None),
    RequestState.FULFILLED: ("RequestFulfilled", None),
    RequestState.REJECTED: ("RequestRejected", None),
    RequestState.UNFULFILLED: ("RequestUnfulfilled", None),
    RequestState.WITHDRAWN: ("RequestUnfulfilled", "withdrawn"),
}
"""DPV status of each state, and a reason where two states share a status."""

ACTIONS_BY_REASON: Mapping[tuple[RequestState, RequestReason | None], str] = {
    (RequestState.ACTION_REQUIRED, RequestReason.IDENTITY): (
        "Show that it is you: log in again, or have a code sent with sendCode(request:) and give it to "
        "proveIdentity(request:, code:)."
    ),
    (RequestState.ACTION_REQUIRED, RequestReason.ADDRESS): (
        "Show that the new address is yours: have a code sent there with sendAddressCode(request:, address:) "
        "and give it to confirmAddress(request:, code:). Until then the old one stays."
    ),
    (RequestState.ACTION_REQUIRED, RequestReason.CLARIFICATION): (
        "Explain what exactly you ask for, with messageRequest(id:, text:)."
    ),
    (RequestState.ACTION_REQUIRED, RequestReason.EVIDENCE): (
        "Supply what the privacy office asked for, with messageRequest(id:, text:)."
    ),
    (RequestState.UNFULFILLED, RequestReason.REACH_WIDENED): (
        "Since it was filed, another login was joined with yours. File it again if it is about that one too."
    ),
    (RequestState.UNFULFILLED, RequestReason.REACH_ENDED): (
        "The records it was filed for are no longer joined to your login. File it again for those that are."
    ),
}
"""What the person has to do, by state and reason."""

ACTIONS_BY_STATE: Mapping[RequestState, str] = {
    RequestState.INITIATED: "Nothing; your request is being checked.",
    RequestState.ACKNOWLEDGED: "Nothing; the privacy office decides.",
    RequestState.ACTION_REQUIRED: (
        "Supply what the privacy office asked for, with messageRequest(id:, text:)."
    ),
    RequestState.ACTION_PERFORMED: "Nothing; the privacy office reviews what you supplied.",
    RequestState.ACCEPTED: "Nothing; your request is being carried out.",
    RequestState.DELAYED: "Nothing; it takes longer, for the reason you were told.",
    RequestState.FULFILLED: "Nothing; your request is fulfilled.",
    RequestState.UNFULFILLED: "File the request again, and prove your identity in time.",
    RequestState.WITHDRAWN: "Nothing; you withdrew the request, and can file it again.",
}
"""What the person has to do, where no reason decides it."""


def dpv_status(request: SubjectRequest) -> str:
    """Return the DPV status of a request as an IRI."""
    return DPV_NAMESPACE + DPV_STATUSES[request.state][0]


def describe_next_step(request: SubjectRequest) -> str:
    """Return what the person does next, as a text for them."""
    if request.state is RequestState.REJECTED:
        return request.refusal.next if request.refusal else "You can complain to the authority."
    return ACTIONS_BY_REASON.get((request.state, request.reason)) or ACTIONS_BY_STATE[request.state]
