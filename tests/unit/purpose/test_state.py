"""What a person's state permits, as tables."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.model import Basis, Catalogue, Purpose
from discretion.purpose.state import Choice, PersonState, allow, permits, said

NOW = 1_800_000_000_000
KEY = "marketing.communications.email"


def purpose(basis: Basis) -> Purpose:
    """A purpose on this basis."""
    return Purpose(KEY, 0, basis, "", "", "")


def told(**words: bool) -> tuple[Mapping[str, Choice], ...]:
    """One record in which these words were said, one after the other."""
    return (
        {name.replace("_", "."): Choice(at, "m", given) for at, (name, given) in enumerate(words.items())},
    )


YES, NO = told(marketing_communications_email=True), told(marketing_communications_email=False)
CASES = [
    # basis, choices, restricted, minor, permitted
    (Basis.CONSENT, (), False, False, False),
    (Basis.CONSENT, YES, False, False, True),
    (Basis.CONSENT, NO, False, False, False),
    (Basis.CONSENT, YES, True, False, False),
    (Basis.CONSENT, YES, False, True, False),
    (Basis.CONTRACT, (), False, False, True),
    (Basis.CONTRACT, NO, False, False, True),
    (Basis.CONTRACT, (), True, False, False),
    (Basis.CONTRACT, (), False, True, True),
    (Basis.LEGITIMATE_INTEREST, (), False, False, True),
    (Basis.LEGITIMATE_INTEREST, NO, False, False, False),
    (Basis.LEGITIMATE_INTEREST, (), True, False, False),
    (Basis.LEGAL_OBLIGATION, NO, True, True, True),
    (Basis.VITAL_INTEREST, NO, True, True, True),
    (Basis.PUBLIC_TASK, NO, True, True, True),
]


@pytest.mark.parametrize(("basis", "choices", "restricted", "minor", "permitted"), CASES)
def test_a_basis_permits_what_the_law_says(
    basis: Basis, choices: tuple[Mapping[str, Choice], ...], restricted: bool, minor: bool, permitted: bool
) -> None:
    """Basis x choices x restriction x age -> permitted."""
    state = PersonState(choices, restricted, NOW + 1 if minor else None)
    assert permitted is permits(purpose(basis), state, NOW)


def test_consent_counts_from_the_day_a_child_is_old_enough() -> None:
    """The bound is the moment itself."""
    assert permits(purpose(Basis.CONSENT), PersonState(YES, False, NOW), NOW)
    assert not permits(purpose(Basis.CONSENT), PersonState(YES, False, NOW + 1), NOW)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({}, None),
        ({"marketing": True}, True),
        ({"marketing": False}, False),
        ({"marketing": False, "marketing_communications_email": True}, True),
        ({"marketing_communications_email": True, "marketing": False}, False),
        ({"analytics": True}, None),
        ({"marketing_communications_sms": True}, None),
    ],
)
def test_the_latest_word_along_a_branch_counts(words: dict[str, bool], expected: bool | None) -> None:
    """A word about a node covers its descendants until a later one."""
    assert expected is said(KEY, told(**words))


def test_refusal_wins_a_tie() -> None:
    """Two words at one moment: the more restrictive."""
    tie = {KEY: Choice(5, "a", True), "marketing": Choice(5, "b", False)}
    assert said(KEY, (tie,)) is False


def test_between_sources_the_most_restrictive_counts() -> None:
    """A merge never widens consent (promise 7)."""
    for records in itertools.permutations([*YES, *NO, {}]):
        assert said(KEY, records) is False


CHOICES = st.dictionaries(
    st.sampled_from(["marketing", "marketing.communications", KEY, "analytics"]),
    st.builds(Choice, st.integers(0, 3), st.sampled_from("ab"), st.booleans()),
)
CATALOGUE = Catalogue(
    "v",
    "",
    {
        KEY: purpose(Basis.CONSENT),
        "analytics": Purpose("analytics", 1, Basis.LEGITIMATE_INTEREST, "", "", ""),
        "essential": Purpose("essential", 62, Basis.LEGAL_OBLIGATION, "", "", ""),
    },
    {},
    {},
    {},
    {},
    {},
)


@given(st.lists(CHOICES, max_size=4), CHOICES)
def test_joining_records_never_adds_an_objected_or_refused_purpose(
    records: list[dict[str, Choice]], other: dict[str, Choice]
) -> None:
    """Whatever one record refuses stays refused when another record joins."""
    alone = allow(CATALOGUE, PersonState((other,)), NOW)
    joined = allow(CATALOGUE, PersonState((*records, other)), NOW)
    refused = [p for p in CATALOGUE.purposes.values() if said(p.key, (other,)) is False]
    for one in refused:
        assert not alone >> one.bit & 1
        assert not joined >> one.bit & 1


@given(st.lists(CHOICES, max_size=4))
def test_restriction_leaves_only_what_the_law_demands(records: list[dict[str, Choice]]) -> None:
    """GDPR Art. 18(2)."""
    assert allow(CATALOGUE, PersonState(tuple(records), restricted=True), NOW) == 1 << 62
