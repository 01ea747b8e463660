"""What has lapsed before it comes is not collected: it is dropped at the door and counted.

Were it taken in, it would be withheld at once and deleted by the next sweep. An event must not be: once a
sweep has deleted it nothing remembers its message, and told again it would count a second time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from discretion.catalogue.model import Catalogue
from discretion.catalogue.retention_cut_off import CutOffs, cut_offs
from discretion.domain.ingest.message import Fact, Outcome

Take = Callable[[Sequence[Fact]], Awaitable[list[Outcome]]]


class Arrivals:
    """The door before ``take``, for every way by which facts come."""

    def __init__(self, catalogue: Catalogue, take: Take, now_ms: Callable[[], int]) -> None:
        self._catalogue = catalogue
        self._take = take
        self._now_ms = now_ms
        self._second = -1
        self._cuts = CutOffs({}, {}, 0)

    async def take(self, facts: Sequence[Fact]) -> list[Outcome]:
        """What becomes of facts without what has lapsed of them; raises what ``take`` does."""
        second = self._now_ms() // 1000
        if second != self._second:
            self._second, self._cuts = second, cut_offs(self._catalogue, second * 1000)
        return await self._take([timely(fact, self._cuts) for fact in facts])


def timely(fact: Fact, cuts: CutOffs) -> Fact:
    """The fact without the values, and without the event, that may not be kept any more.

    Whom it names and what the person said about purposes stay: a no has no end.
    """
    values = tuple(one for one in fact.values if fact.at >= cuts.attribute(one[0].key))
    late = fact.event is not None and fact.at < cuts.event(fact.event.type.key)
    gone = len(fact.values) - len(values) + late
    if not gone:
        return fact
    event = None if late else fact.event
    return replace(fact, values=values, event=event, dropped=fact.dropped + gone)
