"""Counts of an import: what became of its messages, and what was refused or left out, by code and column.

It has names of columns and numbers of rows, and no value of the file.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

MAX_SHOWN_ROWS = 5
"""How many rows are named for each fault."""

MAX_FAULTS = 500
"""Most kinds of faults that are counted apart; a mapping has fewer columns and codes than that."""
_OTHER = "-"
_OTHER_REASON = "Further kinds of faults."


class FaultEffect(StrEnum):
    """What a fault does to its message."""

    REFUSED = "refused"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True, order=True)
class FaultKey:
    """A kind of fault."""

    effect: FaultEffect
    code: str
    column: str


@dataclass(slots=True)
class FaultCount:
    """How often a kind of fault occurred, in which rows first, and what it means."""

    reason: str
    count: int = 0
    rows: list[int] = field(default_factory=list)


@dataclass(slots=True)
class ImportTally:
    """The counts of an import so far.

    Attributes:
        rows: The last row that is done.
        messages: By outcome: ``accepted``, ``duplicate``, ``refused``.
        faults: By kind.
    """

    rows: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    faults: dict[FaultKey, FaultCount] = field(default_factory=dict)

    def add_fault(self, key: FaultKey, row: int, reason: str) -> None:
        """Count a fault in a row."""
        self._add_faults(key, FaultCount(reason, 1, [row]))

    def add_all(self, other: ImportTally) -> None:
        """Add the counts of the rows that follow."""
        self.rows = max(self.rows, other.rows)
        self.messages += other.messages
        for key, counted in other.faults.items():
            self._add_faults(key, counted)

    def _add_faults(self, key: FaultKey, more: FaultCount) -> None:
        if key not in self.faults and len(self.faults) >= MAX_FAULTS:
            key, more = FaultKey(key.effect, _OTHER, ""), FaultCount(_OTHER_REASON, more.count, more.rows)
        counted = self.faults.setdefault(key, FaultCount(more.reason))
        counted.count += more.count
        for row in more.rows:
            if len(counted.rows) < MAX_SHOWN_ROWS and row not in counted.rows:
                counted.rows.append(row)

    @property
    def has_refused(self) -> bool:
        """Whether any message was refused."""
        return any(key.effect is FaultEffect.REFUSED for key in self.faults)
