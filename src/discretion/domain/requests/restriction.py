"""Restriction of processing, and lifting it (GDPR Art. 18).

Restricted data stays stored and is used only for what the law demands. The restriction is stored with the
data, so the next read in any process observes it. Every source record of the customer carries the flag, so
that it survives a merge of profiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from discretion.domain.identity.assignment import resolve_persons
from discretion.domain.identity.evidence_reader import EvidenceReader
from discretion.domain.identity.unit_of_work import UnitOfWork, WriteContext
from discretion.store.driver.database import Database, Session, build_update


@dataclass(frozen=True, slots=True)
class ProcessingRestriction:
    """Sets and lifts the restriction of a customer."""

    database: Database
    build_write_context: Callable[[], WriteContext]

    async def apply(self, customer: bytes, session: Session, *, restricted: bool = True) -> bool:
        """Set or lift the restriction of a customer within a transaction.

        Args:
            customer: Current or former id of the customer.
            session: The transaction.
            restricted: False lifts the restriction.

        Returns:
            Whether the customer exists.
        """
        customer_query = {"$or": [{"_id": customer}, {"merged.id": customer}]}
        customer_document = await self.database.find_one(
            "customers", customer_query, {"_id": 1}, session=session
        )
        if customer_document is None:
            return False
        context = self.build_write_context()
        evidence_reader = EvidenceReader(self.database, session, context.catalogue.identifiers)
        await evidence_reader.read_customers([customer_document["_id"]])
        evidence = evidence_reader.evidence
        resolved_people = resolve_persons(
            evidence, (), context.catalogue.identifiers, sorted(evidence.records)
        )
        # Opened only after the persons are resolved: a restriction changes nobody's identity, but without
        # open records ``write_person`` would narrow the evidence to the attributes of messages.
        evidence.open_records |= evidence.records.keys()
        unit_of_work = UnitOfWork(context, evidence)
        for record_id, record in evidence.records.items():
            evidence.records[record_id] = {**record, "restricted": restricted}
            change = {"$set": {"restricted": restricted}, "$inc": {"v": 1}}
            unit_of_work.add("source_records", build_update({"_id": record_id}, change))
        for person in resolved_people:
            await unit_of_work.write_person(session, self.database, person, ())
        await unit_of_work.send(session, self.database)
        return True
