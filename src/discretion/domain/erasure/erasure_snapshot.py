"""The snapshot of an erasure: all ids under which data of the person can be found, stored before deletion.

The snapshot is stored in the rights request and deleted by the last step. Identifiers that other customers
use too are theirs as well: they are not deleted and get no tombstone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.identity.clustering import is_shared
from discretion.store.document import MutableDocument
from discretion.store.identifiers import StoredIdentifier
from discretion.store.people import CurrentCustomer
from discretion.store.person_stores import PersonStores
from discretion.store.places.place import ErasedIds
from discretion.store.source_record import SourceRecord
from discretion.store.transactions import Session


@dataclass(frozen=True, slots=True)
class ErasureSnapshot:
    """Ids of one person at ``taken_at`` (ms).

    Attributes:
        customers: The present customer id first, then the former ones.
        records: Their source records.
        own_identifiers: Entries (blind indexes) of identifiers that only they use.
        shared_identifiers: Entries of identifiers that other customers use too.
        rulings: Rulings of stewards about their records.
        laws: Keys of the jurisdictions that protected them.
    """

    taken_at: int
    customers: tuple[bytes, ...] = field(repr=False)
    records: tuple[bytes, ...] = field(repr=False)
    own_identifiers: tuple[bytes, ...] = field(repr=False)
    shared_identifiers: tuple[bytes, ...] = field(repr=False)
    rulings: tuple[bytes, ...] = field(repr=False)
    laws: tuple[str, ...]

    @property
    def ids(self) -> ErasedIds:
        """The ids under which the places of the map are searched."""
        return ErasedIds(
            frozenset(self.customers),
            frozenset(self.records),
            frozenset(self.own_identifiers),
            frozenset(self.rulings),
        )

    def to_document(self) -> MutableDocument:
        """Return the document that is stored in the request, under ``snapshot``.

        Returns:
            ``at`` (ms), ``customers``, ``records``, ``names`` (own identifiers), ``shared`` (shared
            identifiers), ``rulings``, ``laws``. An erasure with a scope stores only ``at`` and ``records``.
        """
        return {
            "at": self.taken_at,
            "customers": list(self.customers),
            "records": list(self.records),
            "names": list(self.own_identifiers),
            "shared": list(self.shared_identifiers),
            "rulings": list(self.rulings),
            "laws": list(self.laws),
        }


def parse_snapshot(document: Mapping[str, Any]) -> ErasureSnapshot:
    """Return the snapshot that ``ErasureSnapshot.to_document`` wrote."""
    return ErasureSnapshot(
        taken_at=document["at"],
        customers=tuple(document["customers"]),
        records=tuple(document["records"]),
        own_identifiers=tuple(document["names"]),
        shared_identifiers=tuple(document["shared"]),
        rulings=tuple(document["rulings"]),
        laws=tuple(document["laws"]),
    )


@dataclass(frozen=True, slots=True)
class ErasureSubject:
    """A person with all documents that identify them, read in one transaction."""

    customer: CurrentCustomer
    records: list[SourceRecord]
    snapshot: ErasureSnapshot


@dataclass(frozen=True, slots=True)
class IdentifierEntries:
    """The entries of identifiers: those that only the erased records use, and those that others use too."""

    own: frozenset[bytes] = field(repr=False)
    shared: frozenset[bytes] = field(repr=False)


async def read_erasure_subject(
    stores: PersonStores, session: Session, catalogue: Catalogue, customer_id: bytes, now: int
) -> ErasureSubject | None:
    """Read the person with a present or former customer id; None if there is none."""
    customer = await stores.people.current(customer_id, session)
    if customer is None:
        return None
    records = await stores.source_records.of(customer.id, session)
    record_ids = {record.id for record in records}
    customers = {*customer.ids, *(record.home for record in records if record.home is not None)}
    identifiers = await stores.identifiers.list_concerning(
        list_named_entries(records), customers, record_ids, session
    )
    entries = await split_identifiers(stores, catalogue, records, identifiers, record_ids, session)
    snapshot = ErasureSnapshot(
        taken_at=now,
        customers=(customer.id, *sorted(customers - {customer.id})),
        records=tuple(sorted(record_ids)),
        own_identifiers=tuple(sorted(entries.own)),
        shared_identifiers=tuple(sorted(entries.shared)),
        rulings=tuple(sorted(list_named_rulings(records))),
        laws=customer.laws,
    )
    return ErasureSubject(customer, records, snapshot)


def list_named_entries(records: Iterable[SourceRecord]) -> set[bytes]:
    """Return the entries of all identifiers that source records name."""
    return {identifier.entry for record in records for identifier in record.identifiers}


def list_named_rulings(records: Iterable[SourceRecord]) -> set[bytes]:
    """Return the ids of all rulings that name source records."""
    return {ruling for record in records for ruling in record.rulings}


async def split_identifiers(
    stores: PersonStores,
    catalogue: Catalogue,
    records: Iterable[SourceRecord],
    identifiers: Iterable[StoredIdentifier],
    erased_records: Collection[bytes],
    session: Session | None = None,
) -> IdentifierEntries:
    """Return which identifiers only the erased records use.

    Args:
        stores: The repositories of people.
        catalogue: It says how many records an identifier may link.
        records: The erased records.
        identifiers: The identifiers that may be theirs.
        erased_records: The ids of all erased records.
        session: The transaction, if any.
    """
    shared = frozenset(
        [
            identifier.entry
            for identifier in identifiers
            if await _is_shared(stores, session, catalogue, identifier, erased_records)
        ]
    )
    entries = list_named_entries(records) | {identifier.entry for identifier in identifiers}
    return IdentifierEntries(frozenset(entries - shared), shared)


async def _is_shared(
    stores: PersonStores,
    session: Session | None,
    catalogue: Catalogue,
    identifier: StoredIdentifier,
    own_records: Collection[bytes],
) -> bool:
    """Return whether a source record of another customer uses an identifier.

    An identifier that too many records use lists only the first of them. Then the records themselves are
    searched.
    """
    if not set(identifier.records) <= set(own_records):
        return True
    identifier_type = catalogue.identifiers.get(identifier.type)
    if identifier_type is None or not is_shared(len(identifier.records), identifier_type):
        return False
    return await stores.source_records.is_named_elsewhere(identifier.entry, own_records, session)
