"""When somebody reaches an age, where they live."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_EPOCH = date(1970, 1, 1)
_LAST_YEAR = 9999


@lru_cache(maxsize=4096)
def attained(born_ms: int, years: int, zone: str) -> int:
    """The first moment (ms since 1970, UTC) at which somebody born on a day is ``years`` old.

    It is midnight in ``zone`` as their birthday begins; whoever was born on 29 February has it on 1 March
    in other years, the later of the two days that laws name.

    Args:
        born_ms: UTC midnight of the day of birth, in ms since 1970.
        years: The age.
        zone: An IANA time zone.
    """
    born = _EPOCH + timedelta(milliseconds=born_ms)
    year = min(born.year + years, _LAST_YEAR)
    try:
        day = born.replace(year=year)
    except ValueError:
        day = date(year, 3, 1)
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return int(midnight.astimezone(UTC).timestamp() * 1000)
