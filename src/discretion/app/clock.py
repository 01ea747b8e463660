"""The wall clock, read here and handed down."""

from __future__ import annotations

import time


def now_ms() -> int:
    """The wall clock, in ms since 1970."""
    return time.time_ns() // 1_000_000
