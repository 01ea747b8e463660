"""Last and most frequent values over events that are each used once, however often they were sent. No I/O.

The total of a record is its events: for each, the digest of what identifies it (``EventType.distinct_by``), a
time and a value. Of several messages about one event, one is used:

* for a last value the earliest, because a page that is loaded again is no later order;
* for the most frequent value the latest, as for counts and sums (``distinct_events``).

The totals of several records are united in the same way when the profile is folded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from discretion.catalogue.computation import Computation, Fold

MAX_EVENTS: Final = 2_000
"""The most events of one total of one record: the latest ones.

Of a last value, an event beyond this number counts as a new one if it is sent again.
"""

DistinctEntry = Sequence[Any]
"""Digest of an event, time (ms) and value."""

DISTINCT_VALUE_FOLDS = frozenset({Fold.LAST, Fold.MOST_FREQUENT})


def add_value(
    entries: Sequence[DistinctEntry], rule: Computation, digest: bytes, at: int, value: Any
) -> list[DistinctEntry]:
    """Return the total of a record with one more message about an event, sorted by digest."""
    entry: DistinctEntry = [digest, at, value]
    start = end = bisect_left(entries, digest, key=_get_digest)
    if start < len(entries) and entries[start][0] == digest:
        entry, end = _select(rule, entry, entries[start]), start + 1
    inserted = [*entries[:start], entry, *entries[end:]]
    if len(inserted) > MAX_EVENTS:
        inserted.remove(max(inserted, key=lambda candidate: (-candidate[1], candidate[0])))
    return inserted


def drop_values_before(entries: Sequence[DistinctEntry], cut_off: int) -> tuple[list[DistinctEntry], int]:
    """Return a total without the events before a time (ms), and their number."""
    remaining = [entry for entry in entries if entry[1] >= cut_off]
    return remaining, len(entries) - len(remaining)


def combine_values(rule: Computation, totals: Sequence[Sequence[DistinctEntry]]) -> Any:
    """Return the value of an attribute over the totals of several records; None if no event counts."""
    entries = totals[0] if len(totals) == 1 else _unite(rule, totals)
    if not entries:
        return None
    if rule.fold is Fold.LAST:
        return max(entries, key=_rank)[2]
    counts = Counter(value for _, _, value in entries)
    return min(counts, key=lambda value: (-counts[value], str(value)))


def _unite(rule: Computation, totals: Iterable[Iterable[DistinctEntry]]) -> list[DistinctEntry]:
    """Return one entry for each event of several totals."""
    by_digest: dict[bytes, DistinctEntry] = {}
    for total in totals:
        for entry in total:
            other = by_digest.get(entry[0])
            by_digest[entry[0]] = entry if other is None else _select(rule, entry, other)
    return list(by_digest.values())


def _select(rule: Computation, entry: DistinctEntry, other: DistinctEntry) -> DistinctEntry:
    """Return the entry that is used of two about one event.

    The value decides between equal times, so that order has no effect.
    """
    return (min if rule.fold is Fold.LAST else max)(entry, other, key=_rank)


def _get_digest(entry: DistinctEntry) -> bytes:
    digest: bytes = entry[0]
    return digest


def _rank(entry: DistinctEntry) -> tuple[int, str]:
    return entry[1], str(entry[2])
