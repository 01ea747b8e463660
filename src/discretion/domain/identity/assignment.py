"""Whose records are whose, after new evidence: pure.

A person is known as the *home* of their eldest record that has one: the customer id under which
that record was first a customer. So a merge keeps the eldest id, and a person who is parted again
goes back under the id they had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from discretion.catalogue.model import IdentifierType
from discretion.domain.identity.clustering import resolve, shared
from discretion.domain.identity.evidence import Person, Ruling
from discretion.domain.identity.evidence_reader import Known, mentions_of, rulings_of
from discretion.domain.ingest.mention import Mention


@dataclass(frozen=True, slots=True)
class Settled:
    """One person: their records, identifiers, and the customer they are; None is a new one.

    ``before`` has the customers these records belonged to, each with its records; ``homes`` the
    ids under which they were ever known besides ``customer``.
    """

    records: frozenset[bytes]
    identifiers: frozenset[bytes]
    customer: bytes | None
    before: Mapping[bytes, Sequence[bytes]]
    homes: tuple[bytes, ...]


def settle(
    known: Known, fresh: Sequence[Mention], types: Mapping[str, IdentifierType], touched: Sequence[bytes]
) -> list[Settled]:
    """Everybody whom ``touched`` or open records are about, in a stable order.

    Args:
        known: What is on record, ``fresh`` not yet.
        fresh: New evidence.
        types: The catalogue's identifier types.
        touched: Records that are spoken to without new evidence.
    """
    opened = known.open | {one.record for one in fresh}
    closed = {known.records[one]["customer"] for one in touched if one not in opened}
    as_before = [_as_before(known, customer) for customer in sorted(closed)]
    return [*as_before, *(_settled(known, person) for person in _resolved(known, opened, fresh, types))]


def _resolved(
    known: Known, opened: set[bytes], fresh: Sequence[Mention], types: Mapping[str, IdentifierType]
) -> list[Person]:
    stored = [one for record in opened & known.records.keys() for one in mentions_of(known.records[record])]
    useful = [one for one in (*stored, *fresh) if not _shared_already(known, one, types)]
    return resolve(opened, useful, types, [*_corrections(known, opened), *rulings_of(known.rulings.values())])


def _corrections(known: Known, opened: set[bytes]) -> list[Ruling]:
    """What a person corrected goes where the record goes that it is of, whoever that is found to be."""
    there = [known.records[one] for one in sorted(opened & known.records.keys())]
    return [
        Ruling(joined=True, sides=(frozenset({one["_id"]}), frozenset({one["of"]})))
        for one in there
        if one.get("of") in opened
    ]


def _shared_already(known: Known, mention: Mention, types: Mapping[str, IdentifierType]) -> bool:
    doc, kind = known.identifiers.get(mention.entry), types.get(mention.kind)
    return doc is not None and kind is not None and shared(len(doc["records"]), kind)


def _as_before(known: Known, customer: bytes) -> Settled:
    records = frozenset(known.of_customer(customer))
    before = {customer: sorted(records)}
    return Settled(records, frozenset(), customer, before, _homes(known, records, customer))


def _settled(known: Known, person: Person) -> Settled:
    there = [known.records[one] for one in person.records if one in known.records]
    at_home = [(one["born"], one["home"]) for one in there if "home" in one]
    customer = min(at_home)[1] if at_home else None
    before: dict[bytes, list[bytes]] = {}
    for one in sorted(there, key=lambda one: (one["customer"], one["_id"])):
        before.setdefault(one["customer"], []).append(one["_id"])
    return Settled(
        person.records, person.identifiers, customer, before, _homes(known, person.records, customer)
    )


def _homes(known: Known, records: frozenset[bytes], customer: bytes | None) -> tuple[bytes, ...]:
    homes = {known.records[one]["home"] for one in records if "home" in known.records.get(one, ())}
    return tuple(sorted(homes - {customer}))
