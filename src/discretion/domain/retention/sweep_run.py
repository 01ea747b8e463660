"""The progress of one run of the retention sweep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from discretion.store.sweeps import SweepRun


def add_deletions(
    run: SweepRun, values: Mapping[str, int], events: Mapping[str, int], changed: int
) -> SweepRun:
    """Return a run with more deletions added."""
    return replace(
        run,
        changed=run.changed + changed,
        values=Counter(run.values) + Counter(values),
        events=Counter(run.events) + Counter(events),
    )


def advance(run: SweepRun, cursor: bytes, examined: int, restricted: int) -> SweepRun:
    """Return a run after a page of customers was completed."""
    return replace(
        run, cursor=cursor, examined=run.examined + examined, restricted=run.restricted + restricted
    )
