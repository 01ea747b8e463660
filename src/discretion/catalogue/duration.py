"""ISO 8601 durations, added and subtracted on the calendar."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import NamedTuple

_DAY_MS = 86_400_000
_MONTH_MS = 30 * _DAY_MS
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_LAST_YEAR = 9999
_DURATION_PATTERN = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,4})Y)?(?:([0-9]{1,4})M)?(?:([0-9]{1,4})W)?(?:([0-9]{1,6})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})S)?)?"
)


class Duration(NamedTuple):
    """A duration as calendar months and milliseconds, which are added separately."""

    months: int
    ms: int

    @property
    def approximate_ms(self) -> int:
        """The length in ms with 30 days to a month, for comparing durations."""
        return self.months * _MONTH_MS + self.ms


def split_duration(text: str) -> tuple[int, ...]:
    """Return a duration's years, months, weeks, days, hours, minutes and seconds.

    Raises:
        ValueError: The text is no ISO 8601 duration.
    """
    match = _DURATION_PATTERN.fullmatch(text)
    if match is None:
        raise ValueError("not an ISO 8601 duration")
    return tuple(int(part or 0) for part in match.groups())


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> Duration:
    """Parse a duration in whole numbers, such as ``P3Y``, ``P13M``, ``P2W`` or ``P1DT12H``.

    Raises:
        ValueError: The text is no ISO 8601 duration, or the duration is zero.
    """
    years, months, weeks, days, hours, minutes, seconds = split_duration(text)
    duration = Duration(
        years * 12 + months,
        (weeks * 7 + days) * _DAY_MS + ((hours * 60 + minutes) * 60 + seconds) * 1000,
    )
    if duration == (0, 0):
        raise ValueError("no time at all")
    return duration


def subtract_duration(duration: str, at_ms: int) -> int:
    """Return the earliest moment (ms since 1970, UTC) that is at most ``duration`` before ``at_ms``.

    Months are subtracted first, to the same day of the earlier month or the last day of a shorter month. The
    result is never before 1970, because no observation is older.
    """
    months, ms = parse_duration(duration)
    return max(0, at_ms - _count_days_back(at_ms // _DAY_MS, months) * _DAY_MS - ms)


@lru_cache(maxsize=4096)
def add_duration(duration: str, at_ms: int) -> int:
    """Return the moment (ms since 1970, UTC) at which a duration that began at ``at_ms`` ends.

    Months are added first, to the same day of the later month or the last day of a shorter month. The result
    is never after the year 9999.
    """
    months, ms = parse_duration(duration)
    day = date.fromordinal(_EPOCH_ORDINAL + at_ms // _DAY_MS)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > _LAST_YEAR:
        return (date(_LAST_YEAR, 12, 31).toordinal() - _EPOCH_ORDINAL) * _DAY_MS
    last_day = monthrange(year, month + 1)[1]
    end_day = date(year, month + 1, min(day.day, last_day)).toordinal() - _EPOCH_ORDINAL
    return end_day * _DAY_MS + at_ms % _DAY_MS + ms


@lru_cache(maxsize=4096)
def _count_days_back(day: int, months: int) -> int:
    """Return the number of days between a day (days since 1970) and the same day ``months`` earlier."""
    current_date = date.fromordinal(_EPOCH_ORDINAL + day)
    year, month = divmod(current_date.year * 12 + current_date.month - 1 - months, 12)
    if year < 1:  # `date` has no earlier years; any day before 1970 gives the same cut-off.
        return day + 1
    last_day = monthrange(year, month + 1)[1]
    return current_date.toordinal() - date(year, month + 1, min(current_date.day, last_day)).toordinal()
