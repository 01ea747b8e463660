"""States and reasons of a request in the words of the protocols that organisations speak.

Sources: Data Rights Protocol 1.0, section 3.02; OpenDSR 2.0, section 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from discretion.domain.requests.model import Reason, State

Told = tuple[str, str | None]
"""A status, and its reason."""

OPENDSR: Mapping[State, str] = MappingProxyType(
    {
        State.INITIATED: "pending",
        State.ACKNOWLEDGED: "pending",
        State.ACTION_REQUIRED: "pending",
        State.ACTION_PERFORMED: "pending",
        State.ACCEPTED: "in_progress",
        State.DELAYED: "in_progress",
        State.FULFILLED: "completed",
        State.REJECTED: "cancelled",  # it has no word for what failed, and this is not completed
        State.UNFULFILLED: "cancelled",
        State.WITHDRAWN: "cancelled",
    }
)

DRP_FINAL: Mapping[tuple[State, Reason | None], Told] = MappingProxyType(
    {
        (State.FULFILLED, None): ("fulfilled", None),
        (State.WITHDRAWN, None): ("revoked", None),
        (State.REJECTED, Reason.FRAUD): ("denied", "suspected_fraud"),
        (State.UNFULFILLED, Reason.NOT_VERIFIED): ("denied", "insuf_verification"),
        (State.UNFULFILLED, Reason.NO_MATCH): ("denied", "no_match"),
        (State.REJECTED, Reason.NOT_COVERED): ("denied", "claim_not_covered"),
        (State.REJECTED, Reason.OUTSIDE_JURISDICTION): ("denied", "outside_jurisdiction"),
        (State.REJECTED, Reason.TOO_MANY): ("denied", "too_many_requests"),
        (State.REJECTED, Reason.OTHER): ("denied", "other"),
        (State.UNFULFILLED, Reason.EXPIRED): ("expired", None),
    }
)
"""One to one: from each of these words leads one way back."""

_IN_PROGRESS: Told = ("in_progress", None)
DRP_OPEN: Mapping[State, Told] = MappingProxyType(
    {
        State.INITIATED: ("open", None),
        State.ACKNOWLEDGED: _IN_PROGRESS,
        State.ACTION_REQUIRED: _IN_PROGRESS,
        State.ACTION_PERFORMED: _IN_PROGRESS,
        State.ACCEPTED: _IN_PROGRESS,
        State.DELAYED: _IN_PROGRESS,
    }
)
_VERIFY: Told = ("in_progress", "need_user_verification")
_OF_REASON: Mapping[Reason, Told] = MappingProxyType(
    {reason: told for (_, reason), told in DRP_FINAL.items() if reason}
)


def drp(state: State, reason: Reason | None) -> Told:
    """Status and reason in the Data Rights Protocol, for any state and any reason."""
    if state in DRP_OPEN:
        wants = state is State.ACTION_REQUIRED and reason is Reason.IDENTITY
        return _VERIFY if wants else DRP_OPEN[state]
    if (state, reason) in DRP_FINAL:
        return DRP_FINAL[state, reason]
    if state in (State.FULFILLED, State.WITHDRAWN):
        return DRP_FINAL[state, None]
    other = DRP_FINAL[State.REJECTED, Reason.OTHER]
    return other if reason is None else _OF_REASON.get(reason, other)
