"""A join never widens what a person permits, except by an acceptance of their login or their own (promise 7).

Each law is a function of generated statements that raises what is wrong. Mutants of the code under test show
that it would be found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.domain.ingest.message import ExplicitChoice
from discretion.domain.profiles import choice_fold
from discretion.domain.profiles.choice_fold import fold_ambient_choice, fold_choice, fold_dated_choice
from discretion.purpose import effective_choice, record_answer
from discretion.purpose.effective_choice import combine_answers
from discretion.purpose.permissions import PermissionBits, PersonState, compute_permitted_bits
from discretion.purpose.record_answer import Reach, RecordAnswer, compute_record_answer
from discretion.purpose.statements import AmbientChoice, RecordStatements
from discretion.store.source_record import Choice
from tests.fixtures.examples import scale_examples
from tests.fixtures.law import LAW
from tests.properties.settings import PROPERTY_SETTINGS, seeded_randoms
from tests.unit.purpose.test_permissions import (
    CATALOGUE,
    CHILD,
    CHOICES,
    JURISDICTIONS,
    KEY,
    NOW,
    RECORDS,
    no,
    repeat,
    yes,
)

LAW_SETTINGS = settings(PROPERTY_SETTINGS, max_examples=scale_examples(200), report_multiple_bugs=False)
"""These laws need no database, so they are tried with more examples."""


def restrict_corrections(record: RecordStatements) -> RecordStatements:
    """Return a record as it can be: no source reports anything about a record of corrections."""
    if not record.is_correction:
        return record
    return RecordStatements(own=record.own, own_guardian=record.own_guardian, is_correction=True)


SIDES = (
    st.lists(RECORDS.map(restrict_corrections), min_size=1, max_size=3)
    .filter(lambda records: any(not record.is_correction for record in records))
    .map(tuple)
)
BORN = st.sampled_from([None, CHILD])
Records = tuple[RecordStatements, ...]


def permit(records: Records, laws: tuple[str, ...], born: int | None) -> PermissionBits:
    """Return what a person with these records permits."""
    return compute_permitted_bits(CATALOGUE, LAW, PersonState(records, laws, born_at=born), NOW)


def find_gained(before: PermissionBits, after: PermissionBits) -> int:
    """Return the bits that are permitted after and were not before, also for sensitive kinds of data."""
    gained = after.allow & ~before.allow
    for kind_before, kind_after in zip(before.kinds, after.kinds, strict=True):
        gained |= kind_after & ~kind_before
    return gained


def find_covered(records: Records) -> int:
    """Return the bits of the purposes that a login or the person themselves accepts in these records."""
    bits = 0
    for purpose in CATALOGUE.purposes.values():
        answers = [compute_record_answer(purpose, record, NOW) for record in records]
        reaches = [reach for item in answers for reach in (item.accepted, item.explicit, item.by_guardian)]
        bits |= (Reach.PERSON in reaches) << purpose.bit
    return bits


@LAW_SETTINGS
@given(SIDES, SIDES, JURISDICTIONS, BORN)
def check_join_widens_nothing(side: Records, other: Records, laws: tuple[str, ...], born: int | None) -> None:
    """Each side gains only what the login or the person of the other side accepts."""
    joined = permit((*side, *other), laws, born)
    for gaining, opposite in ((side, other), (other, side)):
        assert not find_gained(permit(gaining, laws, born), joined) & ~find_covered(opposite)


@LAW_SETTINGS
@given(SIDES, SIDES, JURISDICTIONS, BORN)
def check_strangers_widen_nothing(
    side: Records, other: Records, laws: tuple[str, ...], born: int | None
) -> None:
    """Records without a login and without the person's own statements add no permission at all."""
    strangers = tuple(replace(record, is_login=False, own=(), own_guardian=()) for record in other)
    assert not find_gained(permit(side, laws, born), permit((*side, *strangers), laws, born))


SILENT = st.lists(
    st.sampled_from(
        [RecordStatements(), RecordStatements(is_login=True), RecordStatements(is_correction=True)]
    ),
    max_size=3,
).map(tuple)


@LAW_SETTINGS
@given(SIDES, SILENT, JURISDICTIONS, BORN, st.booleans())
def check_silence_takes_nothing(
    side: Records, silent: Records, laws: tuple[str, ...], born: int | None, is_login: bool
) -> None:
    """A yes under a login, then a new cookie, then a confirmed card: still permitted. So is an own yes."""
    speaker = tuple(
        replace(record, is_login=is_login or bool(record.own or record.own_guardian), is_correction=False)
        for record in side
    )
    if is_login:
        assert permit((*speaker, *silent), laws, born) == permit(speaker, laws, born)
    own_only = tuple(replace(record, ambient=(), explicit=(), guardian=(), is_login=False) for record in side)
    if all(record.own for record in own_only):
        before = permit(own_only, laws, born).allow & find_covered(own_only)
        assert not before & ~permit((*own_only, *silent), laws, born).allow


@LAW_SETTINGS
@given(SIDES, CHOICES, CHOICES, st.booleans())
def check_own_withdrawal_stays(
    records: Records, explicit: tuple[object, ...], guardian: tuple[object, ...], is_login: bool
) -> None:
    """Whatever a source reports later, in the same record or another one."""
    withdrawn = replace(records[0], own=no(at=1))
    later = RecordStatements(ambient=repeat(yes(at=9)), explicit=yes(at=9), guardian=yes(at=9), is_login=True)
    for person in (
        (*records, withdrawn, later),
        (replace(later, own=no(at=1)),),
        (replace(withdrawn, explicit=explicit, guardian=guardian, is_login=is_login, own_guardian=()),),  # type: ignore[arg-type]
    ):
        purpose = CATALOGUE.purposes[KEY]
        answers = [compute_record_answer(purpose, record, NOW) for record in person]
        assert combine_answers(answers).accepted is False


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


LAWS = (
    check_join_widens_nothing,
    check_strangers_widen_nothing,
    check_silence_takes_nothing,
    check_own_withdrawal_stays,
    check_order_of_messages,
    check_repetition_renews_nothing,
    check_order_of_explicit,
)


@pytest.mark.parametrize("check", LAWS, ids=lambda check: check.__name__)
def test_the_law_applies_to_every_example(check: Callable[[], None]) -> None:
    check()


def silence_agrees(patch: pytest.MonkeyPatch) -> None:
    """One acceptance anywhere covers every record, as long as nobody refuses."""

    def covers(answers: Sequence[RecordAnswer], read: Callable[[RecordAnswer], Reach]) -> bool:
        return any(read(answer) is not Reach.NONE for answer in answers)

    patch.setattr(effective_choice, "_covers_person", covers)


def everybody_is_a_login(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        record_answer._RecordJudge,
        "_find_reach",
        lambda _self, is_accepted, _is_own: Reach.PERSON if is_accepted else Reach.NONE,
    )


def nobody_covers_others(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        record_answer._RecordJudge,
        "_find_reach",
        lambda _self, is_accepted, _is_own: Reach.RECORD if is_accepted else Reach.NONE,
    )


def corrections_must_agree(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        effective_choice,
        "_covers_person",
        lambda answers, read: bool(answers) and all(read(answer) is not Reach.NONE for answer in answers),
    )


def a_source_lifts_an_own_withdrawal(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        record_answer._RecordJudge,
        "_combine",
        lambda _self, own, reported: record_answer._find_latest(
            choice for choice in (own, reported) if choice is not None
        ),
    )


def refusals_stay_in_their_record(patch: pytest.MonkeyPatch) -> None:
    combine = combine_answers

    def ignore_refusals(answers: Sequence[RecordAnswer]) -> effective_choice.EffectiveChoice:
        accepting = [item for item in answers if item.accepted is not Reach.NONE]
        return combine(accepting or answers)

    patch.setattr(effective_choice, "combine_answers", ignore_refusals)


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


MUTANTS = [
    (silence_agrees, check_join_widens_nothing),
    (silence_agrees, check_strangers_widen_nothing),
    (everybody_is_a_login, check_strangers_widen_nothing),
    (nobody_covers_others, check_silence_takes_nothing),
    (corrections_must_agree, check_silence_takes_nothing),
    (a_source_lifts_an_own_withdrawal, check_own_withdrawal_stays),
    (refusals_stay_in_their_record, check_strangers_widen_nothing),
    (a_repetition_is_a_new_acceptance, check_repetition_renews_nothing),
    (a_string_counts_from_its_message, check_repetition_renews_nothing),
    (the_last_received_counts, check_order_of_explicit),
    (a_refusal_before_an_acceptance_is_forgotten, check_order_of_explicit),
    (the_last_state_counts, check_order_of_messages),
]


@pytest.mark.parametrize(("mutant", "check"), MUTANTS, ids=lambda item: item.__name__)
def test_a_mutant_breaks_the_law(
    mutant: Callable[[pytest.MonkeyPatch], None],
    check: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mutant(monkeypatch)
    with pytest.raises(AssertionError):
        check()
