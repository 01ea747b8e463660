"""Application of messages to profiles: identity resolution, profile fold and all writes in one transaction.

Everything is read inside the transaction, so a race with another process is a write conflict, and the
transaction runs again. Each event or message digest is stored under an ``_id`` derived from the message, so a
client whose response was lost can send again, and nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.identity.erasure_guard import admit_messages, list_erasable_names
from discretion.domain.identity.evidence_reader import IdentityEvidence
from discretion.domain.identity.person_rewrite import PersonRewriter
from discretion.domain.identity.statement_observer import StatementObserver, collect_statements
from discretion.domain.identity.unit_of_work import StampedMessage
from discretion.domain.ingest.message import Fact, IngestStatus, MessageOutcome
from discretion.domain.ingest.message_index import index_message
from discretion.domain.profiles.identifier_index import NamingChange, is_full
from discretion.domain.profiles.minimisation import minimise_fact
from discretion.domain.profiles.person_state import list_state_attributes
from discretion.domain.profiles.source_record import (
    add_identifiers,
    apply_statements,
    build_source_record,
    leave_unsealed,
    list_affected_attributes,
    list_event_attributes,
)
from discretion.seal.blind_index import BlindIndex
from discretion.store.source_record import SourceRecord
from discretion.store.tombstones import Tombstone, TombstoneStore
from discretion.store.transactions import Session

MAX_FACTS_PER_TRANSACTION = 500
"""Most facts in one transaction: MongoDB advises against changing more than a thousand documents in one."""


class ProfileUnifier:
    """Applies facts to customer profiles."""

    def __init__(
        self,
        rewriter: PersonRewriter,
        blind_index: BlindIndex,
        observer: StatementObserver,
        tombstones: TombstoneStore,
    ) -> None:
        self._rewriter = rewriter
        self._blind_index = blind_index
        self._observer = observer
        self._tombstones = tombstones

    async def apply_facts(self, facts: Sequence[Fact]) -> list[MessageOutcome]:
        """Apply facts in one transaction. They are durable when this returns.

        Args:
            facts: At most ``MAX_FACTS_PER_TRANSACTION``; the caller divides larger batches.

        Returns:
            One outcome for each fact, in their order.

        Raises:
            Unavailable: The store cannot be reached; sending the facts again is safe.
        """
        if not facts:
            return []
        messages = [StampedMessage(fact, index_message(fact, self._blind_index)) for fact in facts]
        names = {name for message in messages for name in list_erasable_names(message)}
        # Outside the transaction, which may run several times: these are keyed digests.
        tombstone_ids = {name: self._tombstones.id_of(name) for name in names}

        async def work(session: Session) -> list[MessageOutcome]:
            return await self._apply_in_transaction(session, messages, tombstone_ids)

        return await self._rewriter.stores.transactions.run(work)

    async def _apply_in_transaction(
        self, session: Session, messages: Sequence[StampedMessage], tombstone_ids: Mapping[bytes, bytes]
    ) -> list[MessageOutcome]:
        tombstones = await self._tombstones.find_by_mark(tombstone_ids, session)
        # A message with a tombstone of its own was received and blocked before: it is a duplicate.
        recorded_digests = await self._find_recorded_digests(session, messages) | tombstones.keys()
        new_messages: dict[bytes, StampedMessage] = {}
        for message in messages:
            if message.index.message_digest not in recorded_digests:
                new_messages.setdefault(message.index.message_digest, message)
        # Whatever is expired as a whole leaves no trace, so that it is answered alike when it is sent again.
        admitted = [message for message in new_messages.values() if not message.fact.is_expired]
        # Nearly all transactions meet no tombstone and skip the guard with its two reads.
        if tombstones:
            admitted = await self._admit(session, admitted, tombstones)
        minimised_counts = dict(await self._write_messages(session, admitted)) if admitted else {}
        minimised_counts |= _count_minimised_as_new(new_messages.values(), admitted)
        return [_build_outcome(message, new_messages, minimised_counts) for message in messages]

    async def _find_recorded_digests(
        self, session: Session, messages: Sequence[StampedMessage]
    ) -> set[bytes]:
        """Return the digests of those messages that are on record, in ``events`` or in ``messages``."""
        stores = self._rewriter.stores
        event_digests = [
            message.index.message_digest for message in messages if message.fact.event is not None
        ]
        recorded_digests = await stores.messages.find_recorded(
            [message.index.message_digest for message in messages], session
        )
        if event_digests:
            recorded_digests |= await stores.events.find_recorded(event_digests, session)
        return recorded_digests

    async def _admit(
        self, session: Session, messages: Sequence[StampedMessage], tombstones: Mapping[bytes, Tombstone]
    ) -> list[StampedMessage]:
        """Apply the erasure guard; return the messages to store."""
        admitted = admit_messages(
            messages, tombstones, await self._read_enrolments(session, messages, tombstones)
        )
        # Blocked messages become duplicates when they are sent again, as all others do: a different
        # response would reveal an erasure.
        blocked = self._tombstones.build_erasures(
            admitted.blocked_digests, self._rewriter.write_context().now_ms
        )
        readmitted = self._tombstones.build_readmissions(admitted.lifted_names)
        await self._tombstones.write([*blocked, *readmitted], session)
        return list(admitted.messages)

    async def _read_enrolments(
        self, session: Session, messages: Sequence[StampedMessage], tombstones: Mapping[bytes, Tombstone]
    ) -> dict[bytes, int]:
        """Return, for each existing record that the messages address, when it last enrolled (ms; 0: never).

        Only enrolments after the earliest erasure are looked for; earlier ones lift nothing.
        """
        stores, catalogue = self._rewriter.stores, self._rewriter.write_context().catalogue
        records = await stores.source_records.list_explicit_choices(
            {message.index.record for message in messages}, session
        )
        enrolled_at = {
            record.id: max(
                (
                    choice.at
                    for choices in (record.explicit_choices, record.own_choices)
                    for choice in choices.values()
                    if choice.permits
                ),
                default=0,
            )
            for record in records
        }
        for event in await stores.events.list_after(
            {record.customer for record in records},
            [key for key, event_type in catalogue.events.items() if event_type.enrols],
            min(tombstone.erased_at for tombstone in tombstones.values()),
            session,
        ):
            if event.record in enrolled_at:
                enrolled_at[event.record] = max(enrolled_at[event.record], event.at)
        return enrolled_at

    async def _write_messages(
        self, session: Session, messages: Sequence[StampedMessage]
    ) -> Mapping[bytes, int]:
        rewrite = self._rewriter.begin(session)
        context, evidence = rewrite.context, rewrite.evidence
        facts_by_record: dict[bytes, list[Fact]] = {}
        for message in messages:
            facts_by_record.setdefault(message.index.record, []).append(message.fact)
        state_attributes = list_state_attributes(context.catalogue)
        touched_attributes = {
            record: state_attributes | list_affected_attributes(record_facts, context.catalogue)
            for record, record_facts in facts_by_record.items()
        }
        await rewrite.reader.read_addressed(touched_attributes, list_event_attributes(context.catalogue))
        types = context.catalogue.identifiers
        evidence.mentioned |= _mention_identifiers(evidence, messages, types)
        changed_links, naming_changes = evidence.find_changed_links(types), evidence.find_naming_changes()
        # Links are followed, and claims are not.
        await rewrite.reader.read_connected(changed_links, named={change.entry for change in naming_changes})
        # A full list does not name the record of this message, so the message has no write in common with an
        # erasure of the identifier: both change a gate document instead, and one of the two runs again.
        await self._tombstones.write(
            self._tombstones.build_gate_updates(_find_unindexed(evidence, naming_changes, types)), session
        )
        source_keys = ",".join(sorted({message.fact.source.key for message in messages}))
        outcome = await rewrite.write(f"source:{source_keys}", messages)
        owners = {
            record: customer for customer, person in outcome.persons.items() for record in person.records
        }
        # In the same transaction: a statement is never in force without its evidence, nor on record without
        # effect.
        await self._observer(session, collect_statements(messages, owners, evidence.records))
        return outcome.minimised_counts


def _mention_identifiers(
    evidence: IdentityEvidence, messages: Iterable[StampedMessage], types: Mapping[str, IdentifierType]
) -> dict[bytes, SourceRecord]:
    """Return the addressed records with the identifiers that messages add, and nothing else."""
    mentioned: dict[bytes, SourceRecord] = {}
    for message in messages:
        record_id = message.index.record
        if record_id not in mentioned:
            record = build_source_record(record_id, message.fact, b"")
            if (stored := evidence.records.get(record_id)) is not None:
                record.identifiers, record.removals = stored.identifiers, dict(stored.removals)
            mentioned[record_id] = record
        add_identifiers(mentioned[record_id], message.fact, message.index, types, leave_unsealed)
    return mentioned


def _find_unindexed(
    evidence: IdentityEvidence, changes: Iterable[NamingChange], types: Mapping[str, IdentifierType]
) -> set[bytes]:
    """Return the entries of identifiers whose list has no place for a record that names them."""
    return {
        change.entry
        for change in changes
        if (identifier := evidence.identifiers.get(change.entry)) is not None
        and is_full(identifier, change.target, types)
    }


def _count_minimised_as_new(
    new_messages: Iterable[StampedMessage], admitted: Iterable[StampedMessage]
) -> dict[bytes, int]:
    """Count, for each blocked message, what would be minimised if its source record were new.

    The response contains these counts, so that it does not reveal that the message was blocked.
    """
    admitted_digests = {message.index.message_digest for message in admitted}
    minimised_counts = {}
    for message in new_messages:
        if message.index.message_digest not in admitted_digests:
            record = build_source_record(message.index.record, message.fact, b"")
            apply_statements(record, message.fact)
            minimised_counts[message.index.message_digest] = minimise_fact(message.fact, record)[1]
    return minimised_counts


def _build_outcome(
    message: StampedMessage,
    new_messages: Mapping[bytes, StampedMessage],
    minimised_counts: Mapping[bytes, int],
) -> MessageOutcome:
    # Of two equal messages in one request, the first is accepted and the second is a duplicate.
    is_new = new_messages.get(message.index.message_digest) is message
    status = IngestStatus.ACCEPTED if is_new else IngestStatus.DUPLICATE
    minimised_count = minimised_counts.get(message.index.message_digest, 0) if is_new else 0
    minimised_count += message.fact.expired
    return MessageOutcome(
        message.fact.message_id,
        status,
        message.fact.dropped,
        minimised_count,
        left_out=message.fact.left_out,
    )
