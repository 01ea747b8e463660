"""Clustering of source records into persons: a pure function of all evidence, whatever its order of arrival.

Only links count: proven and presented mentions. Claims join nobody and take nothing from anybody.

1. Records are joined by account and loyalty numbers and by rulings (``numbered_persons``). A person with a
   number has the addresses, cards and devices of their records, each from the first link until the record
   replaces it.
2. A record without a number, or several that a ruling joins, belongs to the numbered person that all its
   addresses, cards and devices name. If exactly one person ever had such an identifier, it names them, unless
   they had replaced it when the record named it. If several ever had an address, it names the one who had it
   when the record named it, if that is exactly one; a device or card of several persons names nobody. Records
   that name no person, or several, are a person of their own.

A record without a number gives its identifiers to nobody, so no chain of devices joins two persons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.identity.link import Link
from discretion.domain.identity.numbered_persons import is_separated, join_by_numbers
from discretion.domain.identity.ruling import Ruling
from discretion.domain.profiles.identifier_index import MAX_RECORDS_PER_PERSON, is_shared


def cluster_records(
    records: Iterable[bytes],
    links: Iterable[Link],
    types: Mapping[str, IdentifierType],
    rulings: Sequence[Ruling] = (),
) -> list[frozenset[bytes]]:
    """Group records into persons, in the order of each person's smallest record id.

    Args:
        records: Every record whose person is in question.
        links: Their proven and presented mentions. An identifier that too many of these records name is
            ignored here; the caller leaves out those that too many stored records name.
        types: The catalogue's identifier types by key; links of other types are ignored.
        rulings: Rulings about these records, the earliest first.
    """
    known_links = [link for link in set(links) if link.identifier_type in types]
    numbered_records = {link.record for link in known_links if types[link.identifier_type].number}
    linking = _leave_out_shared(known_links, types)
    groups = join_by_numbers(
        records, (link for link in linking if types[link.identifier_type].number), types, rulings
    )
    persons = [_Person(group) for group in groups if not group.isdisjoint(numbered_records)]
    others = [group for group in groups if group.isdisjoint(numbered_records)]
    separations = [ruling for ruling in rulings if not ruling.joined]
    other_links = [link for link in linking if not types[link.identifier_type].number]
    alone = _attach_groups(persons, others, other_links, types, separations)
    clusters = [frozenset(person.records) for person in persons] + [frozenset(group) for group in alone]
    return sorted(clusters, key=min)


@dataclass(eq=False, slots=True)
class _Person:
    """A person with a number, and the records without a number that were attached so far."""

    records: set[bytes] = field(default_factory=set)

    def can_attach(self, group: set[bytes], separations: Sequence[Ruling]) -> bool:
        """Return whether neither the size of the person nor a ruling forbids to attach records."""
        return len(self.records) + len(group) <= MAX_RECORDS_PER_PERSON and not is_separated(
            separations, self.records, group
        )


def _leave_out_shared(links: Sequence[Link], types: Mapping[str, IdentifierType]) -> list[Link]:
    record_counts = Counter(entry for _, entry in {(link.record, link.entry) for link in links})
    return [link for link in links if not is_shared(record_counts[link.entry], types[link.identifier_type])]


def _attach_groups(
    persons: Sequence[_Person],
    groups: Sequence[set[bytes]],
    links: Sequence[Link],
    types: Mapping[str, IdentifierType],
    separations: Sequence[Ruling],
) -> list[set[bytes]]:
    """Attach groups of records without a number to the persons they name; return those that name nobody."""
    person_of = {record: person for person in persons for record in person.records}
    holdings: dict[bytes, list[tuple[_Person, Link]]] = {}
    links_of: dict[bytes, list[Link]] = {}
    for link in links:
        if link.record in person_of:
            holdings.setdefault(link.entry, []).append((person_of[link.record], link))
        else:
            links_of.setdefault(link.record, []).append(link)
    named: list[tuple[int, bytes, set[bytes], _Person]] = []
    alone = []
    for group in groups:
        owners = {
            owner: link.since
            for link in sorted(
                (link for record in group for link in links_of.get(record, ())),
                key=lambda link: -link.since,
            )
            if (owner := _find_owner(link, holdings.get(link.entry, ()), types)) is not None
        }
        if len(owners) == 1:
            ((owner, since),) = owners.items()
            named.append((since, min(group), group, owner))
        else:
            alone.append(group)
    # The earliest first: rulings may separate two groups from each other that name the same person.
    for _, _, group, person in sorted(named, key=lambda entry: entry[:2]):
        if person.can_attach(group, separations):
            person.records |= group
        else:
            alone.append(group)
    return alone


def _find_owner(
    named: Link, holdings: Sequence[tuple[_Person, Link]], types: Mapping[str, IdentifierType]
) -> _Person | None:
    """Return the person that a link of a record without a number names, or None.

    Args:
        named: The link.
        holdings: The persons with a number who ever had it, each with the link of one of their records.
        types: The catalogue's identifier types by key.
    """
    persons = {person for person, _ in holdings}
    if len(persons) == 1:
        # Whoever used a device before they logged in was the same person.
        return None if all(link.is_replaced_by(named.since) for _, link in holdings) else persons.pop()
    # The record of a device or card has what everybody did with it, so a time cannot say whose it is.
    if not types[named.identifier_type].is_address:
        return None
    current = {person for person, link in holdings if link.includes(named.since)}
    return current.pop() if len(current) == 1 else None
