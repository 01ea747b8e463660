"""Erasure of people in a restored database: their own documents, and their part in documents about others.

No server runs on the database meanwhile, so no transactions are needed. An interrupted replay is started
again from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from discretion.domain.identity.assignment import resolve_persons
from discretion.domain.identity.evidence_reader import EvidenceReader
from discretion.domain.identity.unit_of_work import UnitOfWork, WriteContext
from discretion.seal.blind_index import BlindIndex
from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session, WriteOperation, build_delete, build_update

REPLAY_BATCH = 200
"""Customers, records or dead letters that are processed at a time."""

_PERSONAL_COLLECTIONS = (
    ("customers", "_id"),
    ("source_records", "customer"),
    ("events", "customer"),
    ("suggestions", "customers"),
)
"""Collections whose documents are about one customer only, with the member that contains the customer id."""


@dataclass(frozen=True, slots=True)
class ErasedIds:
    """The ids to erase, and the tombstones to write: time of erasure (ms) by tombstone id."""

    customers: frozenset[bytes] = frozenset()
    records: frozenset[bytes] = frozenset()
    tombstones: Mapping[bytes, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ErasureReplay:
    """Deletes erased people from a restored database."""

    database: Database
    blind_index: BlindIndex
    build_context: Callable[[], WriteContext]

    async def run(self, erased: ErasedIds) -> None:
        """Write the tombstones, then delete the customers, records and dead letters."""
        # An existing tombstone stays unchanged: the person may have become a customer again since (`back`).
        tombstone_writes: list[WriteOperation] = [
            build_update({"_id": tombstone}, {"$setOnInsert": {"at": at}}, upsert=True)
            for tombstone, at in sorted(erased.tombstones.items())
        ]
        await self.database.bulk_write("tombstones", tombstone_writes)
        for customers, records in _split_batches(erased):
            await self._erase_batch(customers, records, erased)
        if erased.tombstones:
            await self._erase_dead_letters(erased.tombstones)

    async def _erase_batch(
        self, customers: Sequence[bytes], named_records: Sequence[bytes], erased: ErasedIds
    ) -> None:
        """Erase some customers and some source records. The records may belong to other customers."""
        query = {"$or": [{"customer": {"$in": customers}}, {"_id": {"$in": named_records}}]}
        record_documents = await self.database.find("source_records", query, {"customer": 1})
        records = sorted({*named_records, *(document["_id"] for document in record_documents)})
        # After a merge and a split, an erased record may have belonged to a customer who is not erased.
        living_customers = {document["customer"] for document in record_documents} - erased.customers
        for collection, member in _PERSONAL_COLLECTIONS:
            await self.database.delete_many(collection, {member: {"$in": customers}})
        await self.database.delete_many("source_records", {"_id": {"$in": records}})
        for collection in ("events", "messages"):
            await self.database.delete_many(collection, {"record": {"$in": records}})
        await self._erase_identifiers(customers, records)
        await self._shrink_documents("rulings", {}, lambda ruling: _build_ruling_change(ruling, set(records)))
        by_customer = {"customers": {"$in": customers}}
        await self._shrink_documents(
            "identity_events",
            by_customer,
            lambda event: _build_identity_event_change(event, set(customers), set(records)),
        )
        by_record = {"records": {"$in": records}}
        await self._shrink_documents(
            "consents",
            by_record,
            lambda statement: _build_statement_change(statement, erased.customers, set(records)),
        )
        # The requests themselves stay, as evidence that they were made.
        change = {"$set": {"sealed": {}}, "$unset": {"callback": "", "code": ""}}
        requests = await self.database.find("requests", {"customer": {"$in": customers}}, {"_id": 1})
        await self.database.bulk_write(
            "requests", [build_update({"_id": request["_id"]}, change) for request in requests]
        )
        # Last: these profiles are computed from the records that remain.
        for customer in sorted(living_customers):
            await self._rebuild_profile(customer)

    async def _erase_identifiers(self, customers: Sequence[bytes], records: Sequence[bytes]) -> None:
        query = {"$or": [{"customer": {"$in": customers}}, {"records": {"$in": records}}]}
        writes: list[WriteOperation] = []
        for identifier in await self.database.find("identifiers", query):
            if set(identifier["records"]) <= set(records):
                writes.append(build_delete({"_id": identifier["_id"]}))
                continue
            unset = {"$unset": {"customer": ""}} if identifier.get("customer") in customers else {}
            writes.append(
                build_update({"_id": identifier["_id"]}, {"$pullAll": {"records": records}, **unset})
            )
        await self.database.bulk_write("identifiers", writes)

    async def _shrink_documents(
        self,
        collection: str,
        query: MutableDocument,
        build_change: Callable[[MutableDocument], MutableDocument | None],
    ) -> None:
        """Apply a change to documents about several people; delete those that are about nobody else."""
        writes: list[WriteOperation] = []
        for document in await self.database.find(collection, query):
            change = build_change(document)
            if change is None:
                writes.append(build_delete({"_id": document["_id"]}))
            elif change:
                writes.append(build_update({"_id": document["_id"]}, {"$set": change}))
        await self.database.bulk_write(collection, writes)

    async def _erase_dead_letters(self, tombstones: Mapping[bytes, int]) -> None:
        """Delete refused messages that name an erased person. All are read: they are few and short-lived."""
        dead_letter_batches = self.database.stream("dead_letters", {}, {"marks": 1}, batch_size=REPLAY_BATCH)
        async for batch in dead_letter_batches:
            dead_letter_ids = [
                dead_letter["_id"]
                for dead_letter in batch
                if any(self._compute_tombstone_id(mark) in tombstones for mark in dead_letter["marks"])
            ]
            await self.database.delete_many("dead_letters", {"_id": {"$in": dead_letter_ids}})

    def _compute_tombstone_id(self, mark: bytes) -> bytes:
        return self.blind_index.index("tombstone", mark.hex())

    async def _rebuild_profile(self, customer: bytes) -> None:
        """Rebuild the profile of a remaining customer who had a source record of an erased person."""

        async def rebuild_profile(session: Session) -> None:
            context = self.build_context()
            evidence_reader = EvidenceReader(self.database, session, context.catalogue.identifiers)
            await evidence_reader.read_customers([customer])
            evidence = evidence_reader.evidence
            people = resolve_persons(evidence, (), context.catalogue.identifiers, sorted(evidence.records))
            # Opened only after the persons are resolved: the replay changes nobody's identity, but without
            # open records `write_person` would narrow the evidence to the attributes of messages.
            evidence.open_records |= evidence.records.keys()
            unit_of_work = UnitOfWork(context, evidence)
            for person in people:
                await unit_of_work.write_person(session, self.database, person, ())
            if not people:
                unit_of_work.add("customers", build_delete({"_id": customer}))
            await unit_of_work.send(session, self.database)

        await self.database.run_transaction(rebuild_profile)


def _split_batches(erased: ErasedIds) -> Iterable[tuple[list[bytes], list[bytes]]]:
    customers, records = sorted(erased.customers), sorted(erased.records)
    for start in range(0, max(len(customers), len(records)), REPLAY_BATCH):
        batch = slice(start, start + REPLAY_BATCH)
        yield customers[batch], records[batch]


def _remove_erased_records(document: MutableDocument, records: set[bytes]) -> list[list[bytes]]:
    return [
        remaining
        for side in document["sides"]
        if (remaining := [record for record in side if record not in records])
    ]


def _build_ruling_change(ruling: MutableDocument, records: set[bytes]) -> MutableDocument | None:
    sides = _remove_erased_records(ruling, records)
    if sides == ruling["sides"]:
        return {}
    is_meaningful = sum(map(len, sides)) > 1 if ruling["joined"] else len(sides) > 1
    return {"sides": sides} if is_meaningful else None


def _build_identity_event_change(
    identity_event: MutableDocument, customers: set[bytes], records: set[bytes]
) -> MutableDocument | None:
    living = [customer for customer in identity_event["customers"] if customer not in customers]
    return (
        {"customers": living, "sides": _remove_erased_records(identity_event, records), "evidence": []}
        if living
        else None
    )


def _build_statement_change(
    statement: MutableDocument, customers: AbstractSet[bytes], records: set[bytes]
) -> MutableDocument | None:
    living = [record for record in statement["records"] if record not in records]
    if not living:
        return None
    return {"records": living, **({"customer": b""} if statement["customer"] in customers else {})}
