"""How long something is kept: ISO 8601 durations, counted on the calendar."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import NamedTuple

_DAY = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()
_LAST_YEAR = 9999
_FORM = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,4})Y)?(?:([0-9]{1,4})M)?(?:([0-9]{1,4})W)?(?:([0-9]{1,6})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})S)?)?"
)


class Duration(NamedTuple):
    """Calendar months, and milliseconds beside them."""

    months: int
    ms: int


def parts(text: str) -> tuple[int, ...]:
    """A duration as it is written: years, months, weeks, days, hours, minutes, seconds.

    Raises:
        ValueError: it is something else.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("not an ISO 8601 duration")
    return tuple(int(part or 0) for part in found.groups())


@lru_cache(maxsize=1024)
def parse(text: str) -> Duration:
    """A duration in whole numbers, such as ``P3Y``, ``P13M``, ``P2W``, ``P1DT12H``.

    Raises:
        ValueError: it is something else, or no time at all.
    """
    years, months, weeks, days, hours, minutes, seconds = parts(text)
    duration = Duration(
        years * 12 + months,
        (weeks * 7 + days) * _DAY + ((hours * 60 + minutes) * 60 + seconds) * 1000,
    )
    if duration == (0, 0):
        raise ValueError("no time at all")
    return duration


def lapse(duration: str, at_ms: int) -> int:
    """The earliest moment (ms since 1970, UTC) that still counts at ``at_ms``; before it has lapsed.

    Months are taken off first, to the same day or the last one of a shorter month. Nothing was
    observed before 1970, so that is as far back as it goes.
    """
    months, ms = parse(duration)
    return max(0, at_ms - _back(at_ms // _DAY, months) * _DAY - ms)


@lru_cache(maxsize=4096)
def end(duration: str, at_ms: int) -> int:
    """The moment (ms since 1970, UTC) at which a duration that began at ``at_ms`` is over.

    Months go first, to the same day or the last one of a shorter month; nothing goes past the year 9999.
    """
    months, ms = parse(duration)
    day = date.fromordinal(_EPOCH + at_ms // _DAY)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > _LAST_YEAR:
        return (date(_LAST_YEAR, 12, 31).toordinal() - _EPOCH) * _DAY
    last = monthrange(year, month + 1)[1]
    goal = date(year, month + 1, min(day.day, last)).toordinal() - _EPOCH
    return goal * _DAY + at_ms % _DAY + ms


@lru_cache(maxsize=4096)
def _back(day: int, months: int) -> int:
    """How many days lie between a day (since 1970) and the one ``months`` before it."""
    at = date.fromordinal(_EPOCH + day)
    year, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    if year < 1:
        return day + 1
    last = monthrange(year, month + 1)[1]
    return at.toordinal() - date(year, month + 1, min(at.day, last)).toordinal()
