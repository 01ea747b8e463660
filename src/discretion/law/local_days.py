"""Local days: their midnights as moments, and counting them on the calendar."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def midnight(day: date, zone: str) -> int:
    """The first moment of a local day, in ms since 1970, UTC.

    Where the clock skips midnight, the first moment after the gap.
    """
    local = datetime.combine(day, time(), ZoneInfo(zone))
    return int(local.timestamp() * 1000)


def local_day(at_ms: int, zone: str) -> date:
    """The local day that a moment (ms since 1970, UTC) is in."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone)).date()


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or its last day if it is shorter (Regulation 1182/71, Art. 3(2))."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
