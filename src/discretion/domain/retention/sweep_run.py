"""One run of the sweep, as it is on record: how far it came and what it deleted. No personal data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """A run; times in ms since 1970.

    ``fence`` is higher whenever another process takes the run over, so that the one before can write no more.
    ``cursor`` is the last customer that is done. ``met`` counts customers that were looked at, ``changed``
    how often one was renewed, ``held`` those with something lapsed that a restriction keeps. ``values`` by
    attribute, ``events`` by type say what was deleted.
    """

    number: int
    started: int
    fence: int = 1
    cursor: bytes = b""
    met: int = 0
    changed: int = 0
    held: int = 0
    values: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)
    finished: int | None = None

    def further(self, values: Mapping[str, int], events: Mapping[str, int], changed: int) -> Run:
        """The run after more was deleted."""
        return replace(
            self,
            changed=self.changed + changed,
            values=Counter(self.values) + Counter(values),
            events=Counter(self.events) + Counter(events),
        )

    def past(self, cursor: bytes, met: int, held: int) -> Run:
        """The run after a page of customers is done."""
        return replace(self, cursor=cursor, met=self.met + met, held=self.held + held)

    def document(self) -> Document:
        """As it is kept, but for its name and fence."""
        end = {} if self.finished is None else {"finished": self.finished}
        return {
            "started": self.started,
            "cursor": self.cursor,
            "met": self.met,
            "changed": self.changed,
            "held": self.held,
            "values": _listed(self.values),
            "events": _listed(self.events),
            **end,
        }


def read(doc: Mapping[str, Any]) -> Run:
    """A kept run."""
    return Run(
        number=int(doc["_id"]),
        started=doc["started"],
        fence=doc["fence"],
        cursor=doc["cursor"],
        met=doc["met"],
        changed=doc["changed"],
        held=doc["held"],
        values={one["name"]: one["count"] for one in doc["values"]},
        events={one["name"]: one["count"] for one in doc["events"]},
        finished=doc.get("finished"),
    )


def _listed(counts: Mapping[str, int]) -> list[Document]:
    """Names of events may hold what names in a document may not."""
    return [{"name": name, "count": count} for name, count in sorted(counts.items())]
