"""Data minimisation on collection: data that serve only refused purposes are not stored.

The law is GDPR Art. 5(1)(c) and Art. 25.

A value or an event is dropped and counted if the source record has a refusal for every purpose it could
serve. Purposes that the law demands of all data, such as answering the customer, do not justify collection.
Without a statement nothing is refused: data that need consent are stored encrypted and revealed to nobody. A
child's date of birth is stored despite refusals: without it a later consent of the child would count (GDPR
Art. 8(2)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from discretion.catalogue.model import NON_REFUSABLE_BASES, Purpose, Use
from discretion.domain.ingest.message import Fact, ReceivedEvent
from discretion.domain.profiles.person_state import read_record_statements
from discretion.domain.profiles.source_record import find_minor_birth
from discretion.purpose.permissions import REFUSABLE
from discretion.purpose.record_answer import compute_record_answer
from discretion.purpose.statements import RecordStatements
from discretion.seal.nested_members import count_members, leave_out_members
from discretion.seal.redacted import Redacted
from discretion.store.source_record import SourceRecord


def minimise_fact(fact: Fact, record: SourceRecord) -> tuple[Fact, int]:
    """Remove the values and the event of a fact that serve only refused purposes.

    Args:
        fact: A validated message.
        record: Its source record, to which the statements of the fact have been applied.

    Returns:
        The fact to store, and the number of values and events that were removed.
    """
    if not record.has_statements:
        return fact, 0
    statements = read_record_statements(record)
    if not statements.has_refusal:
        return fact, 0
    values = tuple(
        (attribute, value)
        for attribute, value in fact.values
        if value.value is None
        or find_minor_birth(attribute, value.value, fact.received) is not None
        or not is_fully_refused(attribute.uses, statements, fact.received)
    )
    event = fact.event
    if event is not None and is_fully_refused(event.type.uses, statements, fact.received):
        event = None
    left_out = len(fact.values) - len(values) + (event is not fact.event)
    if event is not None:
        event, refused_count = _minimise_event(event, statements, fact.received)
        left_out += refused_count
    return (replace(fact, values=values, event=event), left_out) if left_out else (fact, 0)


def _minimise_event(
    event: ReceivedEvent, statements: RecordStatements, now_ms: int
) -> tuple[ReceivedEvent, int]:
    """Remove the properties, and members of objects in them, whose own purposes are all refused."""
    refused = {
        (declared.name, member.name if member is not declared else "")
        for declared in event.type.properties
        for member in (declared, *declared.members)
        if member.uses and is_fully_refused(member.uses, statements, now_ms)
    }
    properties = leave_out_members(event.properties.value, refused) if refused else event.properties.value
    removed = count_members(event.properties.value) - count_members(properties)
    return (replace(event, properties=Redacted(properties)), removed) if removed else (event, 0)


def is_fully_refused(uses: Sequence[Use], statements: RecordStatements, now_ms: int) -> bool:
    """Return whether the statements refuse every purpose in ``uses``, apart from those the law demands."""
    purposes = [use.purpose for use in uses if use.purpose.basis not in NON_REFUSABLE_BASES]
    return bool(purposes) and all(_is_refused(purpose, statements, now_ms) for purpose in purposes)


def _is_refused(purpose: Purpose, statements: RecordStatements, now_ms: int) -> bool:
    return purpose.basis in REFUSABLE and compute_record_answer(purpose, statements, now_ms).is_refused
