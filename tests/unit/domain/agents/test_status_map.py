"""States of a request in the words of other protocols."""

from __future__ import annotations

import itertools

import pytest

from discretion.domain.agents.status_map import DRP_FINAL, OPENDSR, drp
from discretion.domain.requests.model import FINAL, Reason, State

REASONS = (None, *Reason)
DRP_STATES = {"open", "in_progress", "fulfilled", "revoked", "denied", "expired"}
DENIED = {
    "suspected_fraud",
    "insuf_verification",
    "no_match",
    "claim_not_covered",
    "outside_jurisdiction",
    "too_many_requests",
    "other",
}


def test_every_state_has_a_word_in_each_protocol() -> None:
    """A state that is new is told nowhere until somebody said how."""
    assert set(OPENDSR) == set(State)
    assert set(OPENDSR.values()) == {"pending", "in_progress", "completed", "cancelled"}


@pytest.mark.parametrize(("state", "reason"), list(itertools.product(State, REASONS)))
def test_every_pair_is_a_status_of_the_data_rights_protocol(state: State, reason: Reason | None) -> None:
    """Of section 3.02's table, final where the state is, and a denial has a reason."""
    status, why = drp(state, reason)
    assert status in DRP_STATES
    assert (status in ("open", "in_progress")) == (state not in FINAL)
    assert (why in DENIED) if status == "denied" else why in (None, "need_user_verification")


def test_each_final_word_leads_one_way_back() -> None:
    """All ten of them: no two of our states are told alike, and none of theirs is never told."""
    assert len(set(DRP_FINAL.values())) == len(DRP_FINAL) == 10
    assert {why for status, why in DRP_FINAL.values() if status == "denied"} == DENIED
    assert all(state in FINAL for state, _ in DRP_FINAL)
    assert all(drp(*pair) == told for pair, told in DRP_FINAL.items())


def test_only_who_is_to_prove_who_they_are_is_asked_to() -> None:
    """Whatever else a request waits for is no verification."""
    asked = {pair for pair in itertools.product(State, REASONS) if drp(*pair)[1] == "need_user_verification"}
    assert asked == {(State.ACTION_REQUIRED, Reason.IDENTITY)}


def test_what_failed_is_never_told_as_completed() -> None:
    """OpenDSR has no word for failure; cancelled is not done."""
    assert {state for state, told in OPENDSR.items() if told == "completed"} == {State.FULFILLED}
