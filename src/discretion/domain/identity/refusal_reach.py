"""A refusal reaches the records of others that name an identifier which the person has proven.

It reaches those that only claim the identifier, and those without a login, whatever they have proven: a
browser in which somebody confirmed the same mailbox is not known to be another person. A login that has
proven the identifier too decides for itself, as a family does that shares a mailbox.

The identifier names, for each record that has proven it, what its person refuses; a record that it reaches
has a copy, and permissions are computed from the copy. Both are written in the transaction of the refusal, of
the proof or of the mention, whichever comes last, so their order does not matter. A refusal only takes
permissions from other records. Whoever refuses gets no access to them, and they do not pass the refusal on.
It cancels nothing that a login agreed to: then only the address that the login claims is withheld.

A record that claims an identifier whose list of claims is full could not be found by a later refusal.
Therefore everything that can be refused is refused for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from discretion.catalogue.model import Catalogue
from discretion.domain.identity.evidence_reader import EvidenceReader, IdentityEvidence
from discretion.domain.identity.refusal_changes import (
    RefusalChanges,
    list_person_refusals,
    list_proofs,
    list_reachable_entries,
)
from discretion.store.identifiers import IdentifierStore, StoredIdentifier
from discretion.store.transactions import PendingWrite


async def edit_reached_records(
    reader: EvidenceReader,
    identifiers: IdentifierStore,
    catalogue: Catalogue,
    changes: RefusalChanges,
    now_ms: int,
) -> list[PendingWrite]:
    """Edit the records that refusals reach or no longer reach; return the writes of the identifiers.

    Args:
        reader: Reads in the transaction, after its other writes; it has the edits.
        identifiers: The store of identifiers.
        catalogue: Purposes, sources and types of identifiers.
        changes: What the transaction changes.
        now_ms: The present in ms.
    """
    evidence = reader.evidence
    await reader.read_customers(changes.refusing_customers)
    await reader.read_records(changes.reachable)
    reachable = changes.reachable & evidence.records.keys()
    writes: list[PendingWrite] = []
    written: set[bytes] = set()
    refusals = _collect_refusals(evidence, catalogue, changes.refusing_customers, now_ms)
    await reader.read_identifiers(refusals)
    for entry, by_record in sorted(refusals.items()):
        before = evidence.identifiers.get(entry)
        if before is None:
            continue
        after = _replace_refusals(before, by_record)
        write = identifiers.plan_save(before, after)
        if write is not None:
            evidence.identifiers[entry] = after
            writes.append(write)
            written.add(entry)
            reachable |= after.naming_records
    await reader.read_records(reachable)
    named = {
        record: list_reachable_entries(evidence.records[record], catalogue.identifiers)
        for record in reachable & evidence.records.keys()
    }
    await reader.read_identifiers(entry for entries in named.values() for entry in entries)
    everything = tuple(sorted({key.partition(".")[0] for key in catalogue.purposes}))
    for record_id, entries in sorted(named.items()):
        record = evidence.records[record_id]
        reached = {
            entry.hex(): nodes
            for entry in sorted(entries)
            if (nodes := _find_reaching(evidence, record_id, entry, everything))
        }
        if reached != record.claim_refusals:
            evidence.edit(replace(record, claim_refusals=reached))
    # Whoever refuses at the same time does not find these records: one of the two transactions runs again.
    for entry in sorted({entry for entries in named.values() for entry in entries} - written):
        identifier = evidence.identifiers.get(entry)
        if identifier is not None and identifier.records:
            writes.append(identifiers.plan_touch(entry))
    return writes


def _collect_refusals(
    evidence: IdentityEvidence, catalogue: Catalogue, customers: Iterable[bytes], now_ms: int
) -> dict[bytes, dict[bytes, tuple[str, ...]]]:
    """Return what each record that has proven an identifier contributes, by entry and record."""
    collected: dict[bytes, dict[bytes, tuple[str, ...]]] = {}
    for customer in customers:
        records = [evidence.records[record] for record in evidence.records_of_customer(customer)]
        refused = list_person_refusals(catalogue, records, now_ms)
        for record in records:
            for entry in list_proofs(record):
                collected.setdefault(entry, {})[record.id] = refused
    return collected


def _replace_refusals(
    identifier: StoredIdentifier, by_record: Mapping[bytes, tuple[str, ...]]
) -> StoredIdentifier:
    """Return an identifier with other refusals of these records, as far as it names them."""
    combined = {**identifier.refusals, **by_record}
    return replace(
        identifier,
        # An erasure finds them by the list of records.
        refusals={
            record: nodes
            for record, nodes in sorted(combined.items())
            if nodes and record in identifier.records
        },
    )


def _find_reaching(
    evidence: IdentityEvidence, record: bytes, entry: bytes, everything: tuple[str, ...]
) -> tuple[str, ...]:
    """Return what others refuse for a record under an identifier that it names, sorted."""
    identifier = evidence.identifiers.get(entry)
    if identifier is None:
        return ()
    person = set(evidence.records_of_customer(evidence.records[record].customer))
    is_linked = not person.isdisjoint(identifier.records)
    if is_linked and any(evidence.records[each].is_login for each in person):
        return ()
    is_claim = any(
        identifier.entry == entry and not identifier.assurance.links
        for identifier in evidence.records[record].identifiers
    )
    if is_claim and record not in identifier.naming_records:
        return everything
    others = {node for each, nodes in identifier.refusals.items() if each not in person for node in nodes}
    return tuple(sorted(others))
