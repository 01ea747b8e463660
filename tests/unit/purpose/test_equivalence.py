"""What is permitted later, worked out of few moments, is what every moment says."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.law.model import Edition, Law
from discretion.purpose import permission_engine as judging
from discretion.purpose.permission_engine import FOREVER, HOLDS_MS, Judge, Outlook
from discretion.purpose.permissions import Bits, PersonState, lapses_of, permitted, steps_of
from discretion.purpose.statements import Choice, Heard
from tests.fixtures.law import LAW
from tests.unit.purpose.test_permissions import CATALOGUE, KEY, NOW, SHARE, YEAR

LASTING = replace(
    CATALOGUE,
    purposes={
        key: replace(one, lasts="P1Y" if one.key in (KEY, SHARE.key) else "")
        for key, one in CATALOGUE.purposes.items()
    },
)
NEWS = Law("2", LAW.timelines, (Edition(NOW + 40, frozenset({KEY})),))
CHOICES = st.lists(
    st.tuples(
        st.sampled_from(["marketing", "marketing.communications", KEY, "analytics", "functional", SHARE.key]),
        st.builds(
            Choice,
            st.integers(NOW - YEAR, NOW - YEAR + 60) | st.integers(NOW - 60, NOW),
            st.sampled_from("ab"),
            st.booleans(),
            st.none() | st.integers(NOW - 5, NOW + 80),
        ),
    ),
    max_size=4,
    unique_by=lambda pair: pair[0],
).map(tuple)
HEARD = st.builds(Heard, CHOICES, CHOICES, CHOICES, st.none() | st.integers(NOW - 60, NOW), st.booleans())
STATES = st.builds(
    PersonState,
    st.lists(HEARD, max_size=3).map(tuple),
    st.lists(st.sampled_from(sorted(LAW.timelines)), min_size=1, max_size=2, unique=True).map(tuple),
    st.just(value=False),
    st.none() | st.integers(1, 20).map(lambda years: NOW - years * YEAR),
)


def every_moment(state: PersonState) -> Outlook:
    """The same by looking at all of time."""
    here = permitted(LASTING, NEWS, state, NOW)
    turns = sorted({at for at in (*steps_of(NEWS, state), *lapses_of(LASTING, state)) if at > NOW})
    held = [(at, permitted(LASTING, NEWS, state, at)) for at in turns]
    first = next((number for number, (_, then) in enumerate(held) if then != here), None)
    if first is None:
        return Outlook(here, FOREVER, here)
    until = held[first][0]
    soon = (then for at, then in held[first:] if at < until + HOLDS_MS)
    return Outlook(here, until, reduce(Bits.__and__, soon))


@settings(max_examples=400)
@given(STATES)
def test_what_is_permitted_later_is_what_every_moment_says(state: PersonState) -> None:
    """The end of a yes only takes away, so of those between two turns of the law the last says all."""
    assert Judge(LASTING, NEWS).outlook(state, NOW) == every_moment(state)


def test_a_person_of_many_devices_is_judged_by_few_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every device goes on stamping yes, and every stamp lapses at a moment of its own."""
    asked: list[int] = []

    def counted(*given_: object) -> Bits:
        asked.append(1)
        return permitted(*given_)  # type: ignore[arg-type]

    monkeypatch.setattr(judging, "permitted", counted)
    many = tuple(
        Heard(
            stamps=tuple(
                (key, Choice(NOW - 2 * one - odd, "m", given=True))
                for odd, key in enumerate((KEY, SHARE.key))
            )
        )
        for one in range(200)
    )
    Judge(LASTING, NEWS).outlook(PersonState(many, ("eu",)), NOW)
    assert len(asked) < 40
