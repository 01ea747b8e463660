"""Writing of rulings: decisions about which source records are one person, with everything that follows.

A ruling is stored, and every later clustering of the records obeys it, so no later evidence undoes it. A
ruling deletes the earlier rulings that it contradicts. The id of a ruling depends only on its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from discretion.domain.identity.evidence_reader import IdentityEvidence
from discretion.domain.identity.person_rewrite import PersonRewrite
from discretion.domain.identity.ruling import NO_GROUNDS, Grounds
from discretion.store.rulings import StoredRuling
from discretion.store.transactions import PendingWrite

Sides = Sequence[Sequence[bytes]]


async def join_customers(
    rewrite: PersonRewrite, customers: Iterable[bytes], actor: str, grounds: Grounds
) -> bytes:
    """Join customers by a ruling about all their records, and return the resulting customer id.

    Args:
        rewrite: The transaction.
        customers: At least two current customer ids.
        actor: Who decides, such as ``steward:privacy-office`` or ``customer``.
        grounds: Why.
    """
    return (await apply_ruling(rewrite, await read_sides(rewrite, customers), actor, grounds, joined=True))[0]


async def read_sides(rewrite: PersonRewrite, customers: Iterable[bytes]) -> list[list[bytes]]:
    """Read customers and return the ids of the records of each."""
    distinct = sorted(set(customers))
    await rewrite.reader.read_customers(distinct)
    return [sorted(rewrite.evidence.records_of_customer(customer)) for customer in distinct]


async def apply_ruling(
    rewrite: PersonRewrite, sides: Sides, actor: str, grounds: Grounds = NO_GROUNDS, *, joined: bool
) -> list[bytes]:
    """Store a ruling and write what follows; return the customers who have the records now."""
    evidence, rulings = rewrite.evidence, rewrite.stores.rulings
    named_records = {record for side in sides for record in side}
    await rewrite.reader.read_connected([], named_records)
    ruling = StoredRuling(
        _build_ruling_id(sides, joined=joined),
        joined,
        tuple(tuple(side) for side in sides),
        actor,
        rewrite.context.now_ms,
        grounds.reason,
    )
    writes: list[PendingWrite] = []
    # Clustering must see only rulings that agree: of two that contradict each other, the latest wins here.
    for ruling_id in find_contradicted_rulings(evidence.rulings.values(), sides, joined=joined):
        _remove_ruling(evidence, ruling_id)
        writes.append(rulings.plan_delete(ruling_id))
    _add_ruling(evidence, ruling, named_records)
    writes.append(rulings.plan_save(ruling))
    outcome = await rewrite.write(actor, extra_writes=writes, grounds=grounds)
    # The rewrite also covers customers who are only connected by evidence; the caller asked about these
    # records.
    return [
        customer
        for customer, person in outcome.persons.items()
        if not named_records.isdisjoint(person.records)
    ]


def find_contradicted_rulings(rulings: Iterable[StoredRuling], sides: Sides, *, joined: bool) -> list[bytes]:
    """Return the ids of the earlier rulings that a new one contradicts for at least two of these records."""
    return [
        ruling.id
        for ruling in rulings
        if ruling.joined is not joined
        and (_separates(ruling.sides, sides) if joined else _separates(sides, ruling.sides))
    ]


def _separates(separating_sides: Sides, joining_sides: Sides) -> bool:
    """Return whether one ruling separates two records that another joins."""
    joined_records = {record for side in joining_sides for record in side}
    return sum(1 for side in separating_sides if not joined_records.isdisjoint(side)) > 1


def _build_ruling_id(sides: Sides, *, joined: bool) -> bytes:
    """Return the id of a ruling, which depends only on its content: 16 bytes of SHA-256."""
    canonical_sides = b"|".join(b"".join(sorted(side)) for side in sorted(map(sorted, sides)))
    return hashlib.sha256((b"joined|" if joined else b"parted|") + canonical_sides).digest()[:16]


def _add_ruling(evidence: IdentityEvidence, ruling: StoredRuling, named_records: Iterable[bytes]) -> None:
    evidence.rulings[ruling.id] = ruling
    for record_id in evidence.records.keys() & set(named_records):
        record = evidence.current_record(record_id)
        evidence.edit(replace(record, rulings=tuple(sorted({*record.rulings, ruling.id}))))


def _remove_ruling(evidence: IdentityEvidence, ruling: bytes) -> None:
    del evidence.rulings[ruling]
    for record_id in evidence.records:
        record = evidence.current_record(record_id)
        if ruling in record.rulings:
            remaining = tuple(other_ruling for other_ruling in record.rulings if other_ruling != ruling)
            evidence.edit(replace(record, rulings=remaining))
