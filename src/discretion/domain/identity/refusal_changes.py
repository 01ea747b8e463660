"""Which changes of people make it necessary to compute again whom their refusals reach. Pure functions.

A refusal reaches the records of others that only claim an identifier which the person has proven, or that
name it without a login (``refusal_reach``). Nearly all writes change neither refusals nor identifiers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.identifier_type import IdentifierType
from discretion.catalogue.model import Catalogue
from discretion.domain.identity.assignment import ResolvedPerson
from discretion.domain.identity.evidence_reader import IdentityEvidence
from discretion.domain.profiles.counted_statements import find_source_consent
from discretion.domain.profiles.identifier_index import NamingList, is_full
from discretion.domain.profiles.person_state import read_record_statements
from discretion.domain.profiles.record_identifiers import find_replacement
from discretion.purpose.refused_nodes import list_refused_nodes
from discretion.store.identifiers import StoredIdentifier
from discretion.store.source_record import SourceRecord


@dataclass(frozen=True, slots=True)
class PersonRefusalChange:
    """What a write of one person changes.

    Attributes:
        changes_refusals: Whether what they refuse, or what they have proven while they refuse, changed.
        reachable: Ids of their records for which it must be looked up who has proven what they name.
    """

    changes_refusals: bool
    reachable: frozenset[bytes]


_NO_CHANGE = PersonRefusalChange(changes_refusals=False, reachable=frozenset())


@dataclass(slots=True)
class RefusalChanges:
    """What the writes of a transaction change.

    Attributes:
        refusing_customers: Ids of the customers whose refusals must reach other records.
        reachable: Ids of the records that refusals of others may reach.
    """

    refusing_customers: set[bytes] = field(default_factory=set)
    reachable: set[bytes] = field(default_factory=set)

    def __bool__(self) -> bool:
        """Return whether there is anything to do."""
        return bool(self.refusing_customers or self.reachable)

    def add(self, change: PersonRefusalChange, customer: bytes) -> None:
        """Add the change of one person, who is this customer now."""
        if change.changes_refusals:
            self.refusing_customers.add(customer)
        self.reachable |= change.reachable


def find_refusal_changes(
    catalogue: Catalogue,
    evidence: IdentityEvidence,
    person: ResolvedPerson,
    records: Mapping[bytes, SourceRecord],
    now_ms: int,
    *,
    is_restated: bool,
) -> PersonRefusalChange:
    """Return what a write of one person changes.

    Args:
        catalogue: Purposes, sources and types of identifiers.
        evidence: What was stored before.
        person: The person.
        records: Their records as they are from now on.
        now_ms: The present in ms.
        is_restated: Whether their statements may have changed.
    """
    renamed = [
        record
        for record in records.values()
        if (before := evidence.records.get(record.id)) is not record
        and (
            before is None
            or (before.identifiers is not record.identifiers and before.identifiers != record.identifiers)
            or before.removals != record.removals
        )
    ]
    if not (renamed or is_restated or _is_regrouped(evidence, person)):
        return _NO_CHANGE
    return PersonRefusalChange(
        _has_changed_refusals(catalogue, evidence, person, records, renamed, now_ms, is_restated=is_restated),
        frozenset(_find_reachable(catalogue.identifiers, evidence, person, records, renamed)),
    )


def list_reachable_entries(record: SourceRecord, types: Mapping[str, IdentifierType]) -> set[bytes]:
    """Return the entries of the identifiers under which refusals of others may reach a record.

    These are the ones that it has not replaced, and of a record with a login those that it only claims.
    """
    return {
        identifier.entry
        for identifier in record.identifiers
        if not (identifier.assurance.links and record.is_login)
        and (
            identifier.type not in types
            or not types[identifier.type].is_address
            or find_replacement(record, identifier) is None
        )
    }


def list_proofs(record: SourceRecord) -> set[bytes]:
    """Return the entries of the identifiers that a record has proven at some time.

    Those that it has replaced are among them: whoever refused under an address and then changed it has not
    lifted the refusal.
    """
    return {identifier.entry for identifier in record.identifiers if identifier.assurance is Assurance.PROVEN}


def list_person_refusals(
    catalogue: Catalogue, records: Iterable[SourceRecord], now_ms: int
) -> tuple[str, ...]:
    """Return what the statements in the records of one person refuse, as purposes and nodes of their tree."""
    statements = [
        read_record_statements(record, find_source_consent(catalogue, record)) for record in records
    ]
    return list_refused_nodes(catalogue.purposes, statements, now_ms)


def _has_changed_refusals(
    catalogue: Catalogue,
    evidence: IdentityEvidence,
    person: ResolvedPerson,
    records: Mapping[bytes, SourceRecord],
    renamed: Iterable[SourceRecord],
    now_ms: int,
    *,
    is_restated: bool,
) -> bool:
    has_new_proof = any(
        list_proofs(record)
        - (list_proofs(evidence.records[record.id]) if record.id in evidence.records else set())
        for record in renamed
    )
    if not is_restated and not has_new_proof:
        return False
    refused = list_person_refusals(catalogue, records.values(), now_ms)
    if refused and (has_new_proof or _is_regrouped(evidence, person)):
        return True
    return is_restated and any(
        list_person_refusals(
            catalogue,
            (evidence.records[record] for record in evidence.records_of_customer(customer)),
            now_ms,
        )
        != refused
        for customer in person.records_before
    )


def _find_reachable(
    types: Mapping[str, IdentifierType],
    evidence: IdentityEvidence,
    person: ResolvedPerson,
    records: Mapping[bytes, SourceRecord],
    renamed: Iterable[SourceRecord],
) -> set[bytes]:
    renamed = list(renamed)
    reachable = {record.id for record in renamed if _has_new_entry(types, evidence, record)}
    # Whoever joins a login that has proven the identifier is no longer reached under it.
    if renamed or _is_regrouped(evidence, person):
        reachable |= {record.id for record in records.values() if record.claim_refusals}
    if _is_split(evidence, person):
        reachable |= {record.id for record in records.values() if list_reachable_entries(record, types)}
    return reachable


def _has_new_entry(
    types: Mapping[str, IdentifierType], evidence: IdentityEvidence, record: SourceRecord
) -> bool:
    """Return whether a record names something new that somebody may have proven who refuses."""
    before = evidence.records.get(record.id)
    entries_before = set() if before is None else list_reachable_entries(before, types)
    named_before = set() if before is None else {identifier.entry for identifier in before.identifiers}
    for entry in list_reachable_entries(record, types) - entries_before:
        identifier = evidence.identifiers.get(entry)
        if identifier is None:
            # Of a new mention the identifier was read, so nobody else names it. Of an address that the record
            # stated again after another one, it was not.
            if entry in named_before:
                return True
        elif identifier.refusals or _is_unlisted(types, record, identifier):
            return True
    return False


def _is_unlisted(
    types: Mapping[str, IdentifierType], record: SourceRecord, identifier: StoredIdentifier
) -> bool:
    """Return whether a record claims an identifier that has no place for its claim."""
    target = NamingList.ANONYMOUS_CLAIMS if record.number_assurance is None else NamingList.NUMBERED_CLAIMS
    return is_full(identifier, target, types) and any(
        named.entry == identifier.entry and not named.assurance.links for named in record.identifiers
    )


def _is_regrouped(evidence: IdentityEvidence, person: ResolvedPerson) -> bool:
    """Return whether the person has other records than a customer had before."""
    return any(
        set(evidence.records_of_customer(customer)) != person.records for customer in person.records_before
    )


def _is_split(evidence: IdentityEvidence, person: ResolvedPerson) -> bool:
    """Return whether records of a customer of before are no longer of this person."""
    return any(
        not person.records.issuperset(evidence.records_of_customer(customer))
        for customer in person.records_before
    )
