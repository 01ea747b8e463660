"""What all source records of a person together answer about a purpose: whose acceptance covers what.

A refusal in any record covers the whole person. An acceptance covers the record that it was made on, because
nobody knows yet who spoke there; under a login, or made by the person themselves, it covers all records of
the person, those that are joined later included, as long as none of them refuses. So silence elsewhere takes
nothing from a person who agreed under their login, and is never an agreement.

A refusal of the person counts whatever their age, and a guardian's later acceptance does not lift it: how old
they are may become known only when another record joins them.

Law: what is permitted after records are joined was permitted for each side before, except where the other
side has an acceptance of the person's login or their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from discretion.catalogue.model import Purpose
from discretion.purpose.record_answer import Reach, RecordAnswer, compute_record_answer
from discretion.purpose.statements import RecordStatements


@dataclass(frozen=True, slots=True)
class EffectiveChoice:
    """What all source records together say about a purpose.

    Attributes:
        accepted: The answer of a person who needs no guardian; None if no statement counts for all records.
        is_own: It is an acceptance, and the person's own.
        is_explicit: It is an acceptance, and an explicit one.
        by_guardian: A guardian accepted, and no refusal counts.
        opted_out: An opt-out signal was received, and no explicit acceptance since.
    """

    accepted: bool | None
    is_own: bool
    is_explicit: bool
    by_guardian: bool
    opted_out: bool


def compute_effective_choice(
    purpose: Purpose, records: Sequence[RecordStatements], now_ms: int, since: int = 0
) -> EffectiveChoice:
    """Return what counts about a purpose at ``now_ms``; see ``compute_record_answer``."""
    return combine_answers([compute_record_answer(purpose, record, now_ms, since) for record in records])


def combine_answers(answers: Collection[RecordAnswer]) -> EffectiveChoice:
    """Return what the answers of all records are together; neither order nor repetition matters."""
    opted_out = any(answer.opted_out for answer in answers)
    if not any(answer.is_refused or answer.accepted or answer.by_guardian for answer in answers):
        return EffectiveChoice(None, False, False, False, opted_out)
    is_refused = any(answer.is_refused for answer in answers)
    is_accepted = not is_refused and _covers_person(answers, lambda answer: answer.accepted)
    return EffectiveChoice(
        accepted=False if is_refused else True if is_accepted else None,
        is_own=is_accepted and _covers_person(answers, lambda answer: answer.own),
        is_explicit=is_accepted and _covers_person(answers, lambda answer: answer.explicit),
        by_guardian=not is_refused and _covers_person(answers, lambda answer: answer.by_guardian),
        opted_out=opted_out,
    )


def _covers_person(answers: Collection[RecordAnswer], read_reach: Callable[[RecordAnswer], Reach]) -> bool:
    """Return whether acceptances cover every record: one of a person, or one on each record."""
    reaches = [read_reach(answer) for answer in answers if not answer.is_correction]
    if any(read_reach(answer) is Reach.PERSON for answer in answers):
        return True
    return bool(reaches) and min(reaches) is not Reach.NONE
