"""Runs tests on special days of the calendar: ``python -m tests.special_days tests/unit tests/journeys``.

The wall clock of pytest, and of all processes that the tests start, MongoDB too, begins on a leap day, or
one minute before the new year or before daylight saving time begins or ends, and runs on from there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from tests.special_days.wall_clock import build_clock_library, build_environment

console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """When the clock starts (UTC), and the time zone of the machine."""

    name: str
    starts_at: datetime
    zone: str = "UTC"


SPECIAL_DAYS = (
    SpecialDay("leap-day", datetime(2028, 2, 29, 12, 0, tzinfo=UTC)),
    SpecialDay("new-year", datetime(2026, 12, 31, 23, 59, tzinfo=UTC)),
    SpecialDay("summer-time-berlin", datetime(2027, 3, 28, 0, 59, tzinfo=UTC), "Europe/Berlin"),
    SpecialDay("summer-time-new-york", datetime(2027, 3, 14, 6, 59, tzinfo=UTC), "America/New_York"),
    SpecialDay("winter-time-berlin", datetime(2026, 10, 25, 0, 59, tzinfo=UTC), "Europe/Berlin"),
    SpecialDay("winter-time-new-york", datetime(2026, 11, 1, 5, 59, tzinfo=UTC), "America/New_York"),
)


def run_tests(day: SpecialDay, library: Path, arguments: list[str]) -> bool:
    """Run pytest on a day and return whether all tests passed."""
    console.rule(f"{day.name}: from {day.starts_at:%Y-%m-%d %H:%M} UTC, {day.zone}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    environment = build_environment(library, day.starts_at, day.zone)
    return subprocess.run(command, env=environment, check=False).returncode == 0


def main() -> int:
    """Run the tests on each day; return 1 if a test failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.special_days", description=__doc__)
    parser.add_argument("--day", choices=[day.name for day in SPECIAL_DAYS], help="this day only")
    options, arguments = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="discretion-special-days-") as folder:
        library = build_clock_library(Path(folder))
        if library is None:
            parser.error("a C compiler (cc) is needed")
        days = [day for day in SPECIAL_DAYS if options.day in {None, day.name}]
        failed = [day.name for day in days if not run_tests(day, library, arguments or ["-m", "not slow"])]
    console.print(f"Tests failed on: {', '.join(failed)}" if failed else f"{len(days)} days, all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
