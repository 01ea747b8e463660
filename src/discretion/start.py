"""The program ``discretion``: imports the command line quickly, then runs it.

Importing the 1,500 modules that a command needs takes most of the time of its start.
"""

from __future__ import annotations

import gc
import sys

GC_THRESHOLDS = (50_000, 20, 20)
"""How many new objects, and searches among younger ones, make Python search for garbage.

With its defaults (700, 10, 10) a server spent a fifth of its processor time on that. Nearly all garbage is
freed without a search; the rest is at most some 10 MB more until the next one.
"""


def main() -> None:
    """Import and run the command line."""
    # Only modules that are imported get bytecode, and only once. Where the environment forbids to keep it, as
    # container images do, each start would compile all of them again, for 3 s.
    sys.dont_write_bytecode = False
    # Modules live as long as the process, so a search for garbage among them is in vain.
    gc.disable()
    from discretion.cli import main as run_command_line  # noqa: PLC0415 - after these settings

    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()
    run_command_line()
