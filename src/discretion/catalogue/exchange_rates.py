"""How events state amounts of money, and the declared exchange rates, by date and with their source."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from discretion.catalogue.money import MINOR_UNITS, Money


@dataclass(frozen=True, slots=True)
class ExchangeRates:
    """What one unit of a base currency cost in others, by date.

    Attributes:
        base: Code of the base currency.
        source: Who published the rates.
        starts: When each column of rates begins (ms since 1970, UTC), ascending. A column is in force until
            the next one begins; there are no rates before the first.
        columns: For each of ``starts``, the units of a currency for one unit of the base currency.
    """

    base: str = ""
    source: str = ""
    starts: tuple[int, ...] = ()
    columns: tuple[Mapping[str, Fraction], ...] = field(default=())

    def convert(self, money: Money, currency: str, at: int) -> int | None:
        """Return minor units of another currency at a time (ms), rounded half up; None without a rate."""
        if money.currency == currency:
            return money.minor
        position = bisect_right(self.starts, at) - 1
        if position < 0:
            return None
        rates = {**self.columns[position], self.base: Fraction(1)}
        if money.currency not in rates or currency not in rates:
            return None
        scale = Fraction(10) ** (MINOR_UNITS[currency] - MINOR_UNITS[money.currency])
        exact = abs(money.minor) * scale * rates[currency] / rates[money.currency]
        rounded = int(exact + Fraction(1, 2))
        return rounded if money.minor >= 0 else -rounded


NO_RATES = ExchangeRates()
"""A table without rates: every currency stands apart."""


@dataclass(frozen=True, slots=True)
class MoneyRules:
    """How events state amounts of money.

    Attributes:
        currency: Code of the currency of amounts whose event states none; empty if no property is Money.
        stated_by: The property in which an event states the currency of its amounts.
        rates: The declared exchange rates.
    """

    currency: str = ""
    stated_by: str = ""
    rates: ExchangeRates = NO_RATES


NO_MONEY = MoneyRules()
"""The rules of a catalogue without money."""
