"""Holidays: the days that are no working days, beside Saturday and Sunday.

From the library ``holidays``, which follows the statutes of each country, year by year.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import holidays

SATURDAY = 5


@lru_cache(maxsize=256)
def holidays_of(place: str, year: int) -> frozenset[date]:
    """The public holidays of a country or a part of it, such as ``US`` or ``GB-ENG``, in a year."""
    country, _, part = place.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))


def knows(place: str) -> bool:
    """Whether the holidays of a place are known."""
    try:
        holidays_of(place, 2026)
    except NotImplementedError:
        return False
    return True


def works(day: date, place: str) -> bool:
    """Whether a day is a working day in a place."""
    return day.weekday() < SATURDAY and day not in holidays_of(place, day.year)
