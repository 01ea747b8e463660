"""How an attribute is computed from events."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fold(StrEnum):
    """How an attribute is computed from events.

    Each fold is commutative, so the order of events has no effect.
    """

    COUNT = "count"
    SUM = "sum"
    FIRST = "first"
    LAST = "last"
    MOST_FREQUENT = "most_frequent"
    SET = "set"


@dataclass(frozen=True, slots=True)
class Computation:
    """How an attribute is computed: ``fold`` over ``property`` of ``events``.

    Attributes:
        fold: How the values become one.
        events: Event types; empty means any.
        property: The property whose values are folded. Empty means the event itself (``count``) or its time
            (``first``, ``last``).
        channel: Only events of this channel; None means all.
        is_distinct: Whether events that are the same one, sent again or by another source, are used once: a
            count, a sum, or the last or most frequent value. If not, every message is used.
        key: The property that says which events are about the same thing, such as ``order_id``: of all of
            ``events`` with one value of it, the latest is used. Empty means that ``EventType.distinct_by``
            says it.
        less: Event types whose ``property`` is subtracted from what has the same ``key``, but not below zero;
            one without the property takes off all.
        without: Event types that remove what has the same ``key``.
        converts: Whether money in other currencies is converted; if not, it is not part of the sum.
    """

    fold: Fold
    events: tuple[str, ...] = ()
    property: str = ""
    channel: str | None = None
    is_distinct: bool = False
    key: str = ""
    less: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    converts: bool = False

    def includes_event(self, event: str, channel: str) -> bool:
        """Whether an event in a channel is one of those the attribute is computed from."""
        events = (*self.events, *self.less, *self.without)
        return (not self.events or event in events) and self.channel in (None, channel)
