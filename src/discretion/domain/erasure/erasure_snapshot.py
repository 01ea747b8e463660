"""The snapshot of an erasure: all ids under which data of the person can be found, read before deletion.

It is stored in the rights request and deleted by the last step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from discretion.catalogue.model import Catalogue
from discretion.domain.profiles.identifier_index import NamingList, is_full
from discretion.store.identifiers import StoredIdentifier
from discretion.store.people import CurrentCustomer
from discretion.store.person_stores import PersonStores
from discretion.store.source_record import SourceRecord
from discretion.store.subject_request import ErasureSnapshot
from discretion.store.transactions import Session


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
    identifiers = await stores.identifiers.list_concerning(list_named_entries(records), record_ids, session)
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
    """Return whether a source record of another customer names an identifier, be it as a claim.

    A full list of an identifier has only the first of the records. Then the records themselves are searched.
    """
    if not identifier.naming_records <= set(own_records):
        return True
    if not any(is_full(identifier, target, catalogue.identifiers) for target in NamingList):
        return False
    return await stores.source_records.is_named_elsewhere(identifier.entry, own_records, session)
