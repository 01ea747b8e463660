"""Reading of all evidence that decides which persons some source records belong to.

A customer is read with all their source records. If there is new evidence, every customer who is reachable
through a common link or a ruling is read as well, round by round until no new one appears. Claims are not
followed, and neither are identifiers by which too many records link.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.identity.link import Link, list_links
from discretion.domain.identity.ruling import Ruling
from discretion.domain.profiles.identifier_index import NamingChange, find_naming_changes, is_shared
from discretion.store.customer_codec import CustomerDocument
from discretion.store.identifiers import StoredIdentifier
from discretion.store.person_stores import PersonStores
from discretion.store.rulings import StoredRuling
from discretion.store.source_record import SourceRecord
from discretion.store.transactions import Session


@dataclass(slots=True)
class IdentityEvidence:
    """What is stored, by id, as read in one transaction.

    Attributes:
        records: Source records.
        customers: Customers.
        identifiers: Identifiers, by blind index.
        rulings: Rulings of stewards.
        open_records: Ids of the records that are clustered again. Their customers are read and written
            completely.
        edits: Records as they are from now on, by id; see ``edit``.
        mentioned: Addressed records with the identifiers that messages add, by id; those are not sealed.
        touched_attributes: For each addressed record, the keys of the attributes that messages may change.
    """

    records: dict[bytes, SourceRecord] = field(default_factory=dict)
    customers: dict[bytes, CustomerDocument] = field(default_factory=dict)
    identifiers: dict[bytes, StoredIdentifier] = field(default_factory=dict)
    rulings: dict[bytes, StoredRuling] = field(default_factory=dict)
    open_records: set[bytes] = field(default_factory=set)
    edits: dict[bytes, SourceRecord] = field(default_factory=dict)
    mentioned: dict[bytes, SourceRecord] = field(default_factory=dict)
    touched_attributes: Mapping[bytes, Collection[str]] = field(default_factory=dict)
    _records_by_customer: dict[bytes, list[bytes]] = field(default_factory=dict)

    def add_record(self, record: SourceRecord) -> None:
        """Add a record as it was read, or replace it."""
        if record.id not in self.records:
            self._records_by_customer.setdefault(record.customer, []).append(record.id)
        self.records[record.id] = record

    def edit(self, record: SourceRecord) -> None:
        """Replace a record, or add a new one of version 0. Its customer's profile is computed from it.

        The customer must have been read completely. An edit without a change only recomputes the profile.
        """
        if record.id not in self.records:
            self.add_record(record)
        self.edits[record.id] = record

    def current_record(self, record_id: bytes) -> SourceRecord:
        """Return a record with its edit, if it has one."""
        return self.edits.get(record_id) or self.records[record_id]

    def records_of_customer(self, customer: bytes) -> list[bytes]:
        """Return the ids of a customer's records that were read."""
        return self._records_by_customer.get(customer, [])

    def narrow_customer(self, customer: bytes, keys: Collection[str]) -> None:
        """Drop all attributes but ``keys`` from a customer and their records.

        The others cannot change, and what was not read is not compared and not written.
        """
        self.customers[customer] = self.customers[customer].keep_attributes(keys)
        for record_id in self.records_of_customer(customer):
            self.records[record_id].narrow(keys)

    def names_nothing_new(self, record: SourceRecord) -> bool:
        """Return whether a record as stored has all that messages say about its identifiers."""
        mentioned = self.mentioned.get(record.id)
        return (
            mentioned is not None
            and mentioned.identifiers is record.identifiers
            and mentioned.removals == record.removals
            and mentioned.number_assurance is record.number_assurance
        )

    def list_links(self, record_id: bytes, types: Mapping[str, IdentifierType]) -> list[Link]:
        """Return the links of a record, with those that messages add."""
        return list_links(self.mentioned.get(record_id) or self.records[record_id], types)

    def find_changed_links(self, types: Mapping[str, IdentifierType]) -> list[Link]:
        """Return the links that messages add or change, as they were and as they are from now on."""
        changed: set[Link] = set()
        for record_id, mentioned in self.mentioned.items():
            before = self.records.get(record_id)
            if before is None or has_new_links(before, mentioned):
                links_before = () if before is None else list_links(before, types)
                changed.update(set(links_before) ^ set(list_links(mentioned, types)))
        return sorted(changed, key=lambda link: (link.record, link.entry, link.since, link.until or 0))

    def find_naming_changes(self) -> list[NamingChange]:
        """Return what messages change in the index of identifiers."""
        return [
            change
            for record_id, mentioned in self.mentioned.items()
            for change in find_naming_changes(self.records.get(record_id), mentioned)
        ]


def has_new_links(before: SourceRecord, after: SourceRecord) -> bool:
    """Return whether the links of a record may have changed; a quick test for most messages."""
    return before.identifiers != after.identifiers or before.removals != after.removals


def order_rulings(rulings: Iterable[StoredRuling]) -> list[Ruling]:
    """Return what stored rulings say, the earliest first."""
    ordered = sorted(rulings, key=lambda ruling: (ruling.at, ruling.id))
    return [Ruling(ruling.joined, tuple(frozenset(side) for side in ruling.sides)) for ruling in ordered]


class EvidenceReader:
    """The identity reads of one transaction.

    Customers whose person cannot change are read partially: only the attributes that may change, by their
    keys in documents. Customers whose records are clustered again are read completely.
    """

    def __init__(self, stores: PersonStores, session: Session, types: Mapping[str, IdentifierType]) -> None:
        self._stores = stores
        self._session = session
        self._types = types
        self._complete_customers: set[bytes] = set()
        self._read_entries: set[bytes] = set()
        self.evidence = IdentityEvidence()

    async def read_addressed(
        self, touched_attributes: Mapping[bytes, Collection[str]], light_attributes: Collection[str]
    ) -> None:
        """Read the records that messages address, their customers and those customers' other records.

        Args:
            touched_attributes: For each record, the keys of the attributes that may change.
            light_attributes: Keys that a message with only an event may change. If no other attribute of a
                customer may change, only these are read, which keeps page views cheap.
        """
        self.evidence.touched_attributes = touched_attributes
        all_keys = {key for keys in touched_attributes.values() for key in keys}
        keys_by_customer: dict[bytes, set[str]] = {}
        for record in await self._stores.source_records.list_addressed(
            touched_attributes.keys(), all_keys, self._session
        ):
            self.evidence.add_record(record)
            keys_by_customer.setdefault(record.customer, set()).update(touched_attributes[record.id])
        # One query for both groups would read every attribute that any message of the batch may change.
        light_keys = all_keys.intersection(light_attributes)
        await self._read_partially(
            [customer for customer, keys in keys_by_customer.items() if keys <= light_keys], light_keys
        )
        await self._read_partially(
            [customer for customer, keys in keys_by_customer.items() if not keys <= light_keys],
            all_keys,
            # Whether the address of a profile is proven depends on every record that names it.
            reads_identifiers=True,
        )

    async def _read_partially(
        self, customers: list[bytes], keys: Collection[str], *, reads_identifiers: bool = False
    ) -> None:
        if not customers:
            return
        for customer in await self._stores.people.list_customers(customers, self._session, keys):
            self.evidence.customers[customer.id] = customer
        for record in await self._stores.source_records.list_others(
            customers,
            self.evidence.records.keys(),
            keys,
            self._session,
            reads_identifiers=reads_identifiers,
        ):
            self.evidence.add_record(record)

    async def read_records(self, record_ids: Iterable[bytes]) -> None:
        """Read these records with their customers and those customers' other records, unless already read."""
        missing_ids = [record_id for record_id in set(record_ids) if record_id not in self.evidence.records]
        if missing_ids:
            owners = await self._stores.source_records.find_customers(missing_ids, self._session)
            await self.read_customers(owners.values())

    async def read_customers(self, customer_ids: Iterable[bytes]) -> None:
        """Read these customers completely, with all their records, unless already done."""
        # Customers in `evidence` may have been read partially only, and clustering needs them complete.
        missing_ids = [
            customer_id for customer_id in set(customer_ids) if customer_id not in self._complete_customers
        ]
        if not missing_ids:
            return
        for customer in await self._stores.people.list_customers(missing_ids, self._session):
            self.evidence.customers[customer.id] = customer
        for record in await self._stores.source_records.of_all(missing_ids, self._session):
            self.evidence.add_record(record)
        self._complete_customers.update(missing_ids)

    async def read_connected(
        self, changed_links: Sequence[Link], records: Iterable[bytes] = (), named: Collection[bytes] = ()
    ) -> None:
        """Read everything that changed links, or a new ruling about ``records``, may change.

        A breadth-first search over records, identifiers and rulings. The records it reaches become open.

        Args:
            changed_links: Links that are added or change.
            records: Ids of records that a new ruling names.
            named: Entries of further identifiers, which are read with the first ones and not followed.
        """
        reached_records = {*records, *(link.record for link in changed_links)}
        frontier = {link.entry for link in changed_links}
        followed: set[bytes] = set()
        while reached_records or frontier:
            frontier |= await self._open_customers(reached_records)
            await self.read_identifiers(frontier.union(named))
            linked_records = self._list_linked_records(frontier - followed)
            followed |= frontier
            await self.read_records(linked_records)
            linked_records |= await self._read_rulings()
            reached_records = (linked_records & self.evidence.records.keys()) - self.evidence.open_records
            frontier = set()
        await self.read_identifiers(named)

    async def _open_customers(self, records: Iterable[bytes]) -> set[bytes]:
        """Open all records of the customers of ``records``; return the entries that the opened records name.

        A customer is opened as a whole, because new evidence may also split off their other records.
        """
        evidence = self.evidence
        customers = {
            evidence.records[record_id].customer for record_id in records if record_id in evidence.records
        }
        await self.read_customers(customers)
        opened_records = {
            record_id for customer_id in customers for record_id in evidence.records_of_customer(customer_id)
        } - evidence.open_records
        evidence.open_records |= opened_records
        return {
            link.entry
            for record_id in opened_records
            for link in list_links(evidence.records[record_id], self._types)
        }

    async def read_identifiers(self, entries: Iterable[bytes]) -> None:
        """Read the identifiers with these blind indexes, unless already read."""
        missing = list(set(entries) - self._read_entries)
        if missing:
            self._read_entries.update(missing)
            for identifier in await self._stores.identifiers.list_by_entries(missing, self._session):
                self.evidence.identifiers[identifier.entry] = identifier

    def _list_linked_records(self, entries: Iterable[bytes]) -> set[bytes]:
        """Return the records that link by one of these identifiers that not too many share."""
        identifiers = (self.evidence.identifiers.get(entry) for entry in entries)
        return {
            record
            for identifier in identifiers
            if identifier is not None
            and not is_shared(len(identifier.records), self._types.get(identifier.type))
            for record in identifier.records
        }

    async def _read_rulings(self) -> set[bytes]:
        """Read the rulings about open records; return the records that those rulings name."""
        records = self.evidence.records
        named_rulings = {
            ruling
            for record_id in self.evidence.open_records & records.keys()
            for ruling in records[record_id].rulings
        }
        missing_ids = list(named_rulings - self.evidence.rulings.keys())
        if not missing_ids:
            return set()
        for ruling in await self._stores.rulings.list_by_ids(missing_ids, self._session):
            self.evidence.rulings[ruling.id] = ruling
        ruled_records = {
            record for ruling_id in missing_ids for record in self.evidence.rulings[ruling_id].records
        }
        await self.read_records(ruled_records)
        return ruled_records
