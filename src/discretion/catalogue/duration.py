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
    """Return the earliest moment (ms since 1970, UTC) from which a duration has not ended at ``at_ms``.

    The reverse of ``add_duration``, so a later moment never has an earlier result: what has expired stays
    expired. The result is never before 1970, because no observation is older.
    """
    months, ms = parse_duration(duration)
    end_of_months = at_ms - ms
    return 0 if end_of_months < 0 else max(0, _move_months(end_of_months, -months))


@lru_cache(maxsize=4096)
def add_duration(duration: str, at_ms: int) -> int:
    """Return the moment (ms since 1970, UTC) at which a duration that began at ``at_ms`` ends.

    Months are added first, to the same day and time of the later month. A month that lacks the day ends with
    its last day (Regulation 1182/71, Art. 3(2)(c)). The result is never after the year 9999.
    """
    months, ms = parse_duration(duration)
    return _move_months(at_ms, months) + ms


def _move_months(at_ms: int, months: int) -> int:
    day, time_ms = divmod(at_ms, _DAY_MS)
    moved_day, is_same_day = _find_day(day, months)
    return moved_day * _DAY_MS + (time_ms if is_same_day else 0)


@lru_cache(maxsize=4096)
def _find_day(day: int, months: int) -> tuple[int, bool]:
    """Return the same day (days since 1970) of a later or earlier month, and True.

    If the month lacks the day: the first day of the month after it, and False.
    """
    start = date.fromordinal(_EPOCH_ORDINAL + day)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year > _LAST_YEAR:
        return date(_LAST_YEAR, 12, 31).toordinal() - _EPOCH_ORDINAL, False
    if year < 1:  # `date` has no earlier years; the caller needs no day before 1970.
        return -1, False
    last_day = monthrange(year, month + 1)[1]
    moved = date(year, month + 1, min(start.day, last_day)).toordinal() - _EPOCH_ORDINAL
    return (moved, True) if start.day <= last_day else (moved + 1, False)
