"""What a person's statements, age and requests permit under a law, as tables over a small test law."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.model import Attribute, Basis, Catalogue, Family, Purpose, ValueType
from discretion.law.model import UNKNOWN, ConsentLaw, MaterialChange
from discretion.purpose.effective_choice import EffectiveChoice, compute_effective_choice
from discretion.purpose.permissions import PersonState, compute_permitted_bits, judge_purpose
from discretion.purpose.statements import (
    AmbientChoice,
    NodeChoices,
    NodeStates,
    PurposeChoice,
    RecordStatements,
)
from tests.fixtures.law import LAW

NOW = 1_800_000_000_000
YEAR = 365 * 86_400_000
KEY = "marketing.communications.email"
SHARE = Purpose("marketing.advertising.third_party", 3, Basis.CONSENT, "", "", "", Family.SHARING)
MAIL = Purpose(KEY, 0, Basis.CONSENT, "", "", "", Family.MESSAGES)
COUNT = Purpose("analytics", 1, Basis.LEGITIMATE_INTEREST, "", "", "", Family.STATISTICS)
SHOP = Purpose("functional", 2, Basis.CONTRACT, "", "", "", Family.NECESSARY)
DUTY = Purpose("essential", 62, Basis.LEGAL_OBLIGATION, "", "", "", Family.NECESSARY)
CHILD = NOW - 15 * YEAR
HEALTH_ATTRIBUTE = Attribute(
    "store.needs", 1, ValueType.STRING, "user.health_and_medical", "", (), "P1Y", True, kinds=("health",)
)
CATALOGUE = Catalogue(
    "v",
    "",
    {purpose.key: purpose for purpose in (SHARE, MAIL, COUNT, SHOP, DUTY)},
    {},
    {HEALTH_ATTRIBUTE.path: HEALTH_ATTRIBUTE},
    {},
    {},
    {},
)


def build_choices(*, at: int = NOW - 1000, limited: int | None = None, **answers: bool) -> NodeChoices:
    """Return choices that were made 1 ms apart; ``__`` in a keyword stands for a dot."""
    return tuple(
        (name.replace("__", "."), PurposeChoice(at + number, "m", accepted, limited))
        for number, (name, accepted) in enumerate(answers.items())
    )


def yes(key: str = KEY, at: int = NOW - 1000) -> NodeChoices:
    """Return the acceptance of a purpose."""
    return ((key, PurposeChoice(at, "m", accepted=True)),)


def no(key: str = KEY, at: int = NOW - 1000) -> NodeChoices:
    """Return the refusal of a purpose."""
    return ((key, PurposeChoice(at, "m", accepted=False)),)


def repeat(choices: NodeChoices) -> NodeStates:
    """Return the same choices as a source's ambient statements, each received once."""
    return tuple(
        (
            node,
            AmbientChoice(accepted_first=choice.at, accepted_last=choice.at)
            if choice.accepted
            else AmbientChoice(refused_last=choice.at),
        )
        for node, choice in choices
    )


def is_permitted(
    purpose: Purpose,
    *records: RecordStatements,
    jurisdiction: str = "eu",
    born: int | None = None,
    **flags: bool,
) -> bool:
    """Return whether a person who is protected by one law permits a purpose."""
    state = PersonState(records, (jurisdiction,), flags.get("restricted", False), born)
    return judge_purpose(CATALOGUE, LAW, state, purpose, NOW).permitted


NO_STATEMENTS, AGREES, REFUSES = (), (RecordStatements(explicit=yes()),), (RecordStatements(explicit=no()),)
REFUSES_ALL = (RecordStatements(explicit=no("analytics") + no("functional") + no("essential")),)


@pytest.mark.parametrize(
    ("purpose", "records", "jurisdiction", "expected"),
    [
        (MAIL, NO_STATEMENTS, "eu", False),
        (MAIL, AGREES, "eu", True),
        (MAIL, REFUSES, "eu", False),
        (MAIL, NO_STATEMENTS, "us-tx", True),
        (MAIL, REFUSES, "us-tx", False),
        (MAIL, NO_STATEMENTS, UNKNOWN, False),
        (MAIL, NO_STATEMENTS, "atlantis", False),
        (COUNT, NO_STATEMENTS, "eu", True),
        (COUNT, REFUSES_ALL, "eu", False),
        (COUNT, REFUSES_ALL, "us-tx", False),
        (SHOP, NO_STATEMENTS, "eu", True),
        (SHOP, REFUSES_ALL, "eu", True),
        (DUTY, REFUSES_ALL, "eu", True),
    ],
)
def test_the_law_decides_which_choice_a_purpose_needs(
    purpose: Purpose, records: tuple[RecordStatements, ...], jurisdiction: str, expected: bool
) -> None:
    """Laws use opt-in, opt-out or notice; a refusal counts under every law where it is possible."""
    assert is_permitted(purpose, *records, jurisdiction=jurisdiction) is expected


def test_with_several_laws_the_strictest_applies() -> None:
    """For a person with records in two places, only what both laws permit is permitted."""
    state = PersonState((), ("eu", "us-tx"))
    assert not judge_purpose(CATALOGUE, LAW, state, MAIL, NOW).permitted
    assert judge_purpose(CATALOGUE, LAW, replace(state, laws=("us-tx",)), MAIL, NOW).permitted


def test_restriction_leaves_only_legal_obligations() -> None:
    """GDPR Art. 18(2) limits the use of restricted data."""
    state = PersonState(AGREES, ("eu",), restricted=True)
    assert compute_permitted_bits(CATALOGUE, LAW, state, NOW).allow == 1 << 62


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (RecordStatements(), None),
        (RecordStatements(ambient=repeat(yes())), True),
        (RecordStatements(ambient=repeat(yes("marketing"))), True),
        (RecordStatements(ambient=repeat(yes("marketing.communications.sms"))), None),
        (
            RecordStatements(
                ambient=repeat(build_choices(marketing=False, marketing__communications__email=True))
            ),
            True,
        ),
        (
            RecordStatements(
                ambient=repeat(build_choices(marketing__communications__email=True, marketing=False))
            ),
            False,
        ),
        (RecordStatements(ambient=repeat(no(at=1)), explicit=yes(at=2)), True),
        (RecordStatements(ambient=repeat(yes(at=9)), explicit=no(at=2)), False),
        (RecordStatements(ambient=repeat(no(at=9)), explicit=yes(at=2)), False),
        (RecordStatements(ambient=repeat(no(at=2)), explicit=yes(at=2)), True),
        (RecordStatements(explicit=no(at=2), guardian=yes(at=1)), False),
        (RecordStatements(guardian=yes(at=1)), True),
    ],
)
def test_the_effective_choice_of_ambient_and_explicit_statements(
    record: RecordStatements, expected: bool | None
) -> None:
    """An ambient statement never lifts an explicit refusal.

    It withdraws an earlier explicit consent, and it counts where there is no explicit statement.
    """
    assert compute_effective_choice(MAIL, (record,), NOW).accepted is expected


def test_of_two_choices_at_one_moment_the_refusal_counts() -> None:
    """The more restrictive of two choices at one moment counts."""
    simultaneous_choices = ((KEY, PurposeChoice(5, "a", True)), ("marketing", PurposeChoice(5, "b", False)))
    assert (
        compute_effective_choice(MAIL, (RecordStatements(explicit=simultaneous_choices),), NOW).accepted
        is False
    )


def test_among_records_the_most_restrictive_choice_counts() -> None:
    """A merge never widens consent (promise 7)."""
    for records in itertools.permutations(
        [RecordStatements(explicit=yes()), RecordStatements(explicit=no()), RecordStatements()]
    ):
        assert compute_effective_choice(MAIL, records, NOW).accepted is False


def test_consent_ends_at_its_own_limit_or_that_of_the_purpose() -> None:
    """The consent ends at exactly that moment; afterwards there is no choice, not a refusal."""
    limited = RecordStatements(explicit=build_choices(limited=NOW + 5, marketing=True))
    assert compute_effective_choice(MAIL, (limited,), NOW + 4).accepted is True
    assert compute_effective_choice(MAIL, (limited,), NOW + 5).accepted is None
    lasting = replace(MAIL, lasts="P1M")
    given_at = int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp() * 1000)
    ended_at = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)
    records = (RecordStatements(explicit=yes(at=given_at)),)
    assert compute_effective_choice(lasting, records, ended_at - 1).accepted is True
    assert compute_effective_choice(lasting, records, ended_at).accepted is None
    assert (
        compute_effective_choice(lasting, (RecordStatements(explicit=no(at=given_at)),), ended_at).accepted
        is False
    )


@pytest.mark.parametrize(
    ("records", "jurisdiction", "age", "expected"),
    [
        (AGREES, "eu", 15, False),
        (AGREES, "eu", 17, True),
        ((RecordStatements(guardian=yes()),), "eu", 15, True),
        ((RecordStatements(guardian=yes(at=1), explicit=no(at=2)),), "eu", 15, False),
        ((RecordStatements(guardian=yes(at=2), explicit=no(at=1)),), "eu", 15, False),
        ((RecordStatements(own_guardian=yes(at=2), own=no(at=1)),), "eu", 15, False),
        ((RecordStatements(own_guardian=yes(at=2)), RecordStatements(explicit=no(at=1))), "eu", 15, False),
        ((RecordStatements(guardian=yes(at=2), ambient=repeat(no(at=1))),), "eu", 15, True),
        ((RecordStatements(guardian=yes()),), "eu", 30, True),
        ((RecordStatements(guardian=yes()),), UNKNOWN, 15, True),
    ],
)
def test_below_the_age_of_consent_a_guardian_consents(
    records: tuple[RecordStatements, ...], jurisdiction: str, age: int, expected: bool
) -> None:
    """GDPR Art. 8: the child may still refuse, and the guardian's consent stays valid at full age."""
    assert (
        is_permitted(MAIL, *records, jurisdiction=jurisdiction, born=NOW - age * YEAR - 10 * 86_400_000)
        is expected
    )


def test_a_teenager_must_opt_in_where_adults_need_not() -> None:
    """Cal. Civ. Code 1798.120(c): sale needs their own consent below 16 and a parent's below 13."""
    own_consent = RecordStatements(explicit=yes(SHARE.key))
    for age, records, expected in ((14, (), False), (14, (own_consent,), True), (12, (own_consent,), False)):
        assert is_permitted(SHARE, *records, jurisdiction="us-ca", born=NOW - age * YEAR) is expected
    assert is_permitted(SHARE, jurisdiction="us-ca", born=NOW - 30 * YEAR)
    assert not is_permitted(SHARE, own_consent, jurisdiction=UNKNOWN, born=CHILD)


@pytest.mark.parametrize(
    ("record", "jurisdiction", "expected"),
    [
        (RecordStatements(opted_out_at=5), "us-ca", False),
        (RecordStatements(opted_out_at=5), "us-tx", False),
        (RecordStatements(opted_out_at=5, explicit=yes(SHARE.key, at=9)), "us-tx", True),
        (RecordStatements(opted_out_at=9, explicit=yes(SHARE.key, at=9)), "us-tx", False),
        (RecordStatements(opted_out_at=5, ambient=repeat(yes(SHARE.key, at=9))), "us-tx", False),
        (RecordStatements(opted_out_at=5, explicit=yes(SHARE.key)), "eu", True),
        (RecordStatements(opted_out_at=9, explicit=yes(SHARE.key, at=5)), "eu", True),
        (RecordStatements(opted_out_at=9, explicit=yes(SHARE.key, at=5)), UNKNOWN, False),
    ],
)
def test_an_opt_out_signal_binds_where_the_law_says(
    record: RecordStatements, jurisdiction: str, expected: bool
) -> None:
    """11 CCR 7025(c): sale and sharing stop; a later express consent lifts the signal, an ambient one not."""
    assert is_permitted(SHARE, record, jurisdiction=jurisdiction) is expected
    assert is_permitted(COUNT, record, jurisdiction=jurisdiction)


def test_a_consent_in_one_record_does_not_lift_the_signal_of_another() -> None:
    """The device that sends the signal continues to send it."""
    accepted_later = RecordStatements(explicit=yes(SHARE.key, at=9))
    assert not is_permitted(SHARE, RecordStatements(opted_out_at=5), accepted_later, jurisdiction="us-tx")


def test_sensitive_data_need_express_consent_or_can_be_limited() -> None:
    """GDPR Art. 9(2)(a) and Cal. Civ. Code 1798.121 protect sensitive data."""

    def permits_health_data(purpose: Purpose, *records: RecordStatements, jurisdiction: str) -> bool:
        permission = judge_purpose(CATALOGUE, LAW, PersonState(records, (jurisdiction,)), purpose, NOW)
        return permission.kinds == (True,)

    assert not permits_health_data(SHOP, jurisdiction="eu")
    assert permits_health_data(SHOP, RecordStatements(explicit=yes("functional")), jurisdiction="eu")
    assert permits_health_data(COUNT, jurisdiction="us-ca")
    assert not permits_health_data(COUNT, RecordStatements(limits_sensitive_use=True), jurisdiction="us-ca")
    assert permits_health_data(SHOP, RecordStatements(limits_sensitive_use=True), jurisdiction="us-ca")
    assert permits_health_data(DUTY, jurisdiction="eu")


def test_a_material_change_of_the_notice_needs_new_consent_under_some_laws() -> None:
    """The earlier consent does not cover the changed processing."""
    changed_law = ConsentLaw("2", LAW.timelines, (MaterialChange(NOW - 500, frozenset({KEY})),))
    for key, at, expected in (("eu", NOW - 1000, False), ("eu", NOW - 500, True), ("us-tx", 1, True)):
        state = PersonState((RecordStatements(explicit=yes(at=at)),), (key,))
        assert judge_purpose(CATALOGUE, changed_law, state, MAIL, NOW).permitted is expected


def build_states(pairs: Sequence[tuple[str, tuple[int | None, ...]]]) -> NodeStates:
    """Return ambient statements with these times; an acceptance has a first and a last one, or neither."""
    states = []
    for node, (first, last, refused, dated) in pairs:
        accepted = [at for at in (first, last) if at is not None]
        states.append(
            (node, AmbientChoice(min(accepted, default=None), max(accepted, default=None), refused, dated))
        )
    return tuple(states)


CHOICES = st.lists(
    st.tuples(
        st.sampled_from(["marketing", "marketing.communications", KEY, "analytics", SHARE.key]),
        st.builds(PurposeChoice, st.integers(0, 3), st.sampled_from("ab"), st.booleans()),
    ),
    max_size=3,
    unique_by=lambda pair: pair[0],
).map(tuple)
TIMES = st.none() | st.integers(0, 3)
STATES = st.lists(
    st.tuples(
        st.sampled_from(["marketing", "marketing.communications", KEY, "analytics", SHARE.key]),
        st.tuples(TIMES, TIMES, TIMES, TIMES),
    ),
    max_size=3,
    unique_by=lambda pair: pair[0],
).map(build_states)
RECORDS = st.builds(
    RecordStatements,
    *(STATES, CHOICES, CHOICES, CHOICES, CHOICES),
    *(TIMES, st.booleans(), st.booleans(), st.booleans()),
)
JURISDICTIONS = st.lists(st.sampled_from(sorted(LAW.timelines)), min_size=1, max_size=2, unique=True).map(
    tuple
)
BIRTH_TIMES = st.none() | st.integers(1, 20).map(lambda years: NOW - years * YEAR)


@given(st.lists(RECORDS, max_size=3), RECORDS)
def test_a_refusal_in_one_record_survives_every_merge(
    records: list[RecordStatements], other: RecordStatements
) -> None:
    """A merge never permits a refused purpose and never lifts a signal."""
    for purpose in CATALOGUE.purposes.values():
        alone: EffectiveChoice = compute_effective_choice(purpose, (other,), NOW)
        joined = compute_effective_choice(purpose, (*records, other), NOW)
        assert not (alone.accepted is False and joined.accepted is not False)
        assert joined.opted_out >= alone.opted_out


@given(st.lists(RECORDS, max_size=3).map(tuple), JURISDICTIONS, st.booleans(), BIRTH_TIMES)
def test_more_laws_restrictions_or_youth_never_protect_less(
    records: tuple[RecordStatements, ...], jurisdictions: tuple[str, ...], restricted: bool, born: int | None
) -> None:
    """Another law, a restriction or a younger age only removes permissions, also for sensitive data."""
    state = PersonState(records, jurisdictions, restricted, born)
    permitted = compute_permitted_bits(CATALOGUE, LAW, state, NOW)
    assert all(bits & ~permitted.allow == 0 for bits in permitted.kinds)
    stricter_states = [replace(state, laws=(*jurisdictions, UNKNOWN)), replace(state, restricted=True)]
    stricter_states.append(replace(state, born_at=max(CHILD, born or 0)))
    for stricter_state in stricter_states:
        stricter = compute_permitted_bits(CATALOGUE, LAW, stricter_state, NOW)
        assert stricter.allow & ~permitted.allow == 0
        assert all(fewer & ~more == 0 for more, fewer in zip(permitted.kinds, stricter.kinds, strict=True))


@pytest.mark.parametrize(("family", "expected"), [(Family.STATISTICS, False), (Family.SECURITY, True)])
def test_what_others_refuse_does_not_stop_the_detection_of_fraud(family: Family, expected: bool) -> None:
    purpose = replace(COUNT, family=family)
    state = PersonState((), ("eu",), refused_by_provers=(purpose.key,))
    assert judge_purpose(CATALOGUE, LAW, state, purpose, NOW).permitted is expected
    assert judge_purpose(CATALOGUE, LAW, replace(state, refused_by_provers=()), purpose, NOW).permitted
