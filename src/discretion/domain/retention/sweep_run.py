"""The stored record of one run of the retention sweep: its progress and what it deleted; no personal data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from discretion.store.document import MutableDocument


@dataclass(frozen=True, slots=True)
class SweepRun:
    """A run of the sweep. Times are ms since 1970.

    Attributes:
        number: The number of the run, its ``_id``.
        started: When it started.
        fence: Incremented when another process takes the run over; writes with a lower fence are refused.
        cursor: The last customer that is done.
        examined: The number of examined customers, stored as ``met``.
        changed: How many times a customer was changed.
        restricted: The number of restricted customers with expired values, stored as ``held``.
        values: Attribute key -> number of deleted values.
        events: Event type -> number of deleted events.
        finished: When it ended, or None.
    """

    number: int
    started: int
    fence: int = 1
    cursor: bytes = b""
    examined: int = 0
    changed: int = 0
    restricted: int = 0
    values: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)
    finished: int | None = None

    def add_deletions(self, values: Mapping[str, int], events: Mapping[str, int], changed: int) -> SweepRun:
        """Return the run with more deletions added."""
        return replace(
            self,
            changed=self.changed + changed,
            values=Counter(self.values) + Counter(values),
            events=Counter(self.events) + Counter(events),
        )

    def advance(self, cursor: bytes, examined: int, restricted: int) -> SweepRun:
        """Return the run after a page of customers was completed."""
        return replace(
            self, cursor=cursor, examined=self.examined + examined, restricted=self.restricted + restricted
        )

    def build_document(self) -> MutableDocument:
        """Build the stored document, without ``_id`` and ``fence``, which the store writes."""
        finished_member = {} if self.finished is None else {"finished": self.finished}
        return {
            "started": self.started,
            "cursor": self.cursor,
            "met": self.examined,
            "changed": self.changed,
            "held": self.restricted,
            "values": _list_counts(self.values),
            "events": _list_counts(self.events),
            **finished_member,
        }


def parse_sweep_run(doc: Mapping[str, Any]) -> SweepRun:
    """Parse a stored run."""
    return SweepRun(
        number=int(doc["_id"]),
        started=doc["started"],
        fence=doc["fence"],
        cursor=doc["cursor"],
        examined=doc["met"],
        changed=doc["changed"],
        restricted=doc["held"],
        values={entry["name"]: entry["count"] for entry in doc["values"]},
        events={entry["name"]: entry["count"] for entry in doc["events"]},
        finished=doc.get("finished"),
    )


def _list_counts(counts: Mapping[str, int]) -> list[MutableDocument]:
    """Return counts as a list of ``{name, count}``: event types may contain characters that keys may not."""
    return [{"name": name, "count": count} for name, count in sorted(counts.items())]
