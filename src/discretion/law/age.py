"""When somebody reaches an age.

Who was born on 29 February reaches it on 1 March of a common year: laws differ, and the later day
protects longer.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_EPOCH = date(1970, 1, 1)
_LAST_YEAR = 9999


def reached(born: date, years: int) -> date:
    """The first day on which somebody is so many years old."""
    year = min(born.year + years, _LAST_YEAR)
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


@lru_cache(maxsize=4096)
def attained(born_ms: int, years: int, zone: str) -> int:
    """The first moment (ms since 1970, UTC) at which somebody is ``years`` old where they live.

    Args:
        born_ms: UTC midnight of the day of birth, in ms since 1970.
        years: The age.
        zone: The IANA time zone in which their birthday begins at midnight.
    """
    day = reached(_EPOCH + timedelta(milliseconds=born_ms), years)
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return int(midnight.astimezone(UTC).timestamp() * 1000)
