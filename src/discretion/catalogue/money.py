"""Money: amounts as whole minor units of a currency, and their decimal text.

The currencies and their minor units are those of ISO 4217 (JPY 0, EUR 2, KWD 3). An amount is rounded half up
when it is read, as prices are; from then on it is an integer, so no sum depends on an order or on binary
fractions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from iso4217 import Currency

MINOR_UNITS: Final[Mapping[str, int]] = {
    currency.code: currency.exponent for currency in Currency if currency.exponent is not None
}
"""Currency code → decimal places. Codes without a minor unit, such as XAU for gold, are not money to pay
in."""

_TEMPLATES: Final[Mapping[str, tuple[int, str]]] = {
    code: (10**digits, f"%d.%0{digits}d") for code, digits in MINOR_UNITS.items()
}
_CODES_BY_NUMBER: Final[Mapping[int, str]] = {
    currency.number: currency.code for currency in Currency if currency.code in MINOR_UNITS
}
_AMOUNT = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
_MAX_NUMBER_LENGTH = 30
MAX_AMOUNT: Final = Decimal(10) ** 15
MAX_MINOR: Final = 10**18
"""An amount is below the first, and in minor units not above the second, which MongoDB stores as an
integer."""
MAX_SHORT_DIGITS: Final = 12
"""An amount of so many digits before its point is not too large in any currency."""


class Money(NamedTuple):
    """An amount in minor units, and the code of its currency. It is stored as a list of both."""

    minor: int
    currency: str


class UnreadableAmount(Exception):
    """A value is not an amount of money."""


def find_currency(value: object) -> str | None:
    """Return the code of a currency, given as code in any case or as number of ISO 4217; else None."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if value in MINOR_UNITS:
        return str(value)
    text = str(value).strip()
    if text.isascii() and text.isdigit() and len(text) <= 3:
        return _CODES_BY_NUMBER.get(int(text))
    code = text.upper() if text.isascii() else ""
    return code if code in MINOR_UNITS else None


def parse_amount(value: object, currency: str) -> int:
    """Return an amount in minor units, rounded half up: 19.99 EUR is 1999, 1.005 EUR is 101.

    Args:
        value: A JSON number, or text in digits with a point, such as ``"27.50"``.
        currency: A code of ``MINOR_UNITS``.

    Raises:
        UnreadableAmount: it is neither, or too large. Thousands separators and currency signs
            are refused: a guess could be wrong by a factor of a thousand.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise UnreadableAmount
    # ``str`` of a binary fraction is the shortest decimal that denotes it, which is what the sender wrote.
    text = str(value)
    whole, point, fraction = text.partition(".")
    digits = MINOR_UNITS[currency]
    if _is_short_number(whole, MAX_SHORT_DIGITS) and (not point or _is_short_number(fraction, digits)):
        return int(whole + fraction.ljust(digits, "0"))  # as nearly all amounts: nothing is rounded
    is_readable = _AMOUNT.fullmatch(text) if isinstance(value, str) else len(text) <= _MAX_NUMBER_LENGTH
    amount = Decimal(text) if is_readable else Decimal("NaN")
    if not amount.is_finite() or abs(amount) >= MAX_AMOUNT:
        raise UnreadableAmount
    minor = int(amount.scaleb(digits).to_integral_value(ROUND_HALF_UP))
    if abs(minor) > MAX_MINOR:
        raise UnreadableAmount
    return minor


def _is_short_number(text: str, most: int) -> bool:
    return 0 < len(text) <= most and text.isascii() and text.isdigit()


def format_amount(minor: int, currency: str) -> str:
    """Return an amount as text with all its decimal places: ``"19.99"``, ``"-0.05"``, ``"1000"``."""
    scale, template = _TEMPLATES[currency]
    if scale == 1:
        return str(minor)
    # A page of customers formats hundreds of amounts; this takes half the time of an f-string with a width.
    return template % divmod(minor, scale) if minor >= 0 else f"-{template % divmod(-minor, scale)}"
