"""The moment at which a person reaches an age.

A person born on 29 February reaches an age on 1 March of a common year: laws differ, and the later day
protects longer.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_EPOCH = date(1970, 1, 1)
_LAST_YEAR = 9999


def find_age_day(born: date, years: int) -> date:
    """Return the first day on which a person born on ``born`` is ``years`` old."""
    # ``date`` has no later years.
    year = min(born.year + years, _LAST_YEAR)
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


@lru_cache(maxsize=4096)
def find_age_moment(born_ms: int, years: int, zone: str) -> int:
    """Return the first moment (ms since 1970, UTC) at which a person is ``years`` old where they live.

    Args:
        born_ms: UTC midnight of the day of birth, in ms since 1970.
        years: The age in years.
        zone: The IANA time zone in which the birthday begins at midnight.
    """
    day = find_age_day(_EPOCH + timedelta(milliseconds=born_ms), years)
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return int(midnight.astimezone(UTC).timestamp() * 1000)
