"""A customer's own source record, with the values that they corrected and the attributes that they contest.

It names another source record of the customer (``corrects``). Identity resolution keeps the two together, so
that a correction follows the person through merges and unmerges.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.domain.identity.evidence_reader import IdentityEvidence, has_new_links
from discretion.domain.identity.person_rewrite import PersonRewrite, PersonRewriter, RecordEdit
from discretion.domain.ingest.message import Fact
from discretion.domain.profiles.source_record import build_source_record
from discretion.store.customer_codec import CustomerDocument
from discretion.store.source_record import SourceRecord
from discretion.store.transactions import Session

CORRECTION_ACTOR = f"source:{CORRECTION_SOURCE.key}"
"""Who supplied the evidence of a merge that a confirmed address brings."""


@dataclass(frozen=True, slots=True)
class CorrectableCustomer:
    """A customer as read for a correction.

    Attributes:
        rewrite: The rewrite whose evidence is the customer with all their source records.
        customer: The customer.
        own_record: Id of their own record; it is in ``evidence`` with version 0 if it does not exist yet.
    """

    rewrite: PersonRewrite
    customer: CustomerDocument
    own_record: bytes


async def read_correctable_customer(
    rewriter: PersonRewriter, session: Session, customer: bytes
) -> CorrectableCustomer | None:
    """Read a customer with their own record; None if the customer does not exist.

    Args:
        rewriter: Begins the rewrite.
        session: The transaction.
        customer: The customer's id, or a former id. The own record belongs to exactly this id.
    """
    current = await rewriter.stores.people.current(customer, session)
    if current is None:
        return None
    rewrite = rewriter.begin(session)
    await rewrite.reader.read_customers([current.id])
    evidence = rewrite.evidence
    # Derived from the id: repeated requests, also in two processes at the same time, find the same record.
    own_record = hashlib.sha256(b"discretion/self\0" + customer).digest()[:16]
    if own_record not in evidence.records:
        evidence.add_record(
            _build_own_record(own_record, customer, current.id, evidence, rewrite.context.now_ms)
        )
    return CorrectableCustomer(rewrite, evidence.customers[current.id], own_record)


async def write_record_edits(customer: CorrectableCustomer, edits: Mapping[bytes, RecordEdit]) -> None:
    """Edit records of a customer and write them with the profile that results from all records.

    Args:
        customer: The customer as read.
        edits: Edits by record id.

    Raises:
        TransactionAborted: The customer changed meanwhile; the transaction runs again from its reads.
    """
    evidence = customer.rewrite.evidence
    for record_id, edit in edits.items():
        before, edited = evidence.records[record_id], edit(evidence.records[record_id])
        evidence.edit(edited)
        # An address that the person has proven links their record like one that a source sends.
        if has_new_links(before, edited):
            evidence.mentioned[record_id] = edited
    types = customer.rewrite.context.catalogue.identifiers
    await customer.rewrite.reader.read_connected(
        evidence.find_changed_links(types),
        named={change.entry for change in evidence.find_naming_changes()},
    )
    await customer.rewrite.write(CORRECTION_ACTOR)


def _build_own_record(
    record_id: bytes, customer: bytes, customer_id: bytes, evidence: IdentityEvidence, now_ms: int
) -> SourceRecord:
    """Build a customer's own record, attached to their eldest record.

    If ``customer`` is a former id, it is attached to the record whose home that id is: after an unmerge, the
    correction belongs to the person who made it.
    """
    records = [evidence.records[record] for record in evidence.records_of_customer(customer_id)]
    # Of these, one with a number: what is attached to it may be a browser that others use as well.
    eldest = min(
        records,
        key=lambda record: (
            record.home != customer,
            record.number_assurance is None,
            record.born,
            record.id,
        ),
    )
    own_record = build_source_record(record_id, Fact(CORRECTION_SOURCE, "", now_ms, now_ms, ()), customer_id)
    return replace(own_record, corrects=eldest.id)
