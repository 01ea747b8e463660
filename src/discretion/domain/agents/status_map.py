"""States and reasons of a request as statuses of the Data Rights Protocol and of OpenDSR.

Sources: Data Rights Protocol 1.0, section 3.02; OpenDSR 2.0, section 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from discretion.store.request_state import RequestReason, RequestState

ProtocolStatus = tuple[str, str | None]
"""A status and its reason."""

OPENDSR_STATUSES: Mapping[RequestState, str] = MappingProxyType(
    {
        RequestState.INITIATED: "pending",
        RequestState.ACKNOWLEDGED: "pending",
        RequestState.ACTION_REQUIRED: "pending",
        RequestState.ACTION_PERFORMED: "pending",
        RequestState.ACCEPTED: "in_progress",
        RequestState.DELAYED: "in_progress",
        RequestState.FULFILLED: "completed",
        RequestState.REJECTED: "cancelled",  # OpenDSR has no status for a failure, and it is not completed
        RequestState.UNFULFILLED: "cancelled",
        RequestState.WITHDRAWN: "cancelled",
    }
)

DRP_FINAL_STATUSES: Mapping[tuple[RequestState, RequestReason | None], ProtocolStatus] = MappingProxyType(
    {
        (RequestState.FULFILLED, None): ("fulfilled", None),
        (RequestState.WITHDRAWN, None): ("revoked", None),
        (RequestState.REJECTED, RequestReason.FRAUD): ("denied", "suspected_fraud"),
        (RequestState.UNFULFILLED, RequestReason.NOT_VERIFIED): ("denied", "insuf_verification"),
        (RequestState.UNFULFILLED, RequestReason.NO_MATCH): ("denied", "no_match"),
        (RequestState.REJECTED, RequestReason.NOT_COVERED): ("denied", "claim_not_covered"),
        (RequestState.REJECTED, RequestReason.OUTSIDE_JURISDICTION): ("denied", "outside_jurisdiction"),
        (RequestState.REJECTED, RequestReason.TOO_MANY): ("denied", "too_many_requests"),
        (RequestState.REJECTED, RequestReason.OTHER): ("denied", "other"),
        (RequestState.UNFULFILLED, RequestReason.EXPIRED): ("expired", None),
    }
)
"""Final statuses. The mapping is one to one: each DRP status and reason belongs to one state and reason."""

_IN_PROGRESS: ProtocolStatus = ("in_progress", None)
DRP_OPEN_STATUSES: Mapping[RequestState, ProtocolStatus] = MappingProxyType(
    {
        RequestState.INITIATED: ("open", None),
        RequestState.ACKNOWLEDGED: _IN_PROGRESS,
        RequestState.ACTION_REQUIRED: _IN_PROGRESS,
        RequestState.ACTION_PERFORMED: _IN_PROGRESS,
        RequestState.ACCEPTED: _IN_PROGRESS,
        RequestState.DELAYED: _IN_PROGRESS,
    }
)
_NEEDS_VERIFICATION: ProtocolStatus = ("in_progress", "need_user_verification")
_STATUS_BY_REASON: Mapping[RequestReason, ProtocolStatus] = MappingProxyType(
    {reason: protocol_status for (_, reason), protocol_status in DRP_FINAL_STATUSES.items() if reason}
)


def get_drp_status(state: RequestState, reason: RequestReason | None) -> ProtocolStatus:
    """Return the status and reason of the Data Rights Protocol for any state and reason."""
    if state in DRP_OPEN_STATUSES:
        needs_verification = state is RequestState.ACTION_REQUIRED and reason is RequestReason.IDENTITY
        return _NEEDS_VERIFICATION if needs_verification else DRP_OPEN_STATUSES[state]
    if (state, reason) in DRP_FINAL_STATUSES:
        return DRP_FINAL_STATUSES[state, reason]
    if state in (RequestState.FULFILLED, RequestState.WITHDRAWN):
        return DRP_FINAL_STATUSES[state, None]
    fallback = DRP_FINAL_STATUSES[RequestState.REJECTED, RequestReason.OTHER]
    return fallback if reason is None else _STATUS_BY_REASON.get(reason, fallback)
