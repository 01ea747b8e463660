"""Which state may follow which, and what others call them."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from discretion.domain.requests.model import FINAL, FOLLOWS, NEEDED, Assurance, Reason, State, needed, turned
from discretion.domain.requests.status_map import NEXT, STATUSES, WAITING
from discretion.errors import Conflict
from discretion.law.jurisdiction import Right


def test_every_turn_that_is_not_foreseen_is_refused() -> None:
    for before, after in product(State, State):
        document: dict[str, Any] = {"state": before.value, "history": []}
        if after in FOLLOWS[before]:
            assert turned(document, after, 1, "me")["state"] == after
            continue
        with pytest.raises(Conflict) as refused:
            turned(document, after, 1, "me")
        assert refused.value.code == "REQUEST_STATE"


def test_what_has_ended_stays_ended_and_everything_can_end() -> None:
    for state in State:
        assert (not FOLLOWS[state]) == (state in FINAL)
        seen, waiting = set(), [state]
        while waiting:
            here = waiting.pop()
            if here not in seen:
                seen.add(here)
                waiting += FOLLOWS[here]
        assert State.REJECTED in seen or state in FINAL


def test_each_state_is_one_status_of_the_vocabulary() -> None:
    assert STATUSES.keys() == set(State)
    assert len(set(STATUSES.values())) == len(State)


def test_a_person_is_told_what_to_do_in_every_state() -> None:
    told = {state for state, _ in NEXT} | WAITING.keys()
    assert told | {State.REJECTED} == set(State)
    assert {reason for _, reason in NEXT} <= set(Reason)


def test_what_only_protects_takes_a_session() -> None:
    for right in Right:
        assert needed(right) is (Assurance.FRESH if right in NEEDED else Assurance.SESSION)
    assert needed(Right.ERASURE) > needed(Right.OPT_OUT_SALE)
