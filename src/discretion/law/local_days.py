"""Local days: conversion between days and moments, and months on the calendar."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def find_midnight(day: date, zone: str) -> int:
    """Return the first moment of a local day in ms since 1970, UTC.

    Where daylight saving time skips midnight, that is the first moment after the gap.
    """
    # ``fold`` is 0 (PEP 495): in a gap Python uses the offset before it, and of two midnights on one day the
    # first.
    local = datetime.combine(day, time(), ZoneInfo(zone))
    return int(local.timestamp() * 1000)


def find_local_day(at_ms: int, zone: str) -> date:
    """Return the local day that contains a moment (ms since 1970, UTC)."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone)).date()


def add_months(day: date, months: int) -> date:
    """Return the same day of a later month, or its last day (Regulation 1182/71, Art. 3(2))."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last_day = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last_day))
