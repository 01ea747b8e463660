"""Identity events: a record of every merge and split, with time, actor and evidence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.identity.assignment import ResolvedPerson
from discretion.domain.identity.evidence_reader import IdentityEvidence
from discretion.domain.identity.link import Link, list_links
from discretion.domain.identity.ruling import NO_GROUNDS, Grounds
from discretion.store.identity_events import IdentityChange, IdentityChangeKind, LinkEvidence


def build_identity_events(
    evidence: IdentityEvidence,
    persons: Mapping[bytes, ResolvedPerson],
    types: Mapping[str, IdentifierType],
    actor: str,
    at: int,
    entropy: Callable[[int], bytes],
    grounds: Grounds = NO_GROUNDS,
) -> Iterator[IdentityChange]:
    """Build a record of each merge and each split.

    Args:
        evidence: Stored evidence, and the identifiers that messages add.
        persons: Resolved persons by their customer id now.
        types: The catalogue's identifier types by key.
        actor: Recorded as ``by`` if no source can be named. A transaction has messages of several sources;
            only those whose links concern these records are named.
        at: Time in ms.
        entropy: Returns that many random bytes, for ids.
        grounds: Why a ruling joins records.
    """
    customers_by_origin: dict[bytes, list[bytes]] = {}
    for customer, person in persons.items():
        for origin in person.records_before:
            customers_by_origin.setdefault(origin, []).append(customer)
    has_events = any(len(person.records_before) > 1 for person in persons.values()) or any(
        len(customers) > 1 for customers in customers_by_origin.values()
    )
    changed_links = evidence.find_changed_links(types) if has_events else []
    for customer, person in persons.items():
        if len(person.records_before) > 1:
            sides = [list(records) for records in person.records_before.values()]
            links = _list_evidence(evidence, changed_links, person.records)
            sources = _list_sources(evidence, changed_links, person.records, types) or actor
            customers_before = {*person.records_before, customer}
            merge = _build_change(
                entropy(16),
                IdentityChangeKind.MERGED,
                customers_before,
                sides,
                [*links, *grounds.evidence],
                sources,
                at,
            )
            yield replace(merge, reason=grounds.reason)
    # A split has no evidence of its own: stronger evidence elsewhere, or a ruling, no longer lets a link
    # hold.
    for origin, customers in customers_by_origin.items():
        if len(customers) > 1:
            sides = [list(persons[customer].records_before[origin]) for customer in customers]
            split_records = {record for side in sides for record in side}
            sources = _list_sources(evidence, changed_links, split_records, types) or actor
            yield _build_change(
                entropy(16), IdentityChangeKind.PARTED, {origin, *customers}, sides, [], sources, at
            )


def _list_evidence(
    evidence: IdentityEvidence, changed_links: Sequence[Link], records: Collection[bytes]
) -> list[LinkEvidence]:
    """Return the new links of these records, each with its source and assurance."""
    items = set()
    for link in changed_links:
        if link.record in records:
            identifiers = evidence.mentioned[link.record].identifiers
            named = next((each for each in identifiers if each.entry == link.entry), None)
            if named is not None:
                items.add(LinkEvidence(link.identifier_type, link.entry, link.source, named.assurance))
    return sorted(items, key=lambda item: (item.entry, item.source, item.assurance))


def _list_sources(
    evidence: IdentityEvidence,
    changed_links: Sequence[Link],
    records: Collection[bytes],
    types: Mapping[str, IdentifierType],
) -> str:
    """Return ``source:`` and the keys of the sources whose new links concern these records, or ``""``.

    A link concerns them if it is of one of them, or names an identifier that one of them links by.
    """
    stored_records = [evidence.records[record_id] for record_id in records if record_id in evidence.records]
    linked_entries = {link.entry for record in stored_records for link in list_links(record, types)}
    sources = {
        link.source for link in changed_links if link.record in records or link.entry in linked_entries
    }
    return f"source:{','.join(sorted(sources))}" if sources else ""


def _build_change(
    change_id: bytes,
    kind: IdentityChangeKind,
    customers: set[bytes],
    sides: Sequence[Sequence[bytes]],
    evidence: Sequence[LinkEvidence],
    actor: str,
    at: int,
) -> IdentityChange:
    return IdentityChange(
        change_id,
        kind,
        at,
        actor,
        tuple(sorted(customers)),
        tuple(tuple(side) for side in sides),
        tuple(evidence),
    )
