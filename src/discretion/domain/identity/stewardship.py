"""Merging and unmerging of customers by a steward.

A steward's decision is stored as a ruling about source records, and every later clustering of those records
obeys it. So no later evidence undoes it. A later ruling deletes the earlier rulings that it contradicts. The
id of a ruling depends only on its content: a repeated unmerge updates the actor and time of the stored
ruling, and a repeated merge raises ``MERGE_OF_ONE``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from discretion.domain.identity.evidence_reader import EvidenceReader, IdentityEvidence
from discretion.domain.identity.identity_events import MERGED
from discretion.domain.identity.resolution import resolve_identities
from discretion.domain.identity.unit_of_work import WriteContext
from discretion.errors import BadRequest, NotFound
from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session, WriteOperation, build_delete, build_update

Sides = Sequence[Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Stewardship:
    """Merges and unmerges customers. ``write_context`` builds the context of each transaction."""

    database: Database
    write_context: Callable[[], WriteContext]

    async def merge(self, customers: Sequence[bytes], actor: str) -> bytes:
        """Merge customers into one person and return the resulting customer id.

        Args:
            customers: Customer ids; former ids of merged customers are accepted.
            actor: Who decides, such as ``steward:privacy-office``.

        Raises:
            BadRequest: ``MERGE_OF_ONE``; the ids belong to one customer, such as after the same merge.
            NotFound: ``CUSTOMER_NOT_FOUND``.
        """

        async def work(session: Session) -> bytes:
            # Resolved inside the transaction: an erasure or another merge meanwhile is a write conflict.
            reader = self._build_reader(session)
            customer_ids = [await self._find_customer(session, customer) for customer in customers]
            if len(set(customer_ids)) < 2:
                raise BadRequest(
                    "MERGE_OF_ONE", "These ids belong to one customer.", "Give the ids of at least two."
                )
            await reader.read_customers(customer_ids)
            sides = [
                sorted(reader.evidence.records_of_customer(customer))
                for customer in sorted(set(customer_ids))
            ]
            return (await self._apply_ruling(session, reader, sides, actor, joined=True))[0]

        return await self.database.run_transaction(work)

    async def unmerge(self, event_id: bytes, actor: str) -> list[bytes]:
        """Separate permanently the customers whom a merge joined; return their customer ids now.

        Args:
            event_id: The id of a ``merged`` event of the identity history.
            actor: Who decides.

        Raises:
            NotFound: ``MERGE_NOT_FOUND``.
        """

        async def work(session: Session) -> list[bytes]:
            event = await self.database.find_one("identity_events", {"_id": event_id}, session=session)
            if event is None or event["kind"] != MERGED:
                raise NotFound(
                    "MERGE_NOT_FOUND",
                    "There is no such merge.",
                    "Take the id of a `merged` event from `customer { identityHistory }`.",
                )
            # By records and not by customers: later merges may have given these records other customer ids.
            reader = self._build_reader(session)
            await reader.read_records(record for side in event["sides"] for record in side)
            return await self._apply_ruling(session, reader, event["sides"], actor, joined=False)

        return await self.database.run_transaction(work)

    def _build_reader(self, session: Session) -> EvidenceReader:
        return EvidenceReader(self.database, session, self.write_context().catalogue.identifiers)

    async def _find_customer(self, session: Session, customer: bytes) -> bytes:
        """Return the current customer id for an id, which may be a former one."""
        query = {"$or": [{"_id": customer}, {"merged.id": customer}]}
        document = await self.database.find_one("customers", query, {"_id": 1}, session=session)
        if document is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        customer_id: bytes = document["_id"]
        return customer_id

    async def _apply_ruling(
        self, session: Session, reader: EvidenceReader, sides: Sides, actor: str, *, joined: bool
    ) -> list[bytes]:
        evidence, context = reader.evidence, self.write_context()
        named_records = {record for side in sides for record in side}
        await reader.read_connected([], named_records)
        ruling = {
            "_id": _build_ruling_id(sides, joined=joined),
            "joined": joined,
            "sides": [list(side) for side in sides],
            "by": actor,
            "at": context.now_ms,
        }
        writes: list[tuple[str, WriteOperation]] = []
        # Clustering must see only rulings that agree: of two that contradict each other, the latest wins
        # here.
        for ruling_id in find_contradicted_rulings(evidence.rulings.values(), sides, joined=joined):
            _remove_ruling(evidence, ruling_id)
            writes.append(("rulings", build_delete({"_id": ruling_id})))
        _add_ruling(evidence, ruling, named_records)
        ruling_fields = {key: value for key, value in ruling.items() if key != "_id"}
        writes.append(("rulings", build_update({"_id": ruling["_id"]}, {"$set": ruling_fields}, upsert=True)))
        resolution = await resolve_identities(
            self.database, session, context, evidence, actor, extra_writes=writes
        )
        # Resolution also covers customers who are only connected by evidence; the caller asked about these
        # records.
        return [
            customer
            for customer, person in resolution.persons.items()
            if not named_records.isdisjoint(person.records)
        ]


def find_contradicted_rulings(
    rulings: Iterable[MutableDocument], sides: Sides, *, joined: bool
) -> list[bytes]:
    """Return the ids of the earlier rulings that a new one contradicts for at least two of these records."""
    return [
        ruling["_id"]
        for ruling in rulings
        if ruling["joined"] is not joined
        and (_separates(ruling["sides"], sides) if joined else _separates(sides, ruling["sides"]))
    ]


def _separates(separating_sides: Sides, joining_sides: Sides) -> bool:
    """Return whether one ruling separates two records that another joins."""
    joined_records = {record for side in joining_sides for record in side}
    return sum(1 for side in separating_sides if not joined_records.isdisjoint(side)) > 1


def _build_ruling_id(sides: Sides, *, joined: bool) -> bytes:
    """Return the id of a ruling, which depends only on its content: 16 bytes of SHA-256."""
    canonical_sides = b"|".join(b"".join(sorted(side)) for side in sorted(map(sorted, sides)))
    return hashlib.sha256((b"joined|" if joined else b"parted|") + canonical_sides).digest()[:16]


def _add_ruling(evidence: IdentityEvidence, ruling: MutableDocument, named_records: Iterable[bytes]) -> None:
    evidence.rulings[ruling["_id"]] = ruling
    for record in evidence.records.keys() & set(named_records):
        evidence.changed_rulings[record] = sorted({*_rulings_of(evidence, record), ruling["_id"]})


def _remove_ruling(evidence: IdentityEvidence, ruling: bytes) -> None:
    del evidence.rulings[ruling]
    for record in evidence.records:
        if ruling in (record_rulings := _rulings_of(evidence, record)):
            evidence.changed_rulings[record] = [
                other_ruling for other_ruling in record_rulings if other_ruling != ruling
            ]


def _rulings_of(evidence: IdentityEvidence, record: bytes) -> Sequence[bytes]:
    if record in evidence.changed_rulings:
        return evidence.changed_rulings[record]
    rulings: Sequence[bytes] = evidence.records[record].get("rulings", ())
    return rulings
