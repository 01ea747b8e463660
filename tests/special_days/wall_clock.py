"""Starts programs whose wall clock, with that of their child processes, shows another time. Linux only."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from datetime import datetime
from pathlib import Path

_SOURCE = Path(__file__).with_name("wall_clock.c")


def build_clock_library(folder: Path) -> Path | None:
    """Compile the library that moves the wall clock; return None if there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = folder / "wall_clock.so"
    options = ("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC")
    subprocess.run([compiler, *options, "-o", str(library), str(_SOURCE), "-ldl", "-lpthread"], check=True)
    return library


def build_environment(library: Path, moment: datetime, zone: str) -> dict[str, str]:
    """Return the environment of a program that starts now and whose clock shows ``moment`` in a time zone."""
    # An offset, so that child processes that start later show the same time as their parent.
    offset_s = round(moment.timestamp() - time.time())
    return {**os.environ, "LD_PRELOAD": str(library), "WALL_CLOCK_OFFSET_S": str(offset_s), "TZ": zone}
