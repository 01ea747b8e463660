"""What holds until when, and what an earlier judge's word is still worth."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.model import Basis, Catalogue, Family, Purpose
from discretion.law.model import UNKNOWN, Edition, Law, Model, Period
from discretion.purpose.equivalence import Alike, Likeness
from discretion.purpose.permission_engine import FOREVER, HOLDS_MS, Judge
from discretion.purpose.permissions import PersonState, lapses_of, permitted, steps_of
from discretion.purpose.statements import Choice, Heard
from tests.fixtures.law import EUROPE, LAW, MOSTLY_NOTICE, TEXAS, timeline
from tests.unit.purpose.test_permissions import (
    BORN,
    CATALOGUE,
    KEY,
    LAWS,
    MAIL,
    NOW,
    SHARE,
    YEAR,
    no,
    told,
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
CHANGING = Law(
    "changing",
    {
        **LAW.timelines,
        "us-tx": timeline("us-tx", "America/Chicago", Period(0, TEXAS), Period(LATER, EUROPE)),
    },
    (Edition(NOW - 5, frozenset({MAIL.key})), Edition(NOW + 5, frozenset({SHARE.key, MAIL.key}))),
)
SAMPLES = tuple(NOW + step * YEAR // 12 for step in range(30))


def state(*heard: Heard, law: str = "eu", born: int | None = None) -> PersonState:
    """Somebody who is protected by one law."""
    return PersonState(heard, (law,), born=born)


def test_a_consent_holds_until_it_lapses() -> None:
    """Until then the bit is there, and then it is not; nothing else turns."""
    outlook = Judge(LASTING, LAW).outlook(state(Heard(words=yes(at=NOW))), NOW)
    assert outlook.now.allow >> MAIL.bit & 1
    assert NOW + 365 * 86_400_000 <= outlook.until <= NOW + 366 * 86_400_000
    assert outlook.now.allow & ~outlook.later.allow == 1 << MAIL.bit


def test_what_nothing_can_change_holds_for_ever() -> None:
    """No yes, no child, no change of law."""
    outlook = Judge(LASTING, LAW).outlook(state(), NOW)
    assert (outlook.until, outlook.later) == (FOREVER, outlook.now)


def test_what_a_law_takes_away_is_gone_at_that_moment() -> None:
    """Texas treats messages as Europe does from then on."""
    outlook = Judge(LASTING, CHANGING).outlook(state(law="us-tx"), NOW)
    assert (outlook.until, outlook.later.allow >> MAIL.bit & 1) == (LATER, 0)
    assert outlook.now.allow >> MAIL.bit & 1


def test_what_time_gives_holds_unless_it_soon_takes_it_again() -> None:
    """A child comes of age, and their consent lapses in a year, or within the days that an outlook holds."""
    born = NOW - 16 * YEAR + YEAR // 12
    outlook = Judge(LASTING, LAW).outlook(state(Heard(words=yes(at=NOW)), born=born), NOW)
    assert NOW < outlook.until < NOW + YEAR // 6
    assert not outlook.now.allow >> MAIL.bit & 1
    assert outlook.later.allow >> MAIL.bit & 1
    ending = Heard(words=told(at=NOW, until=outlook.until + HOLDS_MS - 1, marketing=True))
    assert not Judge(LASTING, LAW).outlook(state(ending, born=born), NOW).later.allow >> MAIL.bit & 1
    of_age = Judge(LASTING, LAW).outlook(state(Heard(words=yes(at=NOW)), born=born), outlook.until)
    assert of_age.now.allow >> MAIL.bit & 1


MOMENTS = st.one_of(
    st.integers(NOW - 10, NOW + 10), st.sampled_from([NOW + one - YEAR for one in (-1, 0, 1)]), st.just(0)
)
NODES = ("marketing", "marketing.communications", KEY, "analytics", SHARE.key)
ENDING = st.none() | st.integers(NOW - 10, NOW + 10) | st.sampled_from(SAMPLES)
WORDS = st.lists(
    st.tuples(
        st.sampled_from(NODES), st.builds(Choice, MOMENTS, st.sampled_from("ab"), st.booleans(), ENDING)
    ),
    max_size=3,
    unique_by=lambda pair: pair[0],
).map(tuple)
HEARD = st.builds(Heard, WORDS, WORDS, WORDS, st.none() | MOMENTS, st.booleans())
STATES = st.builds(
    PersonState, st.lists(HEARD, max_size=2).map(tuple), LAWS, st.sampled_from([False, False, True]), BORN
)
LAW_OF_THE_TEST = st.sampled_from([LAW, CHANGING])
KEPT = {law.version: Judge(LASTING, law) for law in (LAW, CHANGING)}


@given(STATES, LAW_OF_THE_TEST, st.integers(NOW - 10, NOW + 10))
def test_an_outlook_is_never_wrong_and_never_too_generous(found: PersonState, law: Law, now_ms: int) -> None:
    """Now to the bit; until then to the bit; after that never more than the reference permits, as long as
    an outlook holds."""
    outlook = KEPT[law.version].outlook(found, now_ms)
    assert outlook.now == permitted(LASTING, law, found, now_ms)
    turns = {*steps_of(law, found), *lapses_of(LASTING, found)}
    for at in {*SAMPLES, *turns, *(one - 1 for one in turns), outlook.until - 1, outlook.until}:
        if at < now_ms or at > SAMPLES[-1] + 20 * YEAR:
            continue
        here = permitted(LASTING, law, found, at)
        if at < outlook.until:
            assert here == outlook.now
        elif at < outlook.until + HOLDS_MS:
            assert outlook.later & here == outlook.later


@given(STATES, LAW_OF_THE_TEST)
def test_every_moment_that_may_turn_anything_is_looked_at(found: PersonState, law: Law) -> None:
    """The reference names no other."""
    alike = Alike(Likeness(LASTING, law), found)
    assert alike.steps() == set(steps_of(law, found))
    assert alike.lapses() == set(lapses_of(LASTING, found))


@given(STATES, STATES, LAW_OF_THE_TEST, st.integers(NOW - 10, NOW + 10))
def test_who_is_alike_permits_the_same(one: PersonState, other: PersonState, law: Law, now_ms: int) -> None:
    """Equal likeness, equal bits: nothing that counts is left out of it."""
    likeness = Likeness(LASTING, law)
    if Alike(likeness, one).at(now_ms) == Alike(likeness, other).at(now_ms):
        assert permitted(LASTING, law, one, now_ms) == permitted(LASTING, law, other, now_ms)


def test_another_moment_of_the_same_words_is_alike() -> None:
    """Else a million customers would be a million situations."""
    likeness = Likeness(LASTING, LAW)
    early, late = (state(Heard(words=yes(at=NOW - ago), opted_out=NOW - ago - 1)) for ago in (9_000, 5))
    assert Alike(likeness, early).at(NOW) == Alike(likeness, late).at(NOW)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Heard(words=yes(at=NOW - 6)), Heard(words=yes(at=NOW - 4))),
        (Heard(words=yes(at=NOW - 2 * YEAR)), Heard(words=yes(at=NOW - 1))),
        (
            Heard(words=told(at=NOW - 3, until=NOW, marketing=True)),
            Heard(words=told(at=NOW - 3, marketing=True)),
        ),
        (
            Heard(words=yes(at=NOW - 3), stamps=no(at=NOW - 4)),
            Heard(words=yes(at=NOW - 3), stamps=no(at=NOW - 2)),
        ),
        (
            Heard(words=yes("analytics", at=NOW - 4) + yes(SHARE.key, at=NOW - 3), opted_out=NOW - 4),
            Heard(words=yes("analytics", at=NOW - 4) + yes(SHARE.key, at=NOW - 3), opted_out=NOW - 2),
        ),
    ],
    ids=["notice", "lasts", "until", "order", "signal"],
)
def test_who_permits_something_else_is_not_alike(one: Heard, other: Heard) -> None:
    """The same words and one moment that counts: what is remembered of the one is not told of the other."""
    judge = Judge(LASTING, CHANGING)
    laws = ("us-ca",) if SHARE.key in str(one.words) else ("eu",)
    found = [judge.outlook(PersonState((heard,), laws), NOW).now for heard in (one, other)]
    assert found == [permitted(LASTING, CHANGING, PersonState((heard,), laws), NOW) for heard in (one, other)]
    assert found[0] != found[1]


def sharing_opts_in(law: Law) -> Law:
    """The law, with a yes for sharing in Texas."""
    rules = replace(TEXAS, models={**MOSTLY_NOTICE, Family.SHARING: Model.OPT_IN})
    texas = timeline("us-tx", "America/Chicago", Period(0, rules))
    return replace(law, version="after", timelines={**law.timelines, "us-tx": texas})


def bits(*purposes: Purpose) -> int:
    """Their bits."""
    return sum(1 << one.bit for one in purposes)


def with_mail(purpose: Purpose) -> Catalogue:
    """The catalogue with another purpose of messages."""
    return replace(CATALOGUE, purposes={**CATALOGUE.purposes, KEY: purpose})


EVERYBODY = bits(*CATALOGUE.purposes.values())
BINDING = sum(1 << one.bit for one in CATALOGUE.purposes.values() if one.basis is Basis.LEGAL_OBLIGATION)


@pytest.mark.parametrize(
    ("catalogue", "law", "changed"),
    [
        (CATALOGUE, LAW, 0),
        (CATALOGUE, sharing_opts_in(LAW), bits(SHARE)),
        (
            replace(CATALOGUE, purposes={**CATALOGUE.purposes, KEY: replace(MAIL, lasts="P1Y")}),
            LAW,
            bits(MAIL),
        ),
        (with_mail(replace(MAIL, basis=Basis.CONTRACT)), LAW, bits(MAIL)),
        (CATALOGUE, replace(LAW, editions=(Edition(NOW, frozenset({KEY})),)), bits(MAIL)),
        (CATALOGUE, replace(LAW, places="elsewhere"), EVERYBODY & ~BINDING),
        (CATALOGUE, replace(LAW, timelines={UNKNOWN: LAW.timelines[UNKNOWN]}), EVERYBODY & ~BINDING),
        (replace(CATALOGUE, attributes={}), LAW, EVERYBODY & ~BINDING),
    ],
    ids=["nothing", "law", "lasts", "basis", "edition", "places", "jurisdictions", "sensitive kinds"],
)
def test_an_earlier_word_is_believed_where_nothing_changed(
    catalogue: Catalogue, law: Law, changed: int
) -> None:
    """And what law or life demands always."""
    before, after = Judge(CATALOGUE, LAW), Judge(catalogue, law)
    assert after.trusted(before.purposes) == EVERYBODY & ~changed
    assert (after.version == before.version) is (changed == 0)


def test_a_purpose_that_is_new_is_believed_of_nobody() -> None:
    """Though its bit be free, and whatever an old document holds there."""
    new = Purpose("marketing.new", 7, Basis.CONSENT, "", "", "", Family.MESSAGES)
    after = Judge(replace(CATALOGUE, purposes={**CATALOGUE.purposes, new.key: new}), LAW)
    assert after.trusted(Judge(CATALOGUE, LAW).purposes) == EVERYBODY


def test_the_bit_of_another_purpose_is_not_taken_for_it() -> None:
    """Two that swap their bits are both others."""
    swapped = {KEY: replace(MAIL, bit=SHARE.bit), SHARE.key: replace(SHARE, bit=MAIL.bit)}
    after = Judge(replace(CATALOGUE, purposes={**CATALOGUE.purposes, **swapped}), LAW)
    assert after.trusted(Judge(CATALOGUE, LAW).purposes) == EVERYBODY & ~bits(MAIL, SHARE)
