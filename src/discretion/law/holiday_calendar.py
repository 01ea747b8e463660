"""Working days: all days except Saturdays, Sundays and public holidays.

The holidays are those of the library ``holidays``, which follows each country's statutes year by year.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import holidays

SATURDAY = 5


@lru_cache(maxsize=256)
def find_holidays(place: str, year: int) -> frozenset[date]:
    """Return the public holidays of a country or a part of it, such as ``US`` or ``GB-ENG``, in a year."""
    country, _, part = place.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))


def has_holiday_calendar(place: str) -> bool:
    """Return whether the library has the holidays of a place."""
    try:
        find_holidays(place, 2026)  # The library checks the place only when it computes a year.
    except NotImplementedError:
        return False
    return True


def is_working_day(day: date, place: str) -> bool:
    """Return whether a day is a working day in a place."""
    return day.weekday() < SATURDAY and day not in find_holidays(place, day.year)
