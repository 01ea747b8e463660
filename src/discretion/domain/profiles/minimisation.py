"""Not storing what a person refused: data minimisation at the door (GDPR Art. 5(1)(c), 25).

A value or an event is left out, and counted, if its record has heard a no to every purpose it could
serve. What the law demands of all data (answering the person about them) is no reason to collect them.
Whoever said nothing has refused nothing: what only they could allow is stored shut, and shown to nobody.
A child's day of birth is stored whatever they refused: without it a later yes would count (GDPR Art. 8(2)).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from discretion.catalogue.model import DEMANDED, Attribute, Purpose, Use
from discretion.domain.ingest.message import Fact
from discretion.domain.profiles.person_state import BIRTH, heard_of
from discretion.domain.profiles.source_record import may_be_a_child, midnight
from discretion.purpose.permissions import REFUSABLE
from discretion.purpose.statements import Heard, answer


def minimised(fact: Fact, record: Mapping[str, Any]) -> tuple[Fact, int]:
    """What of a fact is stored, and how many values and events of it are not.

    Args:
        fact: A message.
        record: The source record it speaks to, which has heard the words in it.
    """
    heard = heard_of(record)
    if not any(not choice.given for words in (heard.stamps, heard.words) for _, choice in words):
        return fact, 0
    values = tuple(
        (attribute, value)
        for attribute, value in fact.values
        if _protects(attribute, value.value, fact.received)
        or not refused(attribute.uses, heard, fact.received)
    )
    event = fact.event
    if event is not None and refused(event.type.uses, heard, fact.received):
        event = None
    left_out = len(fact.values) - len(values) + (event is not fact.event)
    return (replace(fact, values=values, event=event), left_out) if left_out else (fact, 0)


def _protects(attribute: Attribute, value: Any, now_ms: int) -> bool:
    return attribute.category == BIRTH and may_be_a_child(midnight(value), now_ms)


def refused(uses: Sequence[Use], heard: Heard, now_ms: int) -> bool:
    """Whether a record has heard a no to everything that a value could be used for."""
    purposes = [use.purpose for use in uses if use.purpose.basis not in DEMANDED]
    return bool(purposes) and all(_refused(one, heard, now_ms) for one in purposes)


def _refused(purpose: Purpose, heard: Heard, now_ms: int) -> bool:
    return purpose.basis in REFUSABLE and answer(purpose, (heard,), now_ms).given is False
