"""What a record stores of statements depends neither on their order nor on repetition, which renews nothing.

Each law is a function of generated messages that raises what is wrong; mutants of the code under test show
that it would be found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.domain.ingest.message import ExplicitChoice
from discretion.domain.profiles import choice_fold
from discretion.domain.profiles.choice_fold import fold_ambient_choice, fold_choice, fold_dated_choice
from discretion.purpose.statements import AmbientChoice
from discretion.store.source_record import Choice
from tests.properties.law_mutants import LAW_SETTINGS, build_mutant_test
from tests.properties.settings import seeded_randoms

MESSAGES = st.lists(
    st.tuples(st.sampled_from(["ambient", "dated"]), st.integers(0, 9), st.integers(0, 9), st.booleans()),
    min_size=1,
    max_size=6,
)


def fold_messages(messages: Sequence[tuple[str, int, int, bool]]) -> AmbientChoice:
    """Return what a record stores of these messages: kind, date of the string, days until it was sent."""
    state = None
    for kind, updated, delay, permits in messages:
        moment = choice_fold.TCF_V2_STARTED_MS + (updated + delay) * choice_fold.DAY_MS
        date = choice_fold.TCF_V2_STARTED_MS + updated * choice_fold.DAY_MS
        state = (
            choice_fold.fold_ambient_choice(state, moment, permits=permits)
            if kind == "ambient"
            else choice_fold.fold_dated_choice(state, date, moment, permits=permits)
        )
    assert state is not None
    return state


@LAW_SETTINGS
@given(MESSAGES, seeded_randoms())
def check_order_of_messages(messages: list[tuple[str, int, int, bool]], random: Random) -> None:
    """The order of messages, and how often each is received, changes nothing."""
    shuffled = [*messages, *messages[:2]]
    random.shuffle(shuffled)
    assert fold_messages(shuffled) == fold_messages(messages)


@LAW_SETTINGS
@given(MESSAGES, st.integers(1, 30))
def check_repetition_renews_nothing(messages: list[tuple[str, int, int, bool]], later: int) -> None:
    """Whoever repeats the acceptance that is in force agrees from no later time than before."""
    state = fold_messages(messages)
    kind, updated, delay, permits = messages[-1]
    if not permits or state.is_accepted is not True:
        return
    repeated = fold_messages([*messages, (kind, updated, max(delay, 10) + later, permits)])
    assert repeated.refused_last == state.refused_last
    starts = state.list_starts(state.refused_last)
    # A string that a preference replaced, or the reverse, may be sent again: it counts from the refusal on.
    latest = max([*starts, state.refused_last or 0])
    assert max(repeated.list_starts(repeated.refused_last)) <= latest


EXPLICIT = st.lists(
    st.tuples(st.integers(0, 4), st.booleans(), st.sampled_from("ab")), min_size=1, max_size=5, unique=True
)


@LAW_SETTINGS
@given(EXPLICIT, seeded_randoms())
def check_order_of_explicit(messages: list[tuple[int, bool, str]], random: Random) -> None:
    """The latest explicit statement counts, with the latest refusal before it, in any order."""

    def fold(sequence: Sequence[tuple[int, bool, str]]) -> Choice | None:
        choice = None
        for at, permits, message in sequence:
            choice = choice_fold.fold_choice(choice, ExplicitChoice(permits), at, message)
        return choice

    shuffled = list(messages)
    random.shuffle(shuffled)
    choice = fold(messages)
    assert choice == fold(shuffled)
    assert choice is not None
    refusals = [at for at, permits, _ in messages if not permits]
    assert choice.permits is (
        max((at for at, permits, _ in messages if permits), default=-1) > max(refusals, default=-1)
    )
    assert choice.refused_at == (max(refusals, default=None) if choice.permits else None)


LAWS = (check_order_of_messages, check_repetition_renews_nothing, check_order_of_explicit)


@pytest.mark.parametrize("check", LAWS, ids=lambda check: check.__name__)
def test_the_law_applies_to_every_example(check: Callable[[], None]) -> None:
    check()


def a_repetition_is_a_new_acceptance(patch: pytest.MonkeyPatch) -> None:
    def renew(current: AmbientChoice | None, at: int, *, permits: bool) -> AmbientChoice:
        state = fold_ambient_choice(current, at, permits=permits)
        return replace(state, accepted_first=state.accepted_last)

    patch.setattr(choice_fold, "fold_ambient_choice", renew)


def a_string_counts_from_its_message(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        choice_fold,
        "fold_dated_choice",
        lambda current, _updated, at, *, permits: fold_dated_choice(current, at, at, permits=permits),
    )


def the_last_received_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        choice_fold,
        "fold_choice",
        lambda _current, choice, at, message: fold_choice(None, choice, at, message),
    )


def a_refusal_before_an_acceptance_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    def forget(current: Choice | None, choice: ExplicitChoice, at: int, message: str) -> Choice:
        return replace(fold_choice(current, choice, at, message), refused_at=None)

    patch.setattr(choice_fold, "fold_choice", forget)


def the_last_state_counts(patch: pytest.MonkeyPatch) -> None:
    def overwrite(current: AmbientChoice | None, at: int, *, permits: bool) -> AmbientChoice:
        state = fold_ambient_choice(current, at, permits=permits)
        return replace(state, refused_last=None) if permits else state

    patch.setattr(choice_fold, "fold_ambient_choice", overwrite)


MUTANTS = (
    (a_repetition_is_a_new_acceptance, check_repetition_renews_nothing),
    (a_string_counts_from_its_message, check_repetition_renews_nothing),
    (the_last_received_counts, check_order_of_explicit),
    (a_refusal_before_an_acceptance_is_forgotten, check_order_of_explicit),
    (the_last_state_counts, check_order_of_messages),
)

test_a_mutant_breaks_the_law = build_mutant_test(MUTANTS)
