"""Last and most frequent values over events that are each used once, however often they were sent. No I/O.

The total of a record is its events: for each, the digest of what identifies it (``EventType.distinct_by``), a
time and a value. Of several messages about one event, one is used:

* for a last value the earliest, because a page that is loaded again is no later order;
* for the most frequent value the latest, as for counts and sums (``distinct_events``).

The totals of several records are united in the same way when the profile is folded.
"""

from __future__ import annotations

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
    united = _unite(rule, [*entries, (digest, at, value)])
    latest = sorted(united, key=lambda entry: (-entry[1], entry[0]))[:MAX_EVENTS]
    return sorted(latest, key=_get_digest)


def drop_values_before(entries: Sequence[DistinctEntry], cut_off: int) -> tuple[list[DistinctEntry], int]:
    """Return a total without the events before a time (ms), and their number."""
    remaining = [entry for entry in entries if entry[1] >= cut_off]
    return remaining, len(entries) - len(remaining)


def combine_values(rule: Computation, totals: Iterable[Sequence[DistinctEntry]]) -> Any:
    """Return the value of an attribute over the totals of several records; None if no event counts."""
    entries = _unite(rule, (entry for total in totals for entry in total))
    if not entries:
        return None
    if rule.fold is Fold.LAST:
        return max(entries, key=_rank)[2]
    counts = Counter(value for _, _, value in entries)
    return min(counts, key=lambda value: (-counts[value], str(value)))


def _unite(rule: Computation, entries: Iterable[DistinctEntry]) -> list[DistinctEntry]:
    """Return one entry for each event. The value decides between equal times, so that order has no effect."""
    select = min if rule.fold is Fold.LAST else max
    by_digest: dict[bytes, DistinctEntry] = {}
    for digest, at, value in entries:
        entry = [digest, at, value]
        by_digest[digest] = select(entry, by_digest.get(digest, entry), key=_rank)
    return list(by_digest.values())


def _get_digest(entry: DistinctEntry) -> bytes:
    digest: bytes = entry[0]
    return digest


def _rank(entry: DistinctEntry) -> tuple[int, str]:
    return entry[1], str(entry[2])
