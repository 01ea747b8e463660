"""The writes of one transaction, collected person by person and then sent together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.catalogue.model import Catalogue
from discretion.domain.identity.assignment import ResolvedPerson
from discretion.domain.identity.evidence_reader import IdentityEvidence
from discretion.domain.identity.ledger_periods import (
    PeriodLog,
    list_changed_customers,
)
from discretion.domain.identity.refusal_changes import RefusalChanges, find_refusal_changes
from discretion.domain.ingest.message import Fact
from discretion.domain.ingest.message_index import MessageIndex
from discretion.domain.profiles.erased_scopes import read_erased_scopes, remove_erased_data
from discretion.domain.profiles.fold import fold_profile
from discretion.domain.profiles.identifier_index import NamingChange, apply_naming_changes
from discretion.domain.profiles.joined_choices import drop_separated_choices
from discretion.domain.profiles.minimisation import minimise_fact
from discretion.domain.profiles.permission_window import build_permission_window
from discretion.domain.profiles.person_state import (
    FindJurisdiction,
    build_person_state,
    has_equal_state,
    list_state_attributes,
)
from discretion.domain.profiles.source_record import (
    SealValue,
    add_identifiers,
    apply_fact,
    apply_statements,
    build_source_record,
    list_affected_attributes,
)
from discretion.purpose.permission_engine import PermissionEngine
from discretion.seal.bucket_keys import BucketKeys
from discretion.seal.cell import encrypt_cell, event_cell_key, identifier_cell_key
from discretion.seal.cell_transfer import CellOwner, transfer_cell
from discretion.seal.key_files import KEY_BYTES, NONCE_BYTES
from discretion.seal.ledger_pseudonym import build_ledger_key
from discretion.store.customer_codec import CustomerDocument, FormerCustomer, StoredPermissions
from discretion.store.events import StoredEvent
from discretion.store.messages import MessageReceipt
from discretion.store.person_stores import PersonStores
from discretion.store.source_record import SourceRecord
from discretion.store.transactions import PendingWrite, Session


@dataclass(frozen=True, slots=True)
class WriteContext:
    """The dependencies of a write of a customer, and its time.

    Attributes:
        catalogue: Attributes, identifiers, events and purposes.
        permission_engine: Computes what a person permits under their laws.
        jurisdiction: Finds the laws that protect a person.
        buckets: Wraps and unwraps customers' data keys.
        entropy: Returns that many random bytes.
        now_ms: The present in ms since 1970, one value for the whole transaction.
    """

    catalogue: Catalogue
    permission_engine: PermissionEngine
    jurisdiction: FindJurisdiction
    buckets: BucketKeys
    entropy: Callable[[int], bytes]
    now_ms: int


# Not frozen: every message makes some, and a frozen object takes three times as long to make.
@dataclass(slots=True)
class StampedMessage:
    """A message with its blind index: source record, mentions and digest."""

    fact: Fact
    index: MessageIndex


class UnitOfWork:
    """The writes of one transaction.

    Call ``close_ledger_periods``, then ``write_person`` for every person, then the other ``write_`` and
    ``delete_`` methods, then ``send``.
    ``minimised_counts`` has, by message digest, how many of its values and events are not stored because of
    refusals; ``refusal_changes`` whose refusals must reach other records, and which records they may reach.
    """

    def __init__(
        self, stores: PersonStores, session: Session, context: WriteContext, evidence: IdentityEvidence
    ) -> None:
        self._stores = stores
        self._session = session
        self._context = context
        self._evidence = evidence
        open_records = evidence.open_records & evidence.records.keys()
        self._customers_before = {evidence.records[record_id].customer for record_id in open_records}
        self._wrapped_keys = _collect_wrapped_keys(evidence.customers.values())
        self._state_attributes = list_state_attributes(context.catalogue)
        self._customers_written: set[bytes] = set()
        self._period_log = PeriodLog(
            context.catalogue, stores.events, session, context.now_ms, context.entropy
        )
        self.minimised_counts: dict[bytes, int] = {}
        self.refusal_changes = RefusalChanges()
        self._writes: list[PendingWrite] = []

    async def close_ledger_periods(self, persons: Iterable[ResolvedPerson]) -> None:
        """Note under which pseudonyms records that change their customer were disclosed until now."""
        for customer in list_changed_customers(persons):
            owner, _ = await self._load_owner(customer.customer)
            records = {record: self._evidence.current_record(record) for record in customer.concerned}
            await self._period_log.close_periods(customer, records, build_ledger_key(owner.id, owner.key))

    async def write_person(self, person: ResolvedPerson, messages: Sequence[StampedMessage]) -> bytes:
        """Collect all changes of one person and their events, and return their customer id.

        If no record is open or edited, only attributes that the messages may change are compared and written.
        """
        if person.customer is not None and self._is_changed_by_messages_only(person):
            self._evidence.narrow_customer(
                person.customer, self._state_attributes | self._list_touched(messages)
            )
        before = None if person.customer is None else self._evidence.customers.get(person.customer)
        owner, wrapped = await self._load_owner(person.customer)
        record_ids = person.records & self._evidence.records.keys()
        records = self._copy_records(person, record_ids, messages)
        changed_records = self._evidence.edits.keys() & records.keys()
        changed_records |= await self._reencrypt_records(records.values(), owner)
        changed_records |= self._period_log.add_periods(records.values(), owner)
        changed_records |= self._apply_messages(records, messages, owner)
        changed_records |= drop_separated_choices(records.values())
        if person.customer is None:
            # The home of a record never changes: after a merge and an unmerge, it gives the former id back.
            eldest = min(records.values(), key=lambda record: (record.born, record.first, record.id))
            eldest.home = owner.id
            changed_records.add(eldest.id)
        for record in sorted(changed_records):
            self.add(
                self._stores.source_records.plan_save(self._evidence.records.get(record), records[record])
            )
        self._customers_written.add(owner.id)
        permissions = self._write_customer(person, before, wrapped, owner.id, list(records.values()))
        self.refusal_changes.add(
            find_refusal_changes(
                self._context.catalogue,
                self._evidence,
                person,
                records,
                self._context.now_ms,
                is_restated=before is None or permissions is not before.permissions,
            ),
            owner.id,
        )
        return owner.id

    def _copy_records(
        self, person: ResolvedPerson, record_ids: Iterable[bytes], messages: Iterable[StampedMessage]
    ) -> dict[bytes, SourceRecord]:
        """Return the person's records as they are before this write; those that it may change are copies."""
        records = {record_id: self._evidence.current_record(record_id) for record_id in record_ids}
        is_partial = self._is_changed_by_messages_only(person)
        addressed = {message.index.record for message in messages}
        return {
            record_id: record
            if is_partial and record_id not in addressed and not record.joined_choices
            else record.copy()
            for record_id, record in records.items()
        }

    def _list_touched(self, messages: Iterable[StampedMessage]) -> set[str]:
        """Return the keys of the attributes that messages may change."""
        keys: set[str] = set()
        for message in messages:
            touched = self._evidence.touched_attributes.get(message.index.record)
            keys.update(touched or list_affected_attributes((message.fact,), self._context.catalogue))
        return keys

    def _is_changed_by_messages_only(self, person: ResolvedPerson) -> bool:
        return person.records.isdisjoint(self._evidence.open_records) and person.records.isdisjoint(
            self._evidence.edits.keys()
        )

    def write_identifiers(self) -> None:
        """Collect changes of the index of identifiers: the records that link by them or claim them."""
        changes_by_entry: dict[bytes, list[NamingChange]] = {}
        for change in self._evidence.find_naming_changes():
            changes_by_entry.setdefault(change.entry, []).append(change)
        types, now_ms = self._context.catalogue.identifiers, self._context.now_ms
        for entry, changes in sorted(changes_by_entry.items()):
            before = self._evidence.identifiers.get(entry)
            after = apply_naming_changes(before, changes, types, now_ms)
            self.add(self._stores.identifiers.plan_save(before, after))

    def delete_merged_customers(self) -> None:
        """Collect deletions of the customers whose records all belong to other customers now."""
        for customer in sorted(self._customers_before - self._customers_written):
            version = self._evidence.customers[customer].version
            self.add(self._stores.people.plan_delete(customer, version))

    def add(self, write: PendingWrite | None) -> None:
        """Collect one more write; None is no write."""
        if write is not None:
            self._writes.append(write)

    async def send(self) -> None:
        """Send all collected writes, one bulk write for each collection.

        Raises:
            TransactionAborted: A customer changed meanwhile; the transaction runs again from its reads.
        """
        await self._stores.transactions.send(self._writes, self._session)

    async def _load_owner(self, customer: bytes | None) -> tuple[CellOwner, bytes]:
        """Return a customer's id and data key, and the wrapped key.

        A customer who is split off again gets their former key back; ``merged`` keeps it. A new customer gets
        a new id and key.
        """
        wrapped = None if customer is None else self._wrapped_keys.get(customer)
        if customer is not None and wrapped is not None:
            return CellOwner(customer, self._context.buckets.unwrap(customer, wrapped)), wrapped
        # Until this transaction has ended, a rotation would not find this customer, and would destroy the
        # bucket key that their data key is wrapped under.
        await self._context.buckets.block_rotation(self._stores.transactions.end_callbacks(self._session))
        owner = CellOwner(customer or self._context.entropy(16), self._context.entropy(KEY_BYTES))
        wrapped = self._context.buckets.wrap(owner.id, owner.key, self._context.entropy(NONCE_BYTES))
        return owner, wrapped

    async def _reencrypt_records(self, records: Iterable[SourceRecord], owner: CellOwner) -> set[bytes]:
        """Re-encrypt records and events of other customers under this customer's key; return the record ids.

        Records are moved as a whole and never merged with others, so that a merge can be undone.
        """
        records_by_origin: dict[bytes, list[SourceRecord]] = {}
        for record in records:
            if record.customer != owner.id:
                records_by_origin.setdefault(record.customer, []).append(record)
        for customer, moved_records in sorted(records_by_origin.items()):
            origin, _ = await self._load_owner(customer)
            for record in moved_records:
                self._reencrypt_cells(record, origin, owner)
                record.customer = owner.id
            self._reencrypt_events({record.id for record in moved_records}, origin, owner)
        return {record.id for moved_records in records_by_origin.values() for record in moved_records}

    def _reencrypt_cells(self, record: SourceRecord, origin: CellOwner, owner: CellOwner) -> None:
        for key, cell in record.cells.items():
            if cell.sealed is not None:
                record.cells[key] = replace(cell, sealed=self._reencrypt(cell.sealed, key, origin, owner))
        record.identifiers = tuple(
            replace(
                identifier,
                cell=self._reencrypt(identifier.cell, identifier_cell_key(identifier.entry), origin, owner),
            )
            for identifier in record.identifiers
        )

    def _reencrypt_events(self, records: Collection[bytes], origin: CellOwner, owner: CellOwner) -> None:
        for event in self._period_log.moved_events.get(origin.id, ()):
            if event.record not in records:
                continue
            properties = event.properties
            if properties is not None:
                properties = self._reencrypt(properties, event_cell_key(event.id), origin, owner)
            self.add(self._stores.events.plan_move(event.id, owner.id, properties))

    def _reencrypt(self, cell: bytes, key: str, origin: CellOwner, target: CellOwner) -> bytes:
        nonce = self._context.entropy(NONCE_BYTES)
        return transfer_cell(cell, key.encode(), origin, target, nonce)

    def _apply_messages(
        self, records: dict[bytes, SourceRecord], messages: Sequence[StampedMessage], owner: CellOwner
    ) -> set[bytes]:
        """Apply messages to their records, new ones included; return the ids of the records that changed."""
        seal = self._build_sealer(owner)
        erased_scopes = {scope for record in records.values() for scope in read_erased_scopes(record)}
        for message in messages:
            fact, index = message.fact, message.index
            record = records.get(index.record)
            if record is None:
                record = records[index.record] = build_source_record(index.record, fact, owner.id)
            if not self._evidence.names_nothing_new(record):
                add_identifiers(record, fact, index, self._context.catalogue.identifiers, seal)
            # Statements first: a refusal in this very message already keeps its values from being stored.
            apply_statements(record, fact)
            admissible = remove_erased_data(fact, erased_scopes, self._context.catalogue)
            stored_fact, self.minimised_counts[index.message_digest] = minimise_fact(admissible.fact, record)
            apply_fact(
                record,
                stored_fact,
                self._context.catalogue,
                seal,
                index.event_digests,
                admissible.uncounted,
            )
            self._record_message(stored_fact, index, owner.id, seal)
        return {message.index.record for message in messages}

    def _record_message(self, fact: Fact, index: MessageIndex, customer: bytes, seal: SealValue) -> None:
        """Collect the event, or for a message without one its digest; a duplicate is recognised by either."""
        if fact.event is None:
            receipt = MessageReceipt(index.message_digest, index.record, fact.received)
            self.add(self._stores.messages.plan_add(receipt))
            return
        properties = None
        if fact.event.properties.value:
            key = event_cell_key(index.message_digest).encode()
            properties = seal(key, fact.at, fact.event.properties.value)
        event = StoredEvent(
            id=index.message_digest,
            customer=customer,
            record=index.record,
            source=fact.source.key,
            channel=fact.source.channel.value,
            type=fact.event.type.key,
            at=fact.at,
            received=fact.received,
            properties=properties,
        )
        self.add(self._stores.events.plan_add(event))

    def _build_sealer(self, owner: CellOwner) -> SealValue:
        cipher = AESGCM(owner.key)

        def seal(key: bytes, observed: int, value: object) -> bytes:
            return encrypt_cell(cipher, owner.id, key, observed, self._context.entropy(NONCE_BYTES), value)

        return seal

    def _write_customer(
        self,
        person: ResolvedPerson,
        before: CustomerDocument | None,
        wrapped_key: bytes,
        customer: bytes,
        records: Sequence[SourceRecord],
    ) -> StoredPermissions:
        """Fold the profile from all records and collect the customer's change; return what they permit."""
        profile = fold_profile(self._context.catalogue, records)
        after = CustomerDocument(
            id=customer,
            version=1 if before is None else before.version,
            wrapped_key=wrapped_key,
            permissions=self._compute_permissions(person, before, records),
            created=min(record.born for record in records),
            updated=self._context.now_ms,
            former=tuple(
                FormerCustomer(former_customer, self._wrapped_keys[former_customer])
                for former_customer in person.former_customers
            ),
            # Not from the profile, which lacks the attributes that were not read.
            contests=any(record.contested for record in records),
            sealed=profile.sealed,
            open=profile.open,
            observed=profile.observed,
            provenance=profile.provenance,
            contested=profile.contested,
            ranks=profile.ranks,
        )
        self.add(self._stores.people.plan_save(before, after))
        return after.permissions

    def _compute_permissions(
        self, person: ResolvedPerson, before: CustomerDocument | None, records: Sequence[SourceRecord]
    ) -> StoredPermissions:
        """Return what the person permits. Most messages change nothing that it depends on."""
        engine, now_ms = self._context.permission_engine, self._context.now_ms
        if (
            before is not None
            and before.permissions.rules == engine.version
            and now_ms < before.permissions.until
            and person.records.isdisjoint(self._evidence.edits.keys())
            and self._has_equal_state(before.id, records)
        ):
            return before.permissions
        state = build_person_state(self._context.catalogue, self._context.jurisdiction, records)
        return build_permission_window(engine, state, now_ms)

    def _has_equal_state(self, customer: bytes, records: Sequence[SourceRecord]) -> bool:
        """Return whether these are the records the customer had, in the state they had."""
        records_before = self._evidence.records
        return {record.id for record in records} == set(self._evidence.records_of_customer(customer)) and all(
            record is records_before[record.id]
            or has_equal_state(records_before[record.id], record, self._state_attributes)
            for record in records
        )


def _collect_wrapped_keys(customers: Iterable[CustomerDocument]) -> dict[bytes, bytes]:
    """Return wrapped data keys by customer id, including those of former ids."""
    wrapped_keys: dict[bytes, bytes] = {}
    for customer in customers:
        wrapped_keys |= customer.wrapped_keys
    return wrapped_keys
