"""Values at the door: brought into stored form, or refused by type without being quoted."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.model import ValueType
from discretion.domain.ingest.value_parsing import MAX_ITEMS, MAX_TEXT, WrongType, moment, store

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)

TAKEN: list[tuple[ValueType, Any, Any]] = [
    (ValueType.MONEY, 19.99, 1999),
    (ValueType.MONEY, "19.99", 1999),
    (ValueType.MONEY, 0.1 + 0.2, 30),
    (ValueType.MONEY, 1.005, 100),
    (ValueType.MONEY, 1.015, 102),
    (ValueType.MONEY, -3, -300),
    (ValueType.DATE, "1990-05-04", "1990-05-04"),
    (ValueType.DATE, "1990-05-04T10:00:00Z", "1990-05-04"),
    (ValueType.DATETIME, "1970-01-01T01:00:00+01:00", 0),
    (ValueType.DATETIME, "2026-01-01T00:00:00", 1_767_225_600_000),
    (ValueType.INT, -(2**31), -(2**31)),
    (ValueType.INT, 2**31 - 1, 2**31 - 1),
    (ValueType.FLOAT, 3, 3.0),
    (ValueType.STRING, "", ""),
    (ValueType.BOOLEAN, False, False),
]
NO_MONEY: list[Any] = [True, "NaN", "Infinity", "1e400", "ten", None, [], 10**15, "9" * 31]
REFUSED: list[tuple[ValueType, Any]] = [
    *((ValueType.MONEY, one) for one in NO_MONEY),
    *((ValueType.DATE, one) for one in ("1990-02-30", "4 May 1990", 1990, None, "1990", "1" * 41)),
    *((ValueType.DATETIME, one) for one in ("yesterday", 0, "1969-12-31T23:59:59Z", "2026-13-01", None)),
    *((ValueType.INT, one) for one in (True, 1.0, "1", 2**31, None)),
    *((ValueType.FLOAT, one) for one in (True, "1.0", float("nan"), float("inf"), 10**400)),
    *((ValueType.STRING, one) for one in (1, None, "x" * (MAX_TEXT + 1), "\ud800", ["x"])),
    *((ValueType.BOOLEAN, one) for one in (0, 1, "true", None)),
]


def shortly(value: object) -> str:
    """A value as the name of a case."""
    return ascii(value)[:40]


@pytest.mark.parametrize(("kind", "given_", "stored"), TAKEN, ids=repr)
def test_a_value_of_its_type_is_stored(kind: ValueType, given_: Any, stored: Any) -> None:
    """In one form each: cents, days, milliseconds."""
    assert store(kind, given_) == stored


@pytest.mark.parametrize(("kind", "given_"), REFUSED, ids=shortly)
def test_a_value_of_another_type_is_refused(kind: ValueType, given_: Any) -> None:
    """Nothing is guessed: no text for a number, no number for a truth."""
    with pytest.raises(WrongType):
        store(kind, given_)


@given(st.sampled_from(ValueType), JSON, st.booleans())
def test_anything_is_stored_or_refused(kind: ValueType, value: Any, many: bool) -> None:
    """And a refusal carries nothing of the value."""
    wanted = ""
    try:
        store(kind, value, many=many)
    except WrongType as wrong:
        wanted = wrong.wanted
    assert wanted in {"", *(one.wanted for one in REFUSALS)}


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_money_is_exact(amount: Decimal) -> None:
    """To the cent, as text and as any number JSON can carry."""
    assert store(ValueType.MONEY, str(amount)) == int(amount * 100)
    assert store(ValueType.MONEY, json.loads(json.dumps(float(amount)))) == int(amount * 100)


def test_a_list_has_so_many_items() -> None:
    """And no more, each of its type."""
    assert store(ValueType.INT, [1] * MAX_ITEMS, many=True) == [1] * MAX_ITEMS
    for wrong in ([1] * (MAX_ITEMS + 1), [1, "2"], 1, None, {"0": 1}):
        with pytest.raises(WrongType):
            store(ValueType.INT, wrong, many=True)


def _refusals() -> list[WrongType]:
    found = []
    for kind, value in [*REFUSED, *((kind, 1) for kind in ValueType)]:
        for many in (False, True):
            try:
                store(kind, value, many=many)
            except WrongType as wrong:
                found.append(wrong)
    return found


REFUSALS = _refusals()


def test_a_time_without_an_offset_is_utc() -> None:
    """Not the server's own zone."""
    assert moment("2026-07-01T00:00:00") == moment("2026-07-01T00:00:00Z") == moment("2026-07-01T02:00+02:00")


def test_nought_has_one_spelling() -> None:
    """Which of two equal numbers came first must not show."""
    assert str(store(ValueType.FLOAT, -0.0)) == "0.0"
