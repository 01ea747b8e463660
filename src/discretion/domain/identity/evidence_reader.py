"""Reading of all evidence that decides which persons some source records belong to.

A customer is read with all their source records. If there is new evidence, every customer who is reachable
through a common identifier or a ruling is read as well, round by round until no new one appears. Identifiers
that too many records share are not followed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.identity.clustering import is_shared
from discretion.domain.identity.ruling import Ruling
from discretion.domain.ingest.mention import Mention
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
    """

    records: dict[bytes, SourceRecord] = field(default_factory=dict)
    customers: dict[bytes, CustomerDocument] = field(default_factory=dict)
    identifiers: dict[bytes, StoredIdentifier] = field(default_factory=dict)
    rulings: dict[bytes, StoredRuling] = field(default_factory=dict)
    open_records: set[bytes] = field(default_factory=set)
    edits: dict[bytes, SourceRecord] = field(default_factory=dict)
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

    def is_new_mention(self, mention: Mention) -> bool:
        """Return whether a record has not named this identifier with this assurance yet, or only later."""
        record = self.records.get(mention.record)
        named_at = None if record is None else _first_named_at(record, mention)
        return named_at is None or mention.at < named_at


def list_mentions(record: SourceRecord) -> list[Mention]:
    """Return the mentions of identifiers in a source record."""
    return [
        Mention(
            record.id,
            identifier.type,
            identifier.entry,
            record.source,
            at,
            assurance,
            identifier.is_own,
        )
        for identifier in record.identifiers
        for assurance, at in identifier.times.items()
    ]


def order_rulings(rulings: Iterable[StoredRuling]) -> list[Ruling]:
    """Return what stored rulings say, the earliest first."""
    ordered = sorted(rulings, key=lambda ruling: (ruling.at, ruling.id))
    return [Ruling(ruling.joined, tuple(frozenset(side) for side in ruling.sides)) for ruling in ordered]


class EvidenceReader:
    """The identity reads of one transaction.

    Customers whose person cannot change are read partially: only the attributes that may change, by their
    keys in documents. Customers whose records are clustered again are read completely.
    """

    def __init__(
        self,
        stores: PersonStores,
        session: Session,
        types: Mapping[str, IdentifierType],
    ) -> None:
        self._stores = stores
        self._session = session
        self._types = types
        self._complete_customers: set[bytes] = set()
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
            [customer for customer, keys in keys_by_customer.items() if not keys <= light_keys], all_keys
        )

    async def _read_partially(self, customers: list[bytes], keys: Collection[str]) -> None:
        if not customers:
            return
        for customer in await self._stores.people.list_customers(customers, self._session, keys):
            self.evidence.customers[customer.id] = customer
        for record in await self._stores.source_records.list_others(
            customers, self.evidence.records.keys(), keys, self._session
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

    async def read_connected(self, new_mentions: Sequence[Mention], records: Iterable[bytes] = ()) -> None:
        """Read everything that new mentions, or a new ruling about ``records``, may change.

        A breadth-first search over records, identifiers and rulings. The records it reaches become open.
        """
        reached_records = {*records, *(mention.record for mention in new_mentions)}
        frontier = {mention.entry for mention in new_mentions}
        while reached_records or frontier:
            frontier |= await self._open_customers(reached_records)
            naming_records = await self._read_identifiers(frontier - self.evidence.identifiers.keys())
            await self.read_records(naming_records)
            naming_records |= await self._read_rulings()
            reached_records = (naming_records & self.evidence.records.keys()) - self.evidence.open_records
            frontier = set()

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
            identifier.entry
            for record_id in opened_records
            for identifier in evidence.records[record_id].identifiers
        }

    async def _read_identifiers(self, entries: Iterable[bytes]) -> set[bytes]:
        wanted = list(entries)
        identifiers = await self._stores.identifiers.list_by_entries(wanted, self._session) if wanted else []
        naming_records: set[bytes] = set()
        for identifier in identifiers:
            self.evidence.identifiers[identifier.entry] = identifier
            identifier_type = self._types.get(identifier.type)
            if identifier_type is not None and not is_shared(len(identifier.records), identifier_type):
                naming_records.update(identifier.records)
        return naming_records

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


def _first_named_at(record: SourceRecord, mention: Mention) -> int | None:
    times = (
        identifier.times[mention.assurance]
        for identifier in record.identifiers
        if identifier.entry == mention.entry and mention.assurance in identifier.times
    )
    return next(times, None)
