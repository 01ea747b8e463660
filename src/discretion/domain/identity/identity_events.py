"""Identity events: a record of every merge and split, with time, actor and evidence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from discretion.domain.identity.assignment import ResolvedPerson
from discretion.domain.identity.evidence_reader import IdentityEvidence
from discretion.domain.ingest.mention import Mention
from discretion.store.identity_events import IdentityChange, IdentityChangeKind, LinkEvidence


def build_identity_events(
    evidence: IdentityEvidence,
    persons: Mapping[bytes, ResolvedPerson],
    new_mentions: Sequence[Mention],
    actor: str,
    at: int,
    entropy: Callable[[int], bytes],
) -> Iterator[IdentityChange]:
    """Build a record of each merge and each split.

    Args:
        evidence: Stored evidence.
        persons: Resolved persons by their customer id now.
        new_mentions: Mentions that are not stored yet.
        actor: Recorded as ``by`` if no source can be named. A transaction has messages of several sources;
            only those whose mentions concern these records are named.
        at: Time in ms.
        entropy: Returns that many random bytes, for ids.
    """
    customers_by_origin: dict[bytes, list[bytes]] = {}
    for customer, person in persons.items():
        for origin in person.records_before:
            customers_by_origin.setdefault(origin, []).append(customer)
        if len(person.records_before) > 1:
            new_identifiers = {
                mention.entry: mention.identifier_type
                for mention in new_mentions
                if mention.entry in person.identifiers
            }
            evidence_items = [
                LinkEvidence(identifier_type, entry)
                for entry, identifier_type in sorted(new_identifiers.items())
            ]
            sides = [list(records) for records in person.records_before.values()]
            sources = _evidence_sources(evidence, new_mentions, person.records) or actor
            customers_before = {*person.records_before, customer}
            yield _build_change(
                entropy(16), IdentityChangeKind.MERGED, customers_before, sides, evidence_items, sources, at
            )
    # A split has no evidence of its own: stronger evidence elsewhere, or a ruling, no longer lets a link
    # hold.
    for origin, customers in customers_by_origin.items():
        if len(customers) > 1:
            sides = [list(persons[customer].records_before[origin]) for customer in customers]
            sources = (
                _evidence_sources(evidence, new_mentions, {record for side in sides for record in side})
                or actor
            )
            yield _build_change(
                entropy(16), IdentityChangeKind.PARTED, {origin, *customers}, sides, [], sources, at
            )


def _evidence_sources(
    evidence: IdentityEvidence, new_mentions: Sequence[Mention], records: Collection[bytes]
) -> str:
    """Return ``source:`` and the keys of the sources whose new mentions concern these records, or ``""``.

    A mention concerns them if it is made by one of them, or names an identifier that one of them already
    names.
    """
    stored_records = [evidence.records[record_id] for record_id in records if record_id in evidence.records]
    named_entries = {identifier.entry for record in stored_records for identifier in record.identifiers}
    sources = {
        mention.source
        for mention in new_mentions
        if mention.record in records or mention.entry in named_entries
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
