"""Joins by customers themselves: they have proven that two source records are theirs.

Such a join is a ruling like a steward's (``ruling_writer``), with one difference: a steward who has separated
records decided on more than a login or a code shows. So a customer's join never deletes that ruling.
"""

from __future__ import annotations

from dataclasses import dataclass

from discretion.domain.identity.person_rewrite import PersonRewrite, PersonRewriter
from discretion.domain.identity.ruling import Grounds
from discretion.domain.identity.ruling_writer import (
    Sides,
    find_contradicted_rulings,
    join_customers,
    read_sides,
)
from discretion.domain.profiles.proving_records import select_proving_records
from discretion.errors import Conflict, NotFound
from discretion.store.identity_events import LinkEvidence
from discretion.store.transactions import Session

CUSTOMER_ACTOR = "customer"
"""Who made such a join, in the identity history."""


@dataclass(frozen=True, slots=True)
class ProvenRecord:
    """A source record that a person has proven to be theirs, and the blind index of what proved it."""

    record: bytes
    entry: bytes


@dataclass(frozen=True, slots=True)
class PersonalJoins:
    """Joins the people of two source records, in one transaction each."""

    rewriter: PersonRewriter

    async def join(self, own: ProvenRecord, other: ProvenRecord, reason: str) -> bytes:
        """Join the customers who have two records, and return the resulting customer id.

        Records of one customer are left as they are, so a repetition changes nothing.

        Args:
            own: The record of the login that asks.
            other: The record that is joined to it.
            reason: What the person has done to prove it, for the identity history.

        Raises:
            NotFound: ``RECORD_UNKNOWN``; a record was erased meanwhile.
            Conflict: ``JOIN_SEPARATED``; a steward has separated records of these customers.
                ``RECORD_ATTACHED``; a record only follows another one with an account or loyalty number.
        """
        return await self._run(own, other, reason)

    async def check(self, own: ProvenRecord, other: ProvenRecord) -> None:
        """Check that two records can be joined, and change nothing; errors as of ``join``."""
        await self._run(own, other, None)

    async def _run(self, own: ProvenRecord, other: ProvenRecord, reason: str | None) -> bytes:
        """Join two records; without a reason, only check that they can be joined."""

        async def work(session: Session) -> bytes:
            rewrite = self.rewriter.begin(session)
            # Resolved inside the transaction: an erasure or another merge meanwhile is a write conflict.
            await rewrite.reader.read_records([own.record, other.record])
            records = rewrite.evidence.records
            if not {own.record, other.record} <= records.keys():
                raise build_unknown_record_error()
            customers = {records[own.record].customer, records[other.record].customer}
            if len(customers) < 2:
                return records[own.record].customer
            # By all records of both: what was separated may be another card or account than these two.
            sides = await read_sides(rewrite, customers)
            _require_proving_records(rewrite, sides, own, other)
            await rewrite.reader.read_connected([], [record for side in sides for record in side])
            if find_contradicted_rulings(rewrite.evidence.rulings.values(), sides, joined=True):
                raise Conflict(
                    "JOIN_SEPARATED",
                    "The privacy office has decided that these records are not of one person.",
                    "Ask the privacy office to decide again.",
                )
            if reason is None:
                return records[own.record].customer
            grounds = Grounds(reason, _list_evidence(rewrite, own, other))
            return await join_customers(rewrite, customers, CUSTOMER_ACTOR, grounds)

        return await self.rewriter.stores.transactions.run(work)


def build_unknown_record_error() -> NotFound:
    """Return the error about a record that does not exist, or that the customer may not ask for."""
    return NotFound("RECORD_UNKNOWN", "There is no such record.", "Query `me { mayBeYours { id } }` again.")


def _require_proving_records(rewrite: PersonRewrite, sides: Sides, *proven: ProvenRecord) -> None:
    """Check that each record counts for its customer, who is joined as a whole.

    Raises:
        Conflict: ``RECORD_ATTACHED``.
    """
    records = [rewrite.evidence.records[record] for side in sides for record in side]
    proving = {record.id for record in select_proving_records(records)}
    if not {each.record for each in proven} <= proving:
        raise Conflict(
            "RECORD_ATTACHED",
            "The record is attached to an account or a card, which has not confirmed the address.",
            "Ask the privacy office to join the two.",
        )


def _list_evidence(rewrite: PersonRewrite, *proven: ProvenRecord) -> tuple[LinkEvidence, ...]:
    records = rewrite.evidence.records
    return tuple(
        LinkEvidence(identifier.type, identifier.entry, records[each.record].source, identifier.assurance)
        for each in proven
        for identifier in records[each.record].identifiers
        if identifier.entry == each.entry
    )
