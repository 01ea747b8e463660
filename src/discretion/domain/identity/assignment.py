"""Assignment of persons to customer ids after new evidence. Pure functions.

The *home* of a source record is the customer id that was created for it (only the eldest record of a new
customer has one). A person's customer id is the home of their eldest record that has a home. So a merge keeps
the eldest id, and a person who is split off again gets their former id back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.identity.clustering import cluster_records
from discretion.domain.identity.evidence_reader import IdentityEvidence, order_rulings
from discretion.domain.identity.link import Link
from discretion.domain.identity.ruling import Ruling
from discretion.domain.profiles.identifier_index import is_shared


# Not frozen: every message makes some, and a frozen object takes three times as long to make.
@dataclass(slots=True)
class ResolvedPerson:
    """One person with their source records and customer id.

    Attributes:
        records: Ids of the source records.
        customer: The customer id; None if a new one has to be created.
        records_before: The records by the customer they belonged to until now.
        former_customers: The other homes of their records; those data keys are kept for an unmerge.
    """

    records: frozenset[bytes]
    customer: bytes | None
    records_before: Mapping[bytes, Sequence[bytes]]
    former_customers: tuple[bytes, ...]


def resolve_persons(
    evidence: IdentityEvidence, types: Mapping[str, IdentifierType], touched_records: Iterable[bytes]
) -> list[ResolvedPerson]:
    """Return every person whom open, new or touched records are about, in a stable order.

    Args:
        evidence: Stored evidence, and the identifiers that messages add.
        types: The catalogue's identifier types by key.
        touched_records: Records to resolve in any case, such as those that messages address. Those that are
            stored and not open keep their customer.
    """
    touched = set(touched_records)
    open_records = evidence.open_records | (touched - evidence.records.keys())
    # Nothing new is known about records that are not open, so clustering would only repeat its result.
    unchanged_customers = {evidence.records[record].customer for record in touched - open_records}
    unchanged_persons = [_unchanged_person(evidence, customer) for customer in sorted(unchanged_customers)]
    return [
        *unchanged_persons,
        *(
            _assign_customer(evidence, records)
            for records in _cluster_open_records(evidence, open_records, types)
        ),
    ]


def _cluster_open_records(
    evidence: IdentityEvidence, open_records: set[bytes], types: Mapping[str, IdentifierType]
) -> list[frozenset[bytes]]:
    links = [link for record in open_records for link in evidence.list_links(record, types)]
    return cluster_records(
        open_records,
        [link for link in links if not _is_already_shared(evidence, link, types)],
        types,
        [*_correction_rulings(evidence, open_records), *order_rulings(evidence.rulings.values())],
    )


def _correction_rulings(evidence: IdentityEvidence, open_records: set[bytes]) -> list[Ruling]:
    """Return rulings that keep each correction record (member ``of``) with the record that it corrects."""
    records = [evidence.records[record] for record in sorted(open_records & evidence.records.keys())]
    return [
        Ruling(joined=True, sides=(frozenset({record.id}), frozenset({record.corrects})))
        for record in records
        if record.corrects is not None and record.corrects in open_records
    ]


def _is_already_shared(evidence: IdentityEvidence, link: Link, types: Mapping[str, IdentifierType]) -> bool:
    # ``records`` of an identifier stops growing once it is shared, so the stored count must be asked too:
    # the links read here are only a part of those that exist.
    identifier = evidence.identifiers.get(link.entry)
    return identifier is not None and is_shared(len(identifier.records), types.get(identifier.type))


def _unchanged_person(evidence: IdentityEvidence, customer: bytes) -> ResolvedPerson:
    records = frozenset(evidence.records_of_customer(customer))
    records_before = {customer: sorted(records)}
    return ResolvedPerson(records, customer, records_before, _former_customers(evidence, records, customer))


def _assign_customer(evidence: IdentityEvidence, record_ids: frozenset[bytes]) -> ResolvedPerson:
    # A record that is new in this transaction is not in the evidence yet, and has no home.
    records = [evidence.records[record] for record in record_ids if record in evidence.records]
    # The eldest home by the time of receipt, which no sender can choose; equal times are decided by the id.
    homes = [(record.born, record.home) for record in records if record.home is not None]
    customer = min(homes)[1] if homes else None
    records_before: dict[bytes, list[bytes]] = {}
    for record in sorted(records, key=lambda record: (record.customer, record.id)):
        records_before.setdefault(record.customer, []).append(record.id)
    return ResolvedPerson(
        record_ids, customer, records_before, _former_customers(evidence, record_ids, customer)
    )


def _former_customers(
    evidence: IdentityEvidence, records: frozenset[bytes], customer: bytes | None
) -> tuple[bytes, ...]:
    stored_records = [evidence.records[record] for record in records if record in evidence.records]
    homes = {record.home for record in stored_records if record.home is not None}
    return tuple(sorted(homes - {customer}))
