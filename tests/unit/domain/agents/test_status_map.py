"""States of a request as statuses of DRP and OpenDSR."""

from __future__ import annotations

import itertools

import pytest

from discretion.domain.agents.status_map import DRP_FINAL_STATUSES, OPENDSR_STATUSES, get_drp_status
from discretion.store.request_state import FINAL_STATES, RequestReason, RequestState

REASONS = (None, *RequestReason)
DRP_STATES = {"open", "in_progress", "fulfilled", "revoked", "denied", "expired"}
DENIAL_REASONS = {
    "suspected_fraud",
    "insuf_verification",
    "no_match",
    "claim_not_covered",
    "outside_jurisdiction",
    "too_many_requests",
    "other",
}


def test_every_state_has_an_opendsr_status() -> None:
    """A new state must be mapped before it can be reported."""
    assert set(OPENDSR_STATUSES) == set(RequestState)
    assert set(OPENDSR_STATUSES.values()) == {"pending", "in_progress", "completed", "cancelled"}


@pytest.mark.parametrize(("state", "reason"), list(itertools.product(RequestState, REASONS)))
def test_every_state_and_reason_has_a_drp_status(state: RequestState, reason: RequestReason | None) -> None:
    """It is in the table of section 3.02, final where the state is final, and a denial has a reason."""
    status, drp_reason = get_drp_status(state, reason)
    assert status in DRP_STATES
    assert (status in ("open", "in_progress")) == (state not in FINAL_STATES)
    assert (
        (drp_reason in DENIAL_REASONS)
        if status == "denied"
        else drp_reason in (None, "need_user_verification")
    )


def test_each_final_status_maps_to_one_state() -> None:
    """There are ten: no two states share a status, and every final status of the protocol is used."""
    assert len(set(DRP_FINAL_STATUSES.values())) == len(DRP_FINAL_STATUSES) == 10
    assert {
        drp_reason for status, drp_reason in DRP_FINAL_STATUSES.values() if status == "denied"
    } == DENIAL_REASONS
    assert all(state in FINAL_STATES for state, _ in DRP_FINAL_STATUSES)
    assert all(get_drp_status(*pair) == drp_status for pair, drp_status in DRP_FINAL_STATUSES.items())


def test_verification_is_requested_only_when_identity_is_unproven() -> None:
    """No other reason to wait is reported as verification."""
    pairs = {
        pair
        for pair in itertools.product(RequestState, REASONS)
        if get_drp_status(*pair)[1] == "need_user_verification"
    }
    assert pairs == {(RequestState.ACTION_REQUIRED, RequestReason.IDENTITY)}


def test_a_failed_request_is_never_reported_as_completed() -> None:
    """OpenDSR has no status for failure; "cancelled" does not mean completed."""
    assert {state for state, status in OPENDSR_STATUSES.items() if status == "completed"} == {
        RequestState.FULFILLED
    }
