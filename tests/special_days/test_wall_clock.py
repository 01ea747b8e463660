"""A program and its child processes see the chosen time, and durations pass as usual."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from tests.fixtures.waiting import WAIT_S
from tests.special_days.__main__ import SPECIAL_DAYS, SpecialDay
from tests.special_days.wall_clock import build_clock_library, build_environment

PROGRAM = """
import json, subprocess, sys, threading, time
from datetime import datetime
started = time.monotonic()
time.sleep(0.1)
lock = threading.Lock()
lock.acquire()
assert not lock.acquire(timeout=0.1)
show_time = "from datetime import datetime; print(datetime.now().astimezone().isoformat())"
seen_by_child = subprocess.check_output([sys.executable, "-c", show_time], text=True).strip()
print(json.dumps([datetime.now().astimezone().isoformat(), seen_by_child, time.monotonic() - started]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD is a feature of Linux")
@pytest.mark.parametrize("day", SPECIAL_DAYS, ids=lambda day: day.name)
def test_a_program_and_its_child_see_the_special_day(day: SpecialDay, tmp_path: Path) -> None:
    """MongoDB is such a child."""
    library = build_clock_library(tmp_path)
    if library is None:
        pytest.skip("there is no C compiler")
    environment = build_environment(library, day.starts_at, day.zone)
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT_S,
    ).stdout
    seen, seen_by_child, took_s = json.loads(printed)
    for text in (seen, seen_by_child):
        late_s = (datetime.fromisoformat(text) - day.starts_at).total_seconds()
        assert -1 <= late_s < 60
    assert took_s >= 0.2
