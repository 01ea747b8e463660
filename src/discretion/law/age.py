"""On which day somebody reaches an age.

Who was born on 29 February reaches it on 1 March of a common year: laws differ, and the later day
protects longer.
"""

from __future__ import annotations

from datetime import date


def reached(born: date, years: int) -> date:
    """The first day on which somebody is so many years old."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)


def younger(born: date, years: int, day: date) -> bool:
    """Whether somebody is below an age on a day."""
    return day < reached(born, years)
