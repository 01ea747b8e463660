"""The forecast of permissions, computed from few moments, equals the evaluation of every moment."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.law.model import ConsentLaw, MaterialChange
from discretion.purpose import permission_engine
from discretion.purpose.permission_engine import FORECAST_MS, FOREVER, PermissionEngine, PermissionForecast
from discretion.purpose.permissions import (
    PermissionBits,
    PersonState,
    compute_permitted_bits,
    list_acceptance_ends,
    list_turning_points,
)
from discretion.purpose.statements import AmbientChoice, PurposeChoice, RecordStatements
from tests.fixtures.examples import scale_examples
from tests.fixtures.law import LAW
from tests.unit.purpose.test_permissions import CATALOGUE, KEY, NOW, SHARE, YEAR, build_states

LASTING = replace(
    CATALOGUE,
    purposes={
        key: replace(purpose, lasts="P1Y" if purpose.key in (KEY, SHARE.key) else "")
        for key, purpose in CATALOGUE.purposes.items()
    },
)
CHANGING_LAW = ConsentLaw("2", LAW.timelines, (MaterialChange(NOW + 40, frozenset({KEY})),))
CHOICES = st.lists(
    st.tuples(
        st.sampled_from(["marketing", "marketing.communications", KEY, "analytics", "functional", SHARE.key]),
        st.builds(
            PurposeChoice,
            st.integers(NOW - YEAR, NOW - YEAR + 60) | st.integers(NOW - 60, NOW),
            st.sampled_from("ab"),
            st.booleans(),
            st.none() | st.integers(NOW - 5, NOW + 80),
        ),
    ),
    max_size=4,
    unique_by=lambda pair: pair[0],
).map(tuple)
MOMENTS = st.integers(NOW - YEAR, NOW - YEAR + 60) | st.integers(NOW - 60, NOW)
STATEMENT_TIMES = st.tuples(*[st.none() | MOMENTS] * 4)
AMBIENT = st.lists(
    st.tuples(
        st.sampled_from(["marketing", "marketing.communications", KEY, "analytics", "functional", SHARE.key]),
        STATEMENT_TIMES,
    ),
    max_size=3,
    unique_by=lambda pair: pair[0],
).map(build_states)
RECORDS = st.builds(
    RecordStatements,
    *(AMBIENT, CHOICES, CHOICES, CHOICES, CHOICES),
    *(st.none() | st.integers(NOW - 60, NOW), st.booleans(), st.booleans(), st.booleans()),
)
STATES = st.builds(
    PersonState,
    st.lists(RECORDS, max_size=3).map(tuple),
    st.lists(st.sampled_from(sorted(LAW.timelines)), min_size=1, max_size=2, unique=True).map(tuple),
    st.just(value=False),
    st.none() | st.integers(1, 20).map(lambda years: NOW - years * YEAR),
)


def forecast_from_every_moment(state: PersonState) -> PermissionForecast:
    """Return the forecast computed from every turning point."""
    current_bits = compute_permitted_bits(LASTING, CHANGING_LAW, state, NOW)
    turning_points = sorted(
        {
            at
            for at in (*list_turning_points(CHANGING_LAW, state), *list_acceptance_ends(LASTING, state))
            if at > NOW
        }
    )
    bits_by_time = [(at, compute_permitted_bits(LASTING, CHANGING_LAW, state, at)) for at in turning_points]
    first_change = next(
        (number for number, (_, bits) in enumerate(bits_by_time) if bits != current_bits), None
    )
    if first_change is None:
        return PermissionForecast(current_bits, FOREVER, current_bits)
    until = bits_by_time[first_change][0]
    later_bits = (bits for at, bits in bits_by_time[first_change:] if at < until + FORECAST_MS)
    return PermissionForecast(current_bits, until, reduce(PermissionBits.__and__, later_bits))


@pytest.mark.slow
@settings(max_examples=scale_examples(400))
@given(STATES)
def test_the_forecast_equals_the_evaluation_of_every_moment(state: PersonState) -> None:
    """The end of a consent only removes permissions.

    Of the ends between two turning points of the law, the last one therefore decides.
    """
    assert PermissionEngine(LASTING, CHANGING_LAW).forecast(state, NOW) == forecast_from_every_moment(state)


def test_many_devices_are_evaluated_at_few_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every device repeats its consent, and every repetition expires at another moment."""
    calls: list[int] = []

    def count_call(*arguments: object) -> PermissionBits:
        calls.append(1)
        return compute_permitted_bits(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(permission_engine, "compute_permitted_bits", count_call)
    records = tuple(
        RecordStatements(
            ambient=tuple(
                (key, AmbientChoice(NOW - 2 * number - offset, NOW - 2 * number - offset))
                for offset, key in enumerate((KEY, SHARE.key))
            )
        )
        for number in range(200)
    )
    PermissionEngine(LASTING, CHANGING_LAW).forecast(PersonState(records, ("eu",)), NOW)
    assert len(calls) < 40
