"""Identity resolution within one transaction: resolve the persons and write everything that changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from discretion.domain.identity.assignment import ResolvedPerson, resolve_persons
from discretion.domain.identity.evidence_reader import IdentityEvidence
from discretion.domain.identity.identity_events import build_identity_events
from discretion.domain.identity.unit_of_work import StampedMessage, UnitOfWork, WriteContext
from discretion.domain.ingest.mention import Mention
from discretion.store.driver.database import Database, Session, WriteOperation, build_insert


@dataclass(frozen=True, slots=True)
class IdentityResolution:
    """The result of identity resolution.

    Attributes:
        persons: Resolved persons by their customer id now.
        minimised_counts: By message digest, how many of its values and events are not stored because the
            person refused every purpose that they could serve.
    """

    persons: Mapping[bytes, ResolvedPerson]
    minimised_counts: Mapping[bytes, int]


async def resolve_identities(
    database: Database,
    session: Session,
    context: WriteContext,
    evidence: IdentityEvidence,
    actor: str,
    new_mentions: Sequence[Mention] = (),
    messages: Sequence[StampedMessage] = (),
    extra_writes: Sequence[tuple[str, WriteOperation]] = (),
) -> IdentityResolution:
    """Resolve persons and write everything that changes with them.

    Args:
        database: The database to write to.
        session: The transaction in which ``evidence`` was read.
        context: Catalogue, permission engine, keys and the present.
        evidence: All evidence that may change the result.
        actor: Who supplied the evidence, such as ``source:tills``; with several sources, all of them.
        new_mentions: Mentions that are not stored yet.
        messages: Messages to apply to the source records that they address.
        extra_writes: Pairs of collection and write that belong to the same change.

    Raises:
        TransactionAborted: A customer changed meanwhile; the transaction runs again from its reads.
    """
    messages_by_record: dict[bytes, list[StampedMessage]] = {}
    for message in messages:
        messages_by_record.setdefault(message.index.record, []).append(message)
    unit_of_work = UnitOfWork(context, evidence)
    persons: dict[bytes, ResolvedPerson] = {}
    for person in resolve_persons(
        evidence, new_mentions, context.catalogue.identifiers, list(messages_by_record)
    ):
        person_messages = [
            message for record in sorted(person.records) for message in messages_by_record.get(record, ())
        ]
        persons[await unit_of_work.write_person(session, database, person, person_messages)] = person
    # After all persons: only now is it known who owns each identifier, and which customers have no records
    # left.
    unit_of_work.write_identifiers(new_mentions)
    unit_of_work.delete_merged_customers()
    for identity_event in build_identity_events(evidence, persons, new_mentions, actor, context.now_ms):
        unit_of_work.add("identity_events", build_insert({"_id": context.entropy(16), **identity_event}))
    for collection, operation in extra_writes:
        unit_of_work.add(collection, operation)
    await unit_of_work.send(session, database)
    return IdentityResolution(persons, unit_of_work.minimised_counts)
