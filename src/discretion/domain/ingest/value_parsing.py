"""Parsing of JSON values into stored form, by the catalogue's value types."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from discretion.catalogue.model import ValueType
from discretion.catalogue.money import UnreadableAmount, parse_amount
from discretion.store.document import OpenValue, Scalar

MAX_TEXT = 2_000
MAX_ITEMS = 100
_INT32_LIMIT = 2**31
_LEAP_SECOND = re.compile(r"(?<=T\d\d:\d\d:)60(?=[.,Z+-]|$)")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
"""Times are computed in whole ms: a float of seconds is wrong by 1 ms for one value in a thousand."""
_MAX_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
"""The last ms of the year 9999; text with a negative offset can denote a later time."""


class WrongType(Exception):
    """A value is not of its declared type; ``expected`` describes the type and never contains the value."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


def parse_value(value_type: ValueType, value: object, *, many: bool = False, currency: str = "") -> OpenValue:
    """Return ``value`` in the stored form of a value type.

    Args:
        value_type: The declared type.
        value: A JSON value.
        many: Whether a list is expected.
        currency: The currency that amounts are in, for Money.

    Raises:
        WrongType: the value is not of that type.
    """
    if not many:
        return _parse_money(value, currency) if value_type is ValueType.MONEY else _PARSERS[value_type](value)
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise WrongType(f"a list of at most {MAX_ITEMS} of {value_type.value}")
    if value_type is ValueType.MONEY:
        return [_parse_money(item, currency) for item in value]
    parse_item = _PARSERS[value_type]
    return [parse_item(item) for item in value]


def parse_timestamp(text: object) -> int:
    """Parse RFC 3339 or ISO 8601 text into ms since 1970; without an offset it is UTC.

    ``t`` and ``z`` may be small. The second 60 is a leap second (RFC 3339, section 5.6), which Unix time
    counts as the first one of the next minute.

    Raises:
        WrongType: it is no time, or not between 1970 and 10000.
    """
    if not isinstance(text, str) or len(text) > 40:
        raise WrongType("an ISO 8601 time")
    try:
        ms = _read_ms(text)
    except (ValueError, OverflowError):
        ms = _parse_unusual_time(text.upper())
    if not 0 <= ms <= _MAX_MS:
        raise WrongType("a time after 1970 and before 10000")
    return ms


def _read_ms(text: str) -> int:
    parsed = datetime.fromisoformat(text)
    return ((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND


def _parse_unusual_time(text: str) -> int:
    """Parse a time in capitals, possibly with a leap second, into ms."""
    leap_second = _LEAP_SECOND.search(text)
    try:
        if leap_second is None:
            return _read_ms(text)
        return _read_ms(f"{text[: leap_second.start()]}59{text[leap_second.end() :]}") + 1000
    except (ValueError, OverflowError):
        raise WrongType("an ISO 8601 time") from None


def _parse_text(value: object) -> str:
    """Accept whole numbers, which shops send as ids, postal codes and sizes."""
    if not isinstance(value, str) and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise WrongType(f"text of at most {MAX_TEXT} characters")
    try:
        # JSON text may contain a lone surrogate, which cannot be stored: MongoDB takes UTF-8.
        value.encode()
    except UnicodeEncodeError:
        raise WrongType("text in Unicode") from None
    return value


def _parse_whole_number(value: object) -> int:
    """Accept the range of GraphQL's Int: 32 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or not -_INT32_LIMIT <= value < _INT32_LIMIT:
        raise WrongType("a whole number of 32 bits")
    return value


def _parse_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongType("a number")
    try:
        number = float(value)
    except OverflowError:
        raise WrongType("a number") from None
    if not math.isfinite(number):
        raise WrongType("a finite number")
    return number + 0.0  # -0.0 becomes 0.0: both are equal, but their bytes differ


def _parse_boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise WrongType("true or false")
    return value


def _parse_date(value: object) -> str:
    """Return the day of a date, or of a time as its sender wrote it."""
    if not isinstance(value, str) or len(value) > 40:
        raise WrongType("an ISO 8601 date")
    try:
        day = _DAY.match(value)
        if day is None:
            raise ValueError
        if day.end() < len(value):
            datetime.fromisoformat(value.upper())
        return date.fromisoformat(day.group()).isoformat()
    except ValueError:
        raise WrongType("an ISO 8601 date") from None


def _parse_money(value: object, currency: str) -> int:
    try:
        return parse_amount(value, currency)
    except UnreadableAmount:
        raise WrongType("an amount of money") from None


_PARSERS: Mapping[ValueType, Callable[[object], Scalar]] = MappingProxyType(
    {
        ValueType.STRING: _parse_text,
        ValueType.INT: _parse_whole_number,
        ValueType.FLOAT: _parse_number,
        ValueType.BOOLEAN: _parse_boolean,
        ValueType.DATE: _parse_date,
        ValueType.DATETIME: parse_timestamp,
    }
)
