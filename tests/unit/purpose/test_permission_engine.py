"""Forecasts of permissions, equivalent situations, and which stored permissions stay trusted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.model import Basis, Catalogue, Family, Purpose
from discretion.law.model import UNKNOWN, ConsentLaw, ConsentModel, ConsentPeriod, MaterialChange
from discretion.purpose.equivalence import PersonSituation, SituationClassifier
from discretion.purpose.permission_engine import FORECAST_MS, FOREVER, PermissionEngine
from discretion.purpose.permissions import (
    PersonState,
    compute_permitted_bits,
    list_acceptance_ends,
    list_turning_points,
)
from discretion.purpose.statements import PurposeChoice, RecordStatements
from tests.fixtures.law import EUROPE, LAW, MOSTLY_NOTICE, TEXAS, build_timeline
from tests.unit.purpose.test_permissions import (
    BIRTH_TIMES,
    CATALOGUE,
    JURISDICTIONS,
    KEY,
    MAIL,
    NOW,
    SHARE,
    YEAR,
    build_choices,
    build_states,
    no,
    repeat,
    yes,
)

LASTING = replace(
    CATALOGUE,
    purposes={
        **CATALOGUE.purposes,
        MAIL.key: replace(MAIL, lasts="P1Y"),
        SHARE.key: replace(SHARE, lasts="P13M"),
    },
)
LATER = NOW + YEAR // 2
CHANGING = ConsentLaw(
    "changing",
    {
        **LAW.timelines,
        "us-tx": build_timeline(
            "us-tx", "America/Chicago", ConsentPeriod(0, TEXAS), ConsentPeriod(LATER, EUROPE)
        ),
    },
    (
        MaterialChange(NOW - 5, frozenset({MAIL.key})),
        MaterialChange(NOW + 5, frozenset({SHARE.key, MAIL.key})),
    ),
)
SAMPLES = tuple(NOW + step * YEAR // 12 for step in range(30))


def build_state(*records: RecordStatements, jurisdiction: str = "eu", born: int | None = None) -> PersonState:
    """Return the state of a person who is protected by one law."""
    return PersonState(records, (jurisdiction,), born_at=born)


def test_a_consent_counts_until_it_expires() -> None:
    """The bit is set until then and cleared afterwards; no other bit changes."""
    forecast = PermissionEngine(LASTING, LAW).forecast(
        build_state(RecordStatements(explicit=yes(at=NOW))), NOW
    )
    assert forecast.now.allow >> MAIL.bit & 1
    assert NOW + 365 * 86_400_000 <= forecast.until <= NOW + 366 * 86_400_000
    assert forecast.now.allow & ~forecast.later.allow == 1 << MAIL.bit


def test_a_forecast_without_future_changes_has_no_end() -> None:
    """There is no consent, no child and no change of law."""
    forecast = PermissionEngine(LASTING, LAW).forecast(build_state(), NOW)
    assert (forecast.until, forecast.later) == (FOREVER, forecast.now)


def test_a_change_of_law_ends_the_forecast_at_that_moment() -> None:
    """From that moment the law of Texas treats messages as that of Europe does."""
    forecast = PermissionEngine(LASTING, CHANGING).forecast(build_state(jurisdiction="us-tx"), NOW)
    assert (forecast.until, forecast.later.allow >> MAIL.bit & 1) == (LATER, 0)
    assert forecast.now.allow >> MAIL.bit & 1


def test_a_later_permission_counts_unless_it_ends_again_soon() -> None:
    """A child comes of age; the consent expires in a year, or within the period of a forecast."""
    born = NOW - 16 * YEAR + YEAR // 12
    forecast = PermissionEngine(LASTING, LAW).forecast(
        build_state(RecordStatements(explicit=yes(at=NOW)), born=born), NOW
    )
    assert NOW < forecast.until < NOW + YEAR // 6
    assert not forecast.now.allow >> MAIL.bit & 1
    assert forecast.later.allow >> MAIL.bit & 1
    expiring = RecordStatements(
        explicit=build_choices(at=NOW, limited=forecast.until + FORECAST_MS - 1, marketing=True)
    )
    assert (
        not PermissionEngine(LASTING, LAW).forecast(build_state(expiring, born=born), NOW).later.allow
        >> MAIL.bit
        & 1
    )
    forecast_of_age = PermissionEngine(LASTING, LAW).forecast(
        build_state(RecordStatements(explicit=yes(at=NOW)), born=born), forecast.until
    )
    assert forecast_of_age.now.allow >> MAIL.bit & 1


MOMENTS = st.one_of(
    st.integers(NOW - 10, NOW + 10),
    st.sampled_from([NOW + offset - YEAR for offset in (-1, 0, 1)]),
    st.just(0),
)
NODES = ("marketing", "marketing.communications", KEY, "analytics", SHARE.key)
ENDING = st.none() | st.integers(NOW - 10, NOW + 10) | st.sampled_from(SAMPLES)
CHOICES = st.lists(
    st.tuples(
        st.sampled_from(NODES),
        st.builds(PurposeChoice, MOMENTS, st.sampled_from("ab"), st.booleans(), ENDING),
    ),
    max_size=3,
    unique_by=lambda pair: pair[0],
).map(tuple)
AMBIENT = st.lists(
    st.tuples(st.sampled_from(NODES), st.tuples(*[st.none() | MOMENTS] * 4)),
    max_size=3,
    unique_by=lambda pair: pair[0],
).map(build_states)
RECORDS = st.builds(
    RecordStatements,
    *(AMBIENT, CHOICES, CHOICES, CHOICES, CHOICES),
    *(st.none() | MOMENTS, st.booleans(), st.booleans(), st.booleans()),
)
STATES = st.builds(
    PersonState,
    st.lists(RECORDS, max_size=2).map(tuple),
    JURISDICTIONS,
    st.sampled_from([False, False, True]),
    BIRTH_TIMES,
)
LAW_OF_THE_TEST = st.sampled_from([LAW, CHANGING])
ENGINES_BY_VERSION = {law.version: PermissionEngine(LASTING, law) for law in (LAW, CHANGING)}


@given(STATES, LAW_OF_THE_TEST, st.integers(NOW - 10, NOW + 10))
def test_a_forecast_never_permits_more_than_the_reference(
    state: PersonState, law: ConsentLaw, now_ms: int
) -> None:
    """Up to ``until`` the forecast is exact.

    After that it never permits more than the reference, for the period of a forecast.
    """
    forecast = ENGINES_BY_VERSION[law.version].forecast(state, now_ms)
    assert forecast.now == compute_permitted_bits(LASTING, law, state, now_ms)
    turning_points = {*list_turning_points(law, state), *list_acceptance_ends(LASTING, state)}
    for at in {
        *SAMPLES,
        *turning_points,
        *(turning_point - 1 for turning_point in turning_points),
        forecast.until - 1,
        forecast.until,
    }:
        if at < now_ms or at > SAMPLES[-1] + 20 * YEAR:
            continue
        bits = compute_permitted_bits(LASTING, law, state, at)
        if at < forecast.until:
            assert bits == forecast.now
        elif at < forecast.until + FORECAST_MS:
            assert forecast.later & bits == forecast.later


@given(STATES, LAW_OF_THE_TEST)
def test_every_turning_point_of_the_reference_is_considered(state: PersonState, law: ConsentLaw) -> None:
    """The situation lists the same turning points as the reference."""
    situation = PersonSituation(SituationClassifier(LASTING, law), state)
    assert situation.list_turning_points() == set(list_turning_points(law, state))
    assert situation.list_acceptance_ends() == set(list_acceptance_ends(LASTING, state))


@given(STATES, STATES, LAW_OF_THE_TEST, st.integers(NOW - 10, NOW + 10))
def test_equivalent_situations_have_the_same_permissions(
    first: PersonState, second: PersonState, law: ConsentLaw, now_ms: int
) -> None:
    """Equal situations have equal bits, so a situation has everything that decides permissions."""
    classifier = SituationClassifier(LASTING, law)
    if PersonSituation(classifier, first).at(now_ms) == PersonSituation(classifier, second).at(now_ms):
        assert compute_permitted_bits(LASTING, law, first, now_ms) == compute_permitted_bits(
            LASTING, law, second, now_ms
        )


def test_statements_at_different_times_can_be_equivalent() -> None:
    """Otherwise a million customers would be a million situations."""
    classifier = SituationClassifier(LASTING, LAW)
    early, late = (
        build_state(RecordStatements(explicit=yes(at=NOW - ago), opted_out_at=NOW - ago - 1))
        for ago in (9_000, 5)
    )
    assert PersonSituation(classifier, early).at(NOW) == PersonSituation(classifier, late).at(NOW)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (RecordStatements(explicit=yes(at=NOW - 6)), RecordStatements(explicit=yes(at=NOW - 4))),
        (RecordStatements(explicit=yes(at=NOW - 2 * YEAR)), RecordStatements(explicit=yes(at=NOW - 1))),
        (
            RecordStatements(explicit=build_choices(at=NOW - 3, limited=NOW, marketing=True)),
            RecordStatements(explicit=build_choices(at=NOW - 3, marketing=True)),
        ),
        (
            RecordStatements(explicit=yes(at=NOW - 3), ambient=repeat(no(at=NOW - 4))),
            RecordStatements(explicit=yes(at=NOW - 3), ambient=repeat(no(at=NOW - 2))),
        ),
        (
            RecordStatements(
                explicit=yes("analytics", at=NOW - 4) + yes(SHARE.key, at=NOW - 3), opted_out_at=NOW - 4
            ),
            RecordStatements(
                explicit=yes("analytics", at=NOW - 4) + yes(SHARE.key, at=NOW - 3), opted_out_at=NOW - 2
            ),
        ),
    ],
    ids=["notice", "lasts", "until", "order", "signal"],
)
def test_situations_with_different_permissions_are_not_equivalent(
    first: RecordStatements, second: RecordStatements
) -> None:
    """The statements differ only in a moment that matters, so a cached result must not be shared."""
    engine = PermissionEngine(LASTING, CHANGING)
    jurisdictions = ("us-ca",) if SHARE.key in str(first.explicit) else ("eu",)
    permitted_bits = [
        engine.forecast(PersonState((record,), jurisdictions), NOW).now for record in (first, second)
    ]
    assert permitted_bits == [
        compute_permitted_bits(LASTING, CHANGING, PersonState((record,), jurisdictions), NOW)
        for record in (first, second)
    ]
    assert permitted_bits[0] != permitted_bits[1]


def require_sharing_opt_in(law: ConsentLaw) -> ConsentLaw:
    """Return the law with a required consent for sharing in Texas."""
    rules = replace(TEXAS, models={**MOSTLY_NOTICE, Family.SHARING: ConsentModel.OPT_IN})
    texas = build_timeline("us-tx", "America/Chicago", ConsentPeriod(0, rules))
    return replace(law, version="after", timelines={**law.timelines, "us-tx": texas})


def combine_bits(*purposes: Purpose) -> int:
    """Return the bits of purposes."""
    return sum(1 << purpose.bit for purpose in purposes)


def replace_mail_purpose(purpose: Purpose) -> Catalogue:
    """Return the catalogue with another purpose for e-mail."""
    return replace(CATALOGUE, purposes={**CATALOGUE.purposes, KEY: purpose})


ALL_BITS = combine_bits(*CATALOGUE.purposes.values())
OBLIGATORY_BITS = sum(
    1 << offset.bit for offset in CATALOGUE.purposes.values() if offset.basis is Basis.LEGAL_OBLIGATION
)


@pytest.mark.parametrize(
    ("catalogue", "law", "changed_bits"),
    [
        (CATALOGUE, LAW, 0),
        (CATALOGUE, require_sharing_opt_in(LAW), combine_bits(SHARE)),
        (
            replace(CATALOGUE, purposes={**CATALOGUE.purposes, KEY: replace(MAIL, lasts="P1Y")}),
            LAW,
            combine_bits(MAIL),
        ),
        (replace_mail_purpose(replace(MAIL, basis=Basis.CONTRACT)), LAW, combine_bits(MAIL)),
        (
            CATALOGUE,
            replace(LAW, material_changes=(MaterialChange(NOW, frozenset({KEY})),)),
            combine_bits(MAIL),
        ),
        (CATALOGUE, replace(LAW, places_digest="elsewhere"), ALL_BITS & ~OBLIGATORY_BITS),
        (CATALOGUE, replace(LAW, timelines={UNKNOWN: LAW.timelines[UNKNOWN]}), ALL_BITS & ~OBLIGATORY_BITS),
        (replace(CATALOGUE, attributes={}), LAW, ALL_BITS & ~OBLIGATORY_BITS),
    ],
    ids=["nothing", "law", "lasts", "basis", "edition", "places", "jurisdictions", "sensitive kinds"],
)
def test_stored_permissions_are_trusted_only_where_no_rule_changed(
    catalogue: Catalogue, law: ConsentLaw, changed_bits: int
) -> None:
    """Bits of legal obligations are always trusted."""
    earlier_engine, later_engine = PermissionEngine(CATALOGUE, LAW), PermissionEngine(catalogue, law)
    assert later_engine.compute_trusted_bits(earlier_engine.purposes) == ALL_BITS & ~changed_bits
    assert (later_engine.version == earlier_engine.version) is (changed_bits == 0)


def test_stored_permissions_are_not_trusted_for_a_new_purpose() -> None:
    """Its bit was unused, and an old document may have any value there."""
    new_purpose = Purpose("marketing.new", 7, Basis.CONSENT, "", "", "", Family.MESSAGES)
    later_engine = PermissionEngine(
        replace(CATALOGUE, purposes={**CATALOGUE.purposes, new_purpose.key: new_purpose}), LAW
    )
    assert later_engine.compute_trusted_bits(PermissionEngine(CATALOGUE, LAW).purposes) == ALL_BITS


def test_purposes_that_swap_their_bits_are_not_trusted() -> None:
    """Neither of two purposes that swap their bits keeps its stored permission."""
    swapped = {KEY: replace(MAIL, bit=SHARE.bit), SHARE.key: replace(SHARE, bit=MAIL.bit)}
    later_engine = PermissionEngine(replace(CATALOGUE, purposes={**CATALOGUE.purposes, **swapped}), LAW)
    assert later_engine.compute_trusted_bits(
        PermissionEngine(CATALOGUE, LAW).purposes
    ) == ALL_BITS & ~combine_bits(MAIL, SHARE)
