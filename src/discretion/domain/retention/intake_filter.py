"""The filter of new facts: data that have already expired on arrival are removed and counted.

A stored value would be withheld at once and deleted by the next sweep. An event must not be stored at all:
after a sweep has deleted it, its message id is forgotten too, and a repetition would count a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from discretion.catalogue.model import Catalogue
from discretion.catalogue.retention_cut_off import RetentionCutOffs, compute_cut_offs
from discretion.domain.ingest.message import Fact, MessageOutcome
from discretion.domain.ingest.queue import ProcessFacts
from discretion.domain.ingest.rejection import LeftOut
from discretion.domain.profiles.source_record import find_minor_birth

EXPIRED = LeftOut("timestamp", "RETENTION_OVER", "It is so long ago that the data may not be stored.")


class IntakeFilter:
    """The step in front of ``process_facts``, for new messages and for replayed dead letters."""

    def __init__(self, catalogue: Catalogue, process_facts: ProcessFacts, now_ms: Callable[[], int]) -> None:
        self._catalogue = catalogue
        self._process_facts = process_facts
        self._now_ms = now_ms
        self._second = -1
        self._cut_offs = RetentionCutOffs({}, {}, 0)
        self._latest_cut_off = 0

    async def process(self, facts: Sequence[Fact]) -> list[MessageOutcome]:
        """Remove expired data of the facts and process them; raises as ``process_facts`` does."""
        # Cut-offs are computed once a second: they depend on every attribute, and batches come faster.
        # An event that just passes is not deleted at once: the sweep waits for `GRACE_MS` beyond the cut-off.
        second = self._now_ms() // 1000
        if second != self._second:
            self._second, self._cut_offs = second, compute_cut_offs(self._catalogue, second * 1000)
            self._latest_cut_off = self._cut_offs.find_latest()
        return await self._process_facts(
            [
                fact if fact.at >= self._latest_cut_off else drop_expired(fact, self._cut_offs)
                for fact in facts
            ]
        )


def drop_expired(fact: Fact, cut_offs: RetentionCutOffs) -> Fact:
    """Remove the values and the event of a fact whose retention period is over, and count them.

    The sender is answered so: they count as minimised, and the time of the message is named. Statements stay,
    because a refusal does not expire, and so does the birth date of a minor, who would be treated as an adult
    without it. If nothing stays, the identifiers do not either: they would make a
    customer about whom nothing is known. Identifiers alone may be as old as the data that are kept longest.
    """
    values = tuple(
        (attribute, value)
        for attribute, value in fact.values
        if fact.at >= cut_offs.find_attribute_cut_off(attribute.key)
        or find_minor_birth(attribute, value.value, fact.received) is not None
    )
    is_event_expired = fact.event is not None and fact.at < cut_offs.find_event_cut_off(fact.event.type.key)
    expired = len(fact.values) - len(values) + is_event_expired
    if not expired and (fact.has_content or fact.at >= cut_offs.others):
        return fact
    remaining = replace(
        fact,
        values=values,
        event=None if is_event_expired else fact.event,
        expired=expired,
        left_out=(*fact.left_out, EXPIRED),
    )
    return replace(remaining, is_expired=not remaining.has_content)
