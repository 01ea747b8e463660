"""A customer's own source record, with the values that they corrected and the attributes that they contest.

Its member ``of`` names another source record of the customer. Identity resolution keeps the two together, so
that a correction follows the person through merges and unmerges.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.domain.identity.assignment import resolve_persons
from discretion.domain.identity.evidence_reader import EvidenceReader, IdentityEvidence
from discretion.domain.identity.unit_of_work import UnitOfWork, WriteContext
from discretion.domain.ingest.message import Fact
from discretion.domain.profiles.document_update import build_document_update
from discretion.domain.profiles.source_record import build_source_record
from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session, build_insert, build_update

RecordEdit = Callable[[MutableDocument], MutableDocument]
"""``record -> edited record``; it must not change its argument."""


@dataclass(frozen=True, slots=True)
class CorrectableCustomer:
    """A customer as read for a correction.

    Attributes:
        evidence: The customer with all their source records.
        customer: The customer's document.
        own_record: Id of their own record; it is in ``evidence`` with version 0 if it does not exist yet.
    """

    evidence: IdentityEvidence
    customer: MutableDocument
    own_record: bytes


async def read_correctable_customer(
    database: Database, session: Session, context: WriteContext, customer: bytes
) -> CorrectableCustomer | None:
    """Read a customer with their own record; None if the customer does not exist.

    Args:
        database: The database.
        session: The transaction.
        context: The write context.
        customer: The customer's id, or a former id. The own record belongs to exactly this id.
    """
    query = {"$or": [{"_id": customer}, {"merged.id": customer}]}
    document = await database.find_one("customers", query, {"_id": 1}, session=session)
    if document is None:
        return None
    reader = EvidenceReader(database, session, context.catalogue.identifiers)
    await reader.read_customers([document["_id"]])
    evidence, customer_id = reader.evidence, document["_id"]
    # Derived from the id: repeated requests, also in two processes at the same time, find the same record.
    own_record = hashlib.sha256(b"discretion/self\0" + customer).digest()[:16]
    if own_record not in evidence.records:
        evidence.add_record(_build_own_record(own_record, customer, customer_id, evidence, context.now_ms))
    return CorrectableCustomer(evidence, evidence.customers[customer_id], own_record)


async def write_record_edits(
    database: Database,
    session: Session,
    context: WriteContext,
    customer: CorrectableCustomer,
    edits: Mapping[bytes, RecordEdit],
) -> None:
    """Edit records of a customer and write them with the profile that results from all records.

    Args:
        database: The database.
        session: The transaction in which the customer was read.
        context: The write context.
        customer: The customer as read.
        edits: Edits by record id.

    Raises:
        TransactionAborted: The customer changed meanwhile; the transaction runs again from its reads.
    """
    evidence = customer.evidence
    # Resolved before any record is open: a correction changes nobody's identity. Opened afterwards, so that
    # ``write_person`` does not narrow the evidence to the attributes of messages, of which there are none.
    persons = resolve_persons(evidence, (), context.catalogue.identifiers, sorted(evidence.records))
    evidence.open_records |= evidence.records.keys()
    unit_of_work = UnitOfWork(context, evidence)
    for record_id, edit in edits.items():
        before = evidence.records[record_id]
        after = evidence.records[record_id] = edit(before)
        # Version 0 was built here and is not stored yet; an insert fails if another process was faster.
        if before["v"] == 0:
            unit_of_work.add("source_records", build_insert({**after, "v": 1}))
        elif change := build_document_update(before, after):
            versioned = {**change, "$inc": {"v": 1}}
            unit_of_work.add("source_records", build_update({"_id": record_id, "v": before["v"]}, versioned))
    for person in persons:
        await unit_of_work.write_person(session, database, person, ())
    await unit_of_work.send(session, database)


def _build_own_record(
    record_id: bytes, customer: bytes, customer_id: bytes, evidence: IdentityEvidence, now_ms: int
) -> MutableDocument:
    """Build a customer's own record, attached to their eldest record.

    If ``customer`` is a former id, it is attached to the record whose home that id is: after an unmerge, the
    correction belongs to the person who made it.
    """
    records = [evidence.records[record] for record in evidence.records_of_customer(customer_id)]
    eldest = min(records, key=lambda record: (record.get("home") != customer, record["born"], record["_id"]))
    return {
        **build_source_record(record_id, Fact(CORRECTION_SOURCE, "", now_ms, now_ms, ()), customer_id),
        "of": eldest["_id"],
    }
