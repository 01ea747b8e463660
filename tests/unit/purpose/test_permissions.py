"""What a person's words, age and requests permit under a law, as tables; the law here is a small one."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.model import Attribute, Basis, Catalogue, Family, Purpose, ValueType
from discretion.law.model import UNKNOWN, Edition, Law
from discretion.purpose.permissions import PersonState, permitted, verdict
from discretion.purpose.statements import Answer, Choice, Heard, Words, answer
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
KEPT = Attribute(
    "store.needs", ValueType.STRING, "user.health_and_medical", "", (), "P1Y", True, kinds=("health",)
)
CATALOGUE = Catalogue(
    "v", "", {one.key: one for one in (SHARE, MAIL, COUNT, SHOP, DUTY)}, {}, {KEPT.path: KEPT}, {}, {}, {}
)


def told(*, at: int = NOW - 1000, until: int | None = None, **words: bool) -> Words:
    """Words that were said one after the other."""
    return tuple(
        (name.replace("__", "."), Choice(at + number, "m", given, until))
        for number, (name, given) in enumerate(words.items())
    )


def yes(key: str = KEY, at: int = NOW - 1000) -> Words:
    """A yes to a purpose."""
    return ((key, Choice(at, "m", given=True)),)


def no(key: str = KEY, at: int = NOW - 1000) -> Words:
    """A no to a purpose."""
    return ((key, Choice(at, "m", given=False)),)


def may(purpose: Purpose, *heard: Heard, law: str = "eu", born: int | None = None, **more: bool) -> bool:
    """Whether somebody who is protected by one law permits a purpose."""
    state = PersonState(heard, (law,), more.get("restricted", False), born)
    return verdict(CATALOGUE, LAW, state, purpose, NOW).permitted


NOBODY, AGREES, REFUSES = (), (Heard(words=yes()),), (Heard(words=no()),)
REFUSES_ALL = (Heard(words=no("analytics") + no("functional") + no("essential")),)


@pytest.mark.parametrize(
    ("purpose", "heard", "law", "permitted_"),
    [
        (MAIL, NOBODY, "eu", False),
        (MAIL, AGREES, "eu", True),
        (MAIL, REFUSES, "eu", False),
        (MAIL, NOBODY, "us-tx", True),
        (MAIL, REFUSES, "us-tx", False),
        (MAIL, NOBODY, UNKNOWN, False),
        (MAIL, NOBODY, "atlantis", False),
        (COUNT, NOBODY, "eu", True),
        (COUNT, REFUSES_ALL, "eu", False),
        (COUNT, REFUSES_ALL, "us-tx", False),
        (SHOP, NOBODY, "eu", True),
        (SHOP, REFUSES_ALL, "eu", True),
        (DUTY, REFUSES_ALL, "eu", True),
    ],
)
def test_a_law_says_what_it_takes(
    purpose: Purpose, heard: tuple[Heard, ...], law: str, permitted_: bool
) -> None:
    """Opt-in, opt-out and notice; what may be refused is refused everywhere."""
    assert may(purpose, *heard, law=law) is permitted_


def test_several_laws_protect_together() -> None:
    """Two records in two places: what both permit."""
    both = PersonState((), ("eu", "us-tx"))
    assert not verdict(CATALOGUE, LAW, both, MAIL, NOW).permitted
    assert verdict(CATALOGUE, LAW, replace(both, laws=("us-tx",)), MAIL, NOW).permitted


def test_restriction_leaves_what_the_law_demands() -> None:
    """GDPR Art. 18(2)."""
    state = PersonState(AGREES, ("eu",), restricted=True)
    assert permitted(CATALOGUE, LAW, state, NOW).allow == 1 << 62


@pytest.mark.parametrize(
    ("heard", "answers"),
    [
        (Heard(), None),
        (Heard(stamps=yes()), True),
        (Heard(stamps=yes("marketing")), True),
        (Heard(stamps=yes("marketing.communications.sms")), None),
        (Heard(stamps=told(marketing=False, marketing__communications__email=True)), True),
        (Heard(stamps=told(marketing__communications__email=True, marketing=False)), False),
        (Heard(stamps=no(at=1), words=yes(at=2)), True),
        (Heard(stamps=yes(at=9), words=no(at=2)), False),
        (Heard(stamps=no(at=9), words=yes(at=2)), False),
        (Heard(stamps=no(at=2), words=yes(at=2)), True),
        (Heard(words=no(at=2), guards=yes(at=1)), False),
        (Heard(guards=yes(at=1)), True),
    ],
)
def test_of_stamps_and_explicit_words(heard: Heard, answers: bool | None) -> None:
    """A stamp never lifts an explicit no, takes back an earlier explicit yes, and alone is a word."""
    assert answer(MAIL, (heard,), NOW).given is answers


def test_refusal_wins_a_tie() -> None:
    """Two words at one moment: the more restrictive."""
    tie = ((KEY, Choice(5, "a", True)), ("marketing", Choice(5, "b", False)))
    assert answer(MAIL, (Heard(words=tie),), NOW).given is False


def test_between_records_the_most_restrictive_counts() -> None:
    """A merge never widens consent (promise 7)."""
    for records in itertools.permutations([Heard(words=yes()), Heard(words=no()), Heard()]):
        assert answer(MAIL, records, NOW).given is False


def test_a_yes_lasts_as_long_as_it_was_given_for_and_the_purpose_says() -> None:
    """At that very moment it is over; silence is left, not a refusal."""
    until = Heard(words=told(until=NOW + 5, marketing=True))
    assert answer(MAIL, (until,), NOW + 4).given is True
    assert answer(MAIL, (until,), NOW + 5).given is None
    lasting = replace(MAIL, lasts="P1M")
    given_at = int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp() * 1000)
    over = int(datetime(2026, 2, 28, 12, tzinfo=UTC).timestamp() * 1000)
    heard = (Heard(words=yes(at=given_at)),)
    assert answer(lasting, heard, over - 1).given is True
    assert answer(lasting, heard, over).given is None
    assert answer(lasting, (Heard(words=no(at=given_at)),), over).given is False


@pytest.mark.parametrize(
    ("heard", "law", "age", "permitted_"),
    [
        (AGREES, "eu", 15, False),
        (AGREES, "eu", 17, True),
        ((Heard(guards=yes()),), "eu", 15, True),
        ((Heard(guards=yes(at=1), words=no(at=2)),), "eu", 15, False),
        ((Heard(guards=yes(at=2), words=no(at=1)),), "eu", 15, True),
        ((Heard(guards=yes()),), "eu", 30, True),
        ((Heard(guards=yes()),), UNKNOWN, 15, True),
    ],
)
def test_below_the_age_a_guardian_agrees(
    heard: tuple[Heard, ...], law: str, age: int, permitted_: bool
) -> None:
    """GDPR Art. 8; the child may still refuse, and of age keeps what the guardian agreed to."""
    assert may(MAIL, *heard, law=law, born=NOW - age * YEAR - 10 * 86_400_000) is permitted_


def test_a_teenager_opts_in_where_others_need_not() -> None:
    """Cal. Civ. Code 1798.120(c): below 16 sale takes their own yes, below 13 a parent's."""
    agrees = Heard(words=yes(SHARE.key))
    for age, heard, permitted_ in ((14, (), False), (14, (agrees,), True), (12, (agrees,), False)):
        assert may(SHARE, *heard, law="us-ca", born=NOW - age * YEAR) is permitted_
    assert may(SHARE, law="us-ca", born=NOW - 30 * YEAR)
    assert not may(SHARE, agrees, law=UNKNOWN, born=CHILD)


@pytest.mark.parametrize(
    ("heard", "law", "permitted_"),
    [
        (Heard(opted_out=5), "us-ca", False),
        (Heard(opted_out=5), "us-tx", False),
        (Heard(opted_out=5, words=yes(SHARE.key, at=9)), "us-tx", True),
        (Heard(opted_out=9, words=yes(SHARE.key, at=9)), "us-tx", False),
        (Heard(opted_out=5, stamps=yes(SHARE.key, at=9)), "us-tx", False),
        (Heard(opted_out=5, words=yes(SHARE.key)), "eu", True),
        (Heard(opted_out=9, words=yes(SHARE.key, at=5)), "eu", True),
        (Heard(opted_out=9, words=yes(SHARE.key, at=5)), UNKNOWN, False),
    ],
)
def test_an_opt_out_signal_binds_where_the_law_says(heard: Heard, law: str, permitted_: bool) -> None:
    """11 CCR 7025(c): sale and sharing stop; an express later yes lifts it, a stamp does not."""
    assert may(SHARE, heard, law=law) is permitted_
    assert may(COUNT, heard, law=law)


def test_a_signal_that_one_record_heard_is_not_lifted_by_a_word_to_another() -> None:
    """The device that says no goes on saying it."""
    lifted = Heard(words=yes(SHARE.key, at=9))
    assert not may(SHARE, Heard(opted_out=5), lifted, law="us-tx")


def test_sensitive_data_take_an_express_yes_or_stop_where_they_are_limited() -> None:
    """GDPR Art. 9(2)(a); Cal. Civ. Code 1798.121."""

    def health(purpose: Purpose, *heard: Heard, law: str) -> bool:
        found = verdict(CATALOGUE, LAW, PersonState(heard, (law,)), purpose, NOW)
        return found.kinds == (True,)

    assert not health(SHOP, law="eu")
    assert health(SHOP, Heard(words=yes("functional")), law="eu")
    assert health(COUNT, law="us-ca")
    assert not health(COUNT, Heard(limited=True), law="us-ca")
    assert health(SHOP, Heard(limited=True), law="us-ca")
    assert health(DUTY, law="eu")


def test_a_material_change_of_the_notice_takes_a_fresh_yes_where_the_law_says() -> None:
    """What was agreed to is not what is done now."""
    law = Law("2", LAW.timelines, (Edition(NOW - 500, frozenset({KEY})),))
    for key, at, permitted_ in (("eu", NOW - 1000, False), ("eu", NOW - 500, True), ("us-tx", 1, True)):
        state = PersonState((Heard(words=yes(at=at)),), (key,))
        assert verdict(CATALOGUE, law, state, MAIL, NOW).permitted is permitted_


CHOICES = st.lists(
    st.tuples(
        st.sampled_from(["marketing", "marketing.communications", KEY, "analytics", SHARE.key]),
        st.builds(Choice, st.integers(0, 3), st.sampled_from("ab"), st.booleans()),
    ),
    max_size=3,
    unique_by=lambda pair: pair[0],
).map(tuple)
HEARD = st.builds(Heard, CHOICES, CHOICES, CHOICES, st.none() | st.integers(0, 3), st.booleans())
LAWS = st.lists(st.sampled_from(sorted(LAW.timelines)), min_size=1, max_size=2, unique=True).map(tuple)
BORN = st.none() | st.integers(1, 20).map(lambda years: NOW - years * YEAR)


@given(st.lists(HEARD, max_size=3), HEARD)
def test_what_one_record_refuses_stays_refused_whoever_joins(records: list[Heard], other: Heard) -> None:
    """Joining never adds a refused purpose, nor lifts a signal."""
    for purpose in CATALOGUE.purposes.values():
        alone: Answer = answer(purpose, (other,), NOW)
        joined = answer(purpose, (*records, other), NOW)
        assert not (alone.given is False and joined.given is not False)
        assert joined.opted_out >= alone.opted_out


@given(st.lists(HEARD, max_size=3).map(tuple), LAWS, st.booleans(), BORN)
def test_nobody_is_protected_less_by_more(
    heard: tuple[Heard, ...], laws: tuple[str, ...], restricted: bool, born: int | None
) -> None:
    """Another law, a restriction or youth only ever takes away; sensitive data are never freer.

    But for what a guardian agreed to after a no: it counts for a child and not for who is grown up.
    """
    state = PersonState(heard, laws, restricted, born)
    here = permitted(CATALOGUE, LAW, state, NOW)
    assert all(bits & ~here.allow == 0 for bits in here.kinds)
    fewer = [replace(state, laws=(*laws, UNKNOWN)), replace(state, restricted=True)]
    if not any(one.guards for one in heard):
        fewer.append(replace(state, born=max(CHILD, born or 0)))
    for less in fewer:
        found = permitted(CATALOGUE, LAW, less, NOW)
        assert found.allow & ~here.allow == 0
        assert all(two & ~one == 0 for one, two in zip(here.kinds, found.kinds, strict=True))
