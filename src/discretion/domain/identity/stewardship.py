"""Merging and unmerging of customers by a steward.

A steward's decision is stored as a ruling about source records, and every later clustering of those records
obeys it. So no later evidence undoes it. A later ruling deletes the earlier rulings that it contradicts. The
id of a ruling depends only on its content: a repeated unmerge updates the actor and time of the stored
ruling, and a repeated merge raises ``MERGE_OF_ONE``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from discretion.domain.identity.evidence_reader import IdentityEvidence
from discretion.domain.identity.person_rewrite import PersonRewrite, PersonRewriter
from discretion.errors import BadRequest, NotFound
from discretion.store.identity_events import IdentityChangeKind
from discretion.store.rulings import StoredRuling
from discretion.store.transactions import PendingWrite, Session

MIN_REASON_CHARS, MAX_REASON_CHARS = 3, 500
Sides = Sequence[Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Stewardship:
    """Merges and unmerges customers."""

    rewriter: PersonRewriter

    async def merge(
        self,
        customers: Sequence[bytes],
        actor: str,
        reason: str,
        decide: Callable[[Session], Awaitable[None]] | None = None,
    ) -> bytes:
        """Merge customers into one person and return the resulting customer id.

        Args:
            customers: Customer ids; former ids of merged customers are accepted.
            actor: Who decides, such as ``steward:privacy-office``.
            reason: Why, for the record; no personal data.
            decide: Records in the same transaction the decision that asks for the merge. If it raises, nobody
                is merged.

        Raises:
            BadRequest: ``MERGE_OF_ONE``; the ids belong to one customer, such as after the same merge.
                ``MERGE_REASON``; the reason is too short or too long.
            NotFound: ``CUSTOMER_NOT_FOUND``.
        """
        if not MIN_REASON_CHARS <= len(reason.strip()) <= MAX_REASON_CHARS:
            raise BadRequest(
                "MERGE_REASON",
                f"A reason has {MIN_REASON_CHARS} to {MAX_REASON_CHARS} characters.",
                "State what shows that they are one person, such as the number of a file.",
            )

        async def work(session: Session) -> bytes:
            if decide is not None:
                await decide(session)
            # Resolved inside the transaction: an erasure or another merge meanwhile is a write conflict.
            rewrite = self.rewriter.begin(session)
            customer_ids = [await _find_customer(rewrite, customer) for customer in customers]
            if len(set(customer_ids)) < 2:
                raise BadRequest(
                    "MERGE_OF_ONE", "These ids belong to one customer.", "Give the ids of at least two."
                )
            await rewrite.reader.read_customers(customer_ids)
            sides = [
                sorted(rewrite.evidence.records_of_customer(customer))
                for customer in sorted(set(customer_ids))
            ]
            return (await _apply_ruling(rewrite, sides, actor, joined=True, reason=reason.strip()))[0]

        return await self.rewriter.stores.transactions.run(work)

    async def unmerge(self, event_id: bytes, actor: str) -> list[bytes]:
        """Separate permanently the customers whom a merge joined; return their customer ids now.

        Args:
            event_id: The id of a ``merged`` event of the identity history.
            actor: Who decides.

        Raises:
            NotFound: ``MERGE_NOT_FOUND``.
        """

        async def work(session: Session) -> list[bytes]:
            change = await self.rewriter.stores.identity_events.find(event_id, session)
            if change is None or change.kind is not IdentityChangeKind.MERGED:
                raise NotFound(
                    "MERGE_NOT_FOUND",
                    "There is no such merge.",
                    "Take the id of a `merged` event from `customer { identityHistory }`.",
                )
            # By records and not by customers: later merges may have given these records other customer ids.
            rewrite = self.rewriter.begin(session)
            await rewrite.reader.read_records(record for side in change.sides for record in side)
            return await _apply_ruling(rewrite, change.sides, actor, joined=False)

        return await self.rewriter.stores.transactions.run(work)


async def _find_customer(rewrite: PersonRewrite, customer: bytes) -> bytes:
    """Return the current customer id for an id, which may be a former one."""
    current = await rewrite.stores.people.current(customer, rewrite.session)
    if current is None:
        raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
    return current.id


async def _apply_ruling(
    rewrite: PersonRewrite, sides: Sides, actor: str, *, joined: bool, reason: str | None = None
) -> list[bytes]:
    evidence, rulings = rewrite.evidence, rewrite.stores.rulings
    named_records = {record for side in sides for record in side}
    await rewrite.reader.read_connected([], named_records)
    ruling = StoredRuling(
        _build_ruling_id(sides, joined=joined),
        joined,
        tuple(tuple(side) for side in sides),
        actor,
        rewrite.context.now_ms,
        reason,
    )
    writes: list[PendingWrite] = []
    # Clustering must see only rulings that agree: of two that contradict each other, the latest wins here.
    for ruling_id in find_contradicted_rulings(evidence.rulings.values(), sides, joined=joined):
        _remove_ruling(evidence, ruling_id)
        writes.append(rulings.plan_delete(ruling_id))
    _add_ruling(evidence, ruling, named_records)
    writes.append(rulings.plan_save(ruling))
    outcome = await rewrite.write(actor, extra_writes=writes, reason=reason)
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
