"""Values as they arrive, brought into stored form or refused by type."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from discretion.catalogue.model import ValueType

MAX_TEXT = 2_000
MAX_ITEMS = 100
_INT = 2**31
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_END = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND  # an offset can say a later one
"""Whole numbers throughout: a float of seconds loses one in a thousand."""


class WrongType(Exception):
    """A value is not of its declared type. Carries what was wanted, never the value."""

    def __init__(self, wanted: str) -> None:
        super().__init__(wanted)
        self.wanted = wanted


def store(kind: ValueType, value: Any, *, many: bool = False) -> Any:
    """``value`` in stored form.

    Raises:
        WrongType: it is something else.
    """
    if not many:
        return _STORE[kind](value)
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise WrongType(f"a list of at most {MAX_ITEMS} of {kind.value}")
    return [_STORE[kind](one) for one in value]


def moment(text: Any) -> int:
    """RFC 3339 or ISO 8601 text as ms since 1970; without an offset it is read as UTC."""
    if not isinstance(text, str) or len(text) > 40:
        raise WrongType("an ISO 8601 time")
    try:
        when = datetime.fromisoformat(text)
        ms = ((when if when.tzinfo else when.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        raise WrongType("an ISO 8601 time") from None
    if not 0 <= ms <= _END:
        raise WrongType("a time after 1970 and before 10000")
    return ms


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise WrongType(f"text of at most {MAX_TEXT} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise WrongType("text in Unicode") from None
    return value


def _whole(value: Any) -> int:
    """What GraphQL's Int can say: 32 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or not -_INT <= value < _INT:
        raise WrongType("a whole number of 32 bits")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongType("a number")
    try:
        number = float(value)
    except OverflowError:
        raise WrongType("a number") from None
    if not math.isfinite(number):
        raise WrongType("a finite number")
    return number + 0.0  # -0.0 is 0.0: which of two equal spellings is kept would hang on their order


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongType("true or false")
    return value


def _date(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 40:
        raise WrongType("an ISO 8601 date")
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        raise WrongType("an ISO 8601 date") from None


def _money(value: Any) -> int:
    """Cents, by decimal arithmetic: 19.99 is 1999, not what a binary float makes of it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > 30:
        raise WrongType("an amount of money")
    try:
        amount = Decimal(str(value))
        if not amount.is_finite() or abs(amount) >= Decimal(10) ** 15:
            raise WrongType("an amount of money")
        return int((amount * 100).to_integral_value())
    except InvalidOperation:
        raise WrongType("an amount of money") from None


_STORE: Mapping[ValueType, Callable[[Any], Any]] = MappingProxyType(
    {
        ValueType.STRING: _text,
        ValueType.INT: _whole,
        ValueType.FLOAT: _number,
        ValueType.BOOLEAN: _boolean,
        ValueType.DATE: _date,
        ValueType.DATETIME: moment,
        ValueType.MONEY: _money,
    }
)
