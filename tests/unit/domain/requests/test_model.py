"""Allowed transitions between request states, and their names in other vocabularies."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from discretion.domain.requests.model import (
    ALLOWED_TRANSITIONS,
    REQUIRED_ASSURANCE,
    change_state,
    required_assurance,
)
from discretion.domain.requests.status_map import ACTIONS_BY_REASON, ACTIONS_BY_STATE, DPV_STATUSES
from discretion.errors import Conflict
from discretion.law.jurisdiction import Right
from discretion.store.request_state import FINAL_STATES, RequesterAssurance, RequestReason, RequestState
from tests.fixtures.subject_request import build_accepted_request


def test_every_transition_that_is_not_allowed_is_refused() -> None:
    for before, after in product(RequestState, RequestState):
        request = replace(build_accepted_request(b"r", ()), state=before)
        if after in ALLOWED_TRANSITIONS[before]:
            assert change_state(request, after, 1, "me").state is after
            continue
        with pytest.raises(Conflict) as refusal:
            change_state(request, after, 1, "me")
        assert refusal.value.code == "REQUEST_STATE"


def test_a_final_state_stays_final_and_every_state_can_end() -> None:
    for state in RequestState:
        assert (not ALLOWED_TRANSITIONS[state]) == (state in FINAL_STATES)
        reachable, pending = set(), [state]
        while pending:
            current = pending.pop()
            if current not in reachable:
                reachable.add(current)
                pending += ALLOWED_TRANSITIONS[current]
        assert RequestState.REJECTED in reachable or state in FINAL_STATES


def test_each_state_is_one_dpv_status() -> None:
    assert DPV_STATUSES.keys() == set(RequestState)
    assert len(set(DPV_STATUSES.values())) == len(RequestState)


def test_every_state_has_an_action_for_the_customer() -> None:
    states = {state for state, _ in ACTIONS_BY_REASON} | ACTIONS_BY_STATE.keys()
    assert states | {RequestState.REJECTED} == set(RequestState)
    assert {reason for _, reason in ACTIONS_BY_REASON} <= set(RequestReason)


def test_a_right_that_only_protects_needs_a_session() -> None:
    for right in Right:
        assert required_assurance(right) is (
            RequesterAssurance.FRESH if right in REQUIRED_ASSURANCE else RequesterAssurance.SESSION
        )
    assert required_assurance(Right.ERASURE) > required_assurance(Right.OPT_OUT_SALE)
