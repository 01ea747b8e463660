"""A join never widens what a person permits, except by an acceptance of their login or their own (promise 7).

Each law is a function of generated statements that raises what is wrong. Mutants of the code under test show
that it would be found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.source_consent import SetAside, SourceConsent
from discretion.domain.profiles import person_state
from discretion.domain.profiles.person_state import read_record_statements
from discretion.law.model import UNKNOWN
from discretion.purpose import effective_choice, record_answer
from discretion.purpose.effective_choice import combine_answers
from discretion.purpose.permission_engine import PermissionEngine
from discretion.purpose.permissions import (
    REFUSABLE,
    PermissionBits,
    PersonState,
    compute_permitted_bits,
)
from discretion.purpose.record_answer import Reach, RecordAnswer, compute_record_answer
from discretion.purpose.statements import NodeChoices, RecordStatements, list_purpose_path
from discretion.store.source_record import Choice, SourceRecord
from tests.fixtures.law import LAW
from tests.properties.law_mutants import LAW_SETTINGS, build_mutant_test
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


SILENT = st.lists(
    st.sampled_from(
        [RecordStatements(), RecordStatements(is_login=True), RecordStatements(is_correction=True)]
    ),
    max_size=3,
).map(tuple)
ABOUT_MAIL = st.sampled_from([(), no(at=1), yes(at=1), no(at=2), yes(at=2)])
RECORDS_ABOUT_MAIL = st.builds(
    RecordStatements,
    ambient=ABOUT_MAIL.map(repeat),
    **dict.fromkeys(("explicit", "guardian", "own", "own_guardian"), ABOUT_MAIL),
    is_login=st.booleans(),
)
"""Different people state something about one purpose, so that they contradict each other often."""


@LAW_SETTINGS
@given(RECORDS_ABOUT_MAIL, st.lists(RECORDS_ABOUT_MAIL, max_size=1), st.sampled_from(["eu", UNKNOWN]))
def check_a_joined_birth_date_widens_nothing(
    record: RecordStatements, others: list[RecordStatements], law: str
) -> None:
    """A person without a birth date turns out to be a child when a record that says so joins them."""
    side, joined = (record, *others), (record, *others, RecordStatements(is_correction=True))
    assert not find_gained(permit(side, (law,), None), permit(joined, (law,), CHILD))


@LAW_SETTINGS
@given(SIDES, SIDES, JURISDICTIONS, BORN)
def check_strangers_widen_nothing(
    side: Records, other: Records, laws: tuple[str, ...], born: int | None
) -> None:
    """Records without a login and without the person's own statements add no permission at all."""
    strangers = tuple(replace(record, is_login=False, own=(), own_guardian=()) for record in other)
    assert not find_gained(permit(side, laws, born), permit((*side, *strangers), laws, born))


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


def set_aside_acceptances(record: RecordStatements, aside: SourceConsent) -> RecordStatements:
    """Return the statements of a record as they count when some of its source's are set aside."""
    stored = SourceRecord(
        *(b"r", "shop", b"c", 1, 1, 1, 1),
        ambient_choices=dict(record.ambient),
        explicit_choices=store_choices(record.explicit),
        guardian_choices=store_choices(record.guardian),
        own_choices=store_choices(record.own),
        own_guardian_choices=store_choices(record.own_guardian),
    )
    return replace(
        read_record_statements(stored, aside),
        opted_out_at=record.opted_out_at,
        limits_sensitive_use=record.limits_sensitive_use,
        is_login=record.is_login,
        is_correction=record.is_correction,
    )


def store_choices(choices: NodeChoices) -> dict[str, Choice]:
    """Return explicit statements as a record stores them."""
    return {node: Choice(choice.accepted, choice.at, choice.message) for node, choice in choices}


@LAW_SETTINGS
@given(SIDES, JURISDICTIONS, BORN, st.booleans())
def check_setting_aside_narrows(
    side: Records, laws: tuple[str, ...], born: int | None, is_limited: bool
) -> None:
    """Whatever is set aside of one sender or of all, nothing is permitted that was not before."""
    period = date(1970, 1, 2) if is_limited else None
    aside = SourceConsent(set_aside=(SetAside("Faulty.", "office", end_day=period),))
    before = permit(side, laws, born)
    for count in range(1, len(side) + 1):
        narrowed = tuple(
            set_aside_acceptances(record, aside) if index < count else record
            for index, record in enumerate(side)
        )
        assert not find_gained(before, permit(narrowed, laws, born))


ENGINE = PermissionEngine(CATALOGUE, LAW)
NODES = sorted({node for key in CATALOGUE.purposes for node in list_purpose_path(key)})


@LAW_SETTINGS
@given(SIDES, JURISDICTIONS, BORN, st.sets(st.sampled_from(NODES), max_size=2))
def check_refusals_of_provers_narrow(
    side: Records, laws: tuple[str, ...], born: int | None, refused: set[str]
) -> None:
    """What others refuse who have proven a claimed identifier takes these purposes and gives none."""
    state = PersonState(side, laws, born_at=born, refused_by_provers=tuple(sorted(refused)))
    after = compute_permitted_bits(CATALOGUE, LAW, state, NOW)
    assert not find_gained(permit(side, laws, born), after)
    for purpose in CATALOGUE.purposes.values():
        if purpose.basis in REFUSABLE and not refused.isdisjoint(list_purpose_path(purpose.key)):
            assert not after.allow >> purpose.bit & 1
    assert ENGINE.forecast(state, NOW).now == after


LAWS = (
    check_refusals_of_provers_narrow,
    check_setting_aside_narrows,
    check_join_widens_nothing,
    check_a_joined_birth_date_widens_nothing,
    check_strangers_widen_nothing,
    check_silence_takes_nothing,
    check_own_withdrawal_stays,
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


def a_refusal_is_set_aside_too(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        person_state,
        "select_explicit",
        lambda choices, consent: {
            node: choice
            for node, choice in choices.items()
            if consent.find_set_aside(choice.at, choice.at) is None
        },
    )


MUTANTS = (
    (a_refusal_is_set_aside_too, check_setting_aside_narrows),
    (silence_agrees, check_join_widens_nothing),
    (silence_agrees, check_strangers_widen_nothing),
    (everybody_is_a_login, check_strangers_widen_nothing),
    (nobody_covers_others, check_silence_takes_nothing),
    (corrections_must_agree, check_silence_takes_nothing),
    (a_source_lifts_an_own_withdrawal, check_own_withdrawal_stays),
    (refusals_stay_in_their_record, check_strangers_widen_nothing),
)

test_a_mutant_breaks_the_law = build_mutant_test(MUTANTS)
