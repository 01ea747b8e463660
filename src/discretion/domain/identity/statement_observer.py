"""The interface through which consent statements in messages are recorded, within the same transaction.

Identity resolution applies statements to source records; ``consent.source_statements`` implements the
observer that stores the evidence. This interface keeps identity independent of consent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from discretion.domain.identity.unit_of_work import StampedMessage
from discretion.domain.ingest.message import Fact
from discretion.store.source_record import SourceRecord
from discretion.store.transactions import Session


@dataclass(frozen=True, slots=True)
class ObservedStatement:
    """A message with a statement, applied to a source record for the first time.

    Attributes:
        fact: The message.
        mark: Its digest.
        record: Id of the source record.
        customer: The customer that the record belongs to now.
        record_before: The record as the transaction read it, before all its messages; None if it is new.
    """

    fact: Fact
    mark: bytes
    record: bytes
    customer: bytes = field(repr=False)
    record_before: SourceRecord | None = field(repr=False)


StatementObserver = Callable[[Session, Sequence[ObservedStatement]], Awaitable[None]]
"""Stores the evidence of observed statements within the transaction of the session."""


def collect_statements(
    messages: Sequence[StampedMessage],
    owners: Mapping[bytes, bytes],
    records_before: Mapping[bytes, SourceRecord],
) -> list[ObservedStatement]:
    """Return the messages that contain choices or signals, for the record of statements.

    Args:
        messages: Messages of this transaction.
        owners: Customer ids by source record, as resolved now.
        records_before: Source records as they were read.
    """
    return [
        ObservedStatement(
            message.fact,
            message.index.message_digest,
            message.index.record,
            owners[message.index.record],
            records_before.get(message.index.record),
        )
        for message in messages
        if has_statement(message.fact)
    ]


def has_statement(fact: Fact) -> bool:
    """Return whether a message contains a choice or a signal."""
    return bool(fact.explicit_choices or fact.signals or fact.ambient_choices or fact.dated_choices)
