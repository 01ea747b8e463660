"""Values of messages: converted to their stored form, or refused by type without being quoted."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.model import ValueType
from discretion.domain.ingest.value_parsing import (
    MAX_ITEMS,
    MAX_TEXT,
    WrongType,
    parse_timestamp,
    parse_value,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)

VALUE_TYPES = [value_type for value_type in ValueType if value_type is not ValueType.OBJECT]
STORED_VALUES: list[tuple[ValueType, Any, Any]] = [
    (ValueType.MONEY, 19.99, 1999),
    (ValueType.MONEY, "19.99", 1999),
    (ValueType.MONEY, 0.1 + 0.2, 30),
    (ValueType.MONEY, 1.005, 101),
    (ValueType.MONEY, 1.015, 102),
    (ValueType.MONEY, 27.005, 2701),
    (ValueType.MONEY, "-1.005", -101),
    (ValueType.MONEY, 1e-9, 0),
    (ValueType.MONEY, -3, -300),
    (ValueType.DATE, "1990-05-04", "1990-05-04"),
    (ValueType.DATE, "1990-05-04T10:00:00Z", "1990-05-04"),
    (ValueType.DATETIME, "1970-01-01T01:00:00+01:00", 0),
    (ValueType.DATETIME, "2026-01-01T00:00:00", 1_767_225_600_000),
    (ValueType.INT, -(2**31), -(2**31)),
    (ValueType.INT, 2**31 - 1, 2**31 - 1),
    (ValueType.FLOAT, 3, 3.0),
    (ValueType.DATETIME, "2026-01-01t00:00:00z", 1_767_225_600_000),
    (ValueType.DATETIME, "2026-01-01t01:00:00.500+01:00", 1_767_225_600_500),
    (ValueType.DATETIME, "2016-12-31T23:59:60Z", 1_483_228_800_000),
    (ValueType.DATETIME, "2016-12-31t23:59:60.25z", 1_483_228_800_250),
    (ValueType.DATETIME, "2016-12-31T18:59:60-05:00", 1_483_228_800_000),
    (ValueType.DATE, "1990-05-04t10:00:00z", "1990-05-04"),
    (ValueType.DATE, "1990-05-04 10:00", "1990-05-04"),
    (ValueType.STRING, 10115, "10115"),
    (ValueType.STRING, -1, "-1"),
    (ValueType.STRING, 0, "0"),
    (ValueType.STRING, 6_796_828_442_660, "6796828442660"),
    (ValueType.STRING, 2**53 + 1, "9007199254740993"),
    (ValueType.STRING, "", ""),
    (ValueType.BOOLEAN, False, False),
]
INVALID_AMOUNTS: list[Any] = [True, "NaN", "Infinity", "1e400", "ten", None, [], 10**15, "9" * 31]
INVALID_AMOUNTS += ["1_000.00", "1,299.00", "$27.50", "", " 5", "1e3", "٢٧", "0x1F", ".5", "5.", "+-5"]
WRONG_DATES = [
    "1990-12-31junk",
    "31.12.1990",
    "1990-05",
    "19900504",
    "1990-W18-5",
    "1990-05-04T25:00",
    " 1990-05-04",
]
WRONG_TIMES = [
    "2026-13-01",
    None,
    "2026-01-01T00:00:61Z",
    "2026-01-01T00:60:00Z",
    "1790000000",
    "2026-01-01T24:01",
]
REFUSED_VALUES: list[tuple[ValueType, Any]] = [
    *((ValueType.MONEY, value) for value in INVALID_AMOUNTS),
    *(
        (ValueType.DATE, value)
        for value in ("1990-02-30", "4 May 1990", 1990, None, "1990", "1" * 41, *WRONG_DATES)
    ),
    *((ValueType.DATETIME, value) for value in ("yesterday", 0, "1969-12-31T23:59:59Z", *WRONG_TIMES)),
    *((ValueType.INT, value) for value in (True, 1.0, "1", 2**31, None)),
    *((ValueType.FLOAT, value) for value in (True, "1.0", float("nan"), float("inf"), 10**400)),
    *((ValueType.STRING, value) for value in (1.5, True, None, "x" * (MAX_TEXT + 1), "\ud800", ["x"])),
    *((ValueType.BOOLEAN, value) for value in (0, 1, "true", None)),
]


def format_case_id(value: object) -> str:
    """Return a short ASCII form of a value as the name of a case."""
    return ascii(value)[:40]


@pytest.mark.parametrize(("value_type", "value", "stored"), STORED_VALUES, ids=repr)
def test_a_value_of_its_type_is_stored(value_type: ValueType, value: Any, stored: Any) -> None:
    """Each type has one form: cents, days, milliseconds."""
    assert parse_value(value_type, value, currency="EUR") == stored


@pytest.mark.parametrize(("value_type", "value"), REFUSED_VALUES, ids=format_case_id)
def test_a_value_of_another_type_is_refused(value_type: ValueType, value: Any) -> None:
    """Nothing is guessed: a text is no number, a number no boolean. A whole number is also a text."""
    with pytest.raises(WrongType):
        parse_value(value_type, value, currency="EUR")


@given(st.sampled_from(VALUE_TYPES), JSON, st.booleans())
def test_any_value_is_stored_or_refused(value_type: ValueType, value: Any, many: bool) -> None:
    """A refusal contains nothing of the value."""
    expected = ""
    try:
        parse_value(value_type, value, many=many, currency="EUR")
    except WrongType as error:
        expected = error.expected
    assert expected in {"", *(error.expected for error in REFUSALS)}


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_money_is_exact(amount: Decimal) -> None:
    """To the cent, as text and as any number that JSON can represent."""
    assert parse_value(ValueType.MONEY, str(amount), currency="EUR") == int(amount * 100)
    number = json.loads(json.dumps(float(amount)))
    assert parse_value(ValueType.MONEY, number, currency="EUR") == int(amount * 100)


def test_the_length_of_a_list_is_limited() -> None:
    """Each item must have the type."""
    assert parse_value(ValueType.INT, [1] * MAX_ITEMS, many=True) == [1] * MAX_ITEMS
    for invalid in ([1] * (MAX_ITEMS + 1), [1, "2"], 1, None, {"0": 1}):
        with pytest.raises(WrongType):
            parse_value(ValueType.INT, invalid, many=True)


def _collect_refusals() -> list[WrongType]:
    errors = []
    for value_type, value in [*REFUSED_VALUES, *((value_type, 1) for value_type in VALUE_TYPES)]:
        for many in (False, True):
            try:
                parse_value(value_type, value, many=many, currency="EUR")
            except WrongType as error:
                errors.append(error)
    return errors


REFUSALS = _collect_refusals()


def test_a_time_without_an_offset_is_utc() -> None:
    """It is not in the time zone of the server."""
    assert (
        parse_timestamp("2026-07-01T00:00:00")
        == parse_timestamp("2026-07-01T00:00:00Z")
        == parse_timestamp("2026-07-01T02:00+02:00")
    )


def test_zero_has_one_representation() -> None:
    """A result must not show which of two equal numbers arrived first."""
    assert str(parse_value(ValueType.FLOAT, -0.0)) == "0.0"
