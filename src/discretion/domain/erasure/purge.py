"""Workflow step ``purge``: deletes all other documents of an erased person in batches.

Each batch is one transaction that deletes messages and writes their tombstones, so that a repeated message is
never taken for a new one. The step may be repeated. Documents that are about other customers too lose what
identifies the erased person, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.domain.erasure.erasure_snapshot import ErasureSnapshot, parse_snapshot
from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome
from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session, WriteOperation, build_delete, build_update
from discretion.store.tombstones import TombstoneStore

PURGE_BATCH = 500
"""Documents that one transaction deletes."""


@dataclass(frozen=True, slots=True)
class PersonalCollection:
    """A collection of documents that are about one person only.

    Attributes:
        collection: Its name.
        member: The member that contains the ids.
        ids: The ids to look for, from a snapshot.
        is_message: The documents are messages with their message id as ``_id``; they get tombstones.
        received_member: The member with the time of receipt (ms), if a person who became a customer again may
            have documents under the same ids.
    """

    collection: str
    member: str
    ids: Callable[[ErasureSnapshot], Sequence[bytes]]
    is_message: bool = False
    received_member: str = ""


PERSONAL_COLLECTIONS: tuple[PersonalCollection, ...] = (
    PersonalCollection("events", "customer", lambda snapshot: snapshot.customers, is_message=True),
    PersonalCollection(
        "messages", "record", lambda snapshot: snapshot.records, is_message=True, received_member="t"
    ),
    PersonalCollection(
        "dead_letters",
        "marks",
        # Not by shared identifiers: a dead letter with one of those may be about another customer.
        lambda snapshot: snapshot.own_identifiers,
        is_message=True,
        received_member="received",
    ),
    PersonalCollection("suggestions", "customers", lambda snapshot: snapshot.customers),
    PersonalCollection("packages", "customer", lambda snapshot: snapshot.customers),
    PersonalCollection("package_links", "customer", lambda snapshot: snapshot.customers),
)
"""The collections whose documents are deleted."""


@dataclass(frozen=True, slots=True)
class PurgeCollections:
    """The step ``purge``: delete or shrink the remaining documents of the person in batches."""

    database: Database
    tombstones: TombstoneStore
    collections: Sequence[PersonalCollection] = PERSONAL_COLLECTIONS

    async def run(self, document: Mapping[str, Any], lease: Lease) -> StepOutcome:
        """Delete or shrink the documents of the person in the snapshot.

        Returns:
            The number of changed documents by collection. Each transaction saves its part in the request
            (``result.purged``), so that a repeated step continues the count.
        """
        if "snapshot" not in document:
            return StepDone()
        snapshot = parse_snapshot(document["snapshot"])
        counts = dict(document.get("result", {}).get("purged", {}))
        returned_at = await self._find_return_time(snapshot)
        for personal in self.collections:
            query: MutableDocument = {personal.member: {"$in": list(personal.ids(snapshot))}}
            if personal.received_member and returned_at is not None:
                # The person is a customer again: what came since then is not part of this erasure.
                query[personal.received_member] = {"$lt": returned_at}
            await self._purge_collection(personal, query, snapshot, lease, counts)
            lease.checkpoint(personal.collection)
        for collection, shared in SHARED_COLLECTIONS.items():
            query = shared.build_query(snapshot)
            if collection == "consents" and returned_at is not None:
                query["received"] = {"$lt": returned_at}
            await self._shrink_collection(collection, query, snapshot, lease, counts)
            lease.checkpoint(collection)
        await self._clear_requests(document["_id"], snapshot)
        lease.checkpoint("requests")
        return StepDone(counts)

    async def _find_return_time(self, snapshot: ErasureSnapshot) -> int | None:
        """Return since when (ms) the person is a customer again, or None."""
        tombstone_ids = {
            erased_id: self.tombstones.id_of(erased_id)
            for erased_id in (*snapshot.records, *snapshot.own_identifiers)
        }
        tombstones = await self.tombstones.find_by_mark(tombstone_ids)
        return min(
            (tombstone.back_at for tombstone in tombstones.values() if tombstone.back_at is not None),
            default=None,
        )

    async def _purge_collection(
        self,
        personal: PersonalCollection,
        query: MutableDocument,
        snapshot: ErasureSnapshot,
        lease: Lease,
        counts: dict[str, int],
    ) -> None:
        deleted = counts.get(personal.collection, 0)

        async def delete_batch(session: Session) -> int:
            documents = await self.database.find(
                personal.collection, query, {"_id": 1}, limit=PURGE_BATCH, session=session
            )
            ids = [document["_id"] for document in documents]
            # In the same transaction: without its tombstone a repeated message would be taken in as new.
            if ids and personal.is_message:
                await self.tombstones.write(self.tombstones.build_erasures(ids, snapshot.taken_at), session)
            if ids:
                await self.database.delete_many(personal.collection, {"_id": {"$in": ids}}, session=session)
                # In the transaction and under the fence: a worker that lost its
                # lease deletes and counts nothing.
                await lease.save({f"result.purged.{personal.collection}": deleted + len(ids)}, session)
            return len(ids)

        while batch := await self.database.run_transaction(delete_batch):
            # Added after the commit: `delete_batch` may run several times for one batch.
            deleted = counts[personal.collection] = deleted + batch
            lease.checkpoint(f"{personal.collection}.batch")

    async def _shrink_collection(
        self,
        collection: str,
        query: MutableDocument,
        snapshot: ErasureSnapshot,
        lease: Lease,
        counts: dict[str, int],
    ) -> None:
        shared, changed_before = SHARED_COLLECTIONS[collection], counts.get(collection, 0)

        async def shrink_documents(session: Session) -> int:
            documents = await self.database.find(collection, query, session=session)
            writes = shared.build_writes(documents, snapshot)
            if not writes:
                return 0
            await self.database.bulk_write(collection, writes, session=session)
            if collection == "rulings":
                await self._detach_rulings(documents, snapshot, session)
            await lease.save({f"result.purged.{collection}": changed_before + len(writes)}, session)
            return len(writes)

        if changed := await self.database.run_transaction(shrink_documents):
            counts[collection] = changed_before + changed

    async def _detach_rulings(
        self, rulings: Sequence[MutableDocument], snapshot: ErasureSnapshot, session: Session
    ) -> None:
        """Remove deleted rulings from the source records of other customers that they named."""
        deleted_rulings = [
            ruling["_id"]
            for ruling in rulings
            if not _is_ruling_meaningful(_remove_erased_records(ruling, snapshot), ruling)
        ]
        living_records = sorted(
            {
                record
                for ruling in rulings
                for side in _remove_erased_records(ruling, snapshot)
                for record in side
            }
        )
        if deleted_rulings and living_records:
            writes = [
                build_update({"_id": record}, {"$pullAll": {"rulings": deleted_rulings}, "$inc": {"v": 1}})
                for record in living_records
            ]
            await self.database.bulk_write("source_records", writes, session=session)

    async def _clear_requests(self, request: bytes, snapshot: ErasureSnapshot) -> None:
        """Delete the sealed parts of the person's other requests. The requests stay as evidence."""
        query = {"customer": {"$in": list(snapshot.customers)}, "_id": {"$ne": request}}
        requests = await self.database.find("requests", query, {"_id": 1})
        change = {"$set": {"sealed": {}}, "$unset": {"callback": "", "code": ""}}
        await self.database.bulk_write(
            "requests", [build_update({"_id": other["_id"]}, change) for other in requests]
        )


@dataclass(frozen=True, slots=True)
class SharedCollection:
    """How documents that may be about other customers too lose what identifies the erased person."""

    build_query: Callable[[ErasureSnapshot], MutableDocument]
    build_writes: Callable[[Iterable[MutableDocument], ErasureSnapshot], list[WriteOperation]]


def _remove_erased_records(document: Mapping[str, Any], snapshot: ErasureSnapshot) -> list[list[bytes]]:
    """Return the sides of a ruling or merge without erased records; empty sides are left out."""
    erased_records = set(snapshot.records)
    return [
        remaining
        for side in document["sides"]
        if (remaining := [record for record in side if record not in erased_records])
    ]


def _is_ruling_meaningful(sides: Sequence[Sequence[bytes]], ruling: Mapping[str, Any]) -> bool:
    """Return whether a ruling still has an effect: it joins or separates at least two records."""
    return sum(map(len, sides)) > 1 if ruling["joined"] else len(sides) > 1


def _build_ruling_writes(
    rulings: Iterable[MutableDocument], snapshot: ErasureSnapshot
) -> list[WriteOperation]:
    return [
        build_update({"_id": ruling["_id"]}, {"$set": {"sides": sides}})
        if _is_ruling_meaningful(sides := _remove_erased_records(ruling, snapshot), ruling)
        else build_delete({"_id": ruling["_id"]})
        for ruling in rulings
        if not set(snapshot.records).isdisjoint(record for side in ruling["sides"] for record in side)
    ]


def _build_history_writes(
    identity_events: Iterable[MutableDocument], snapshot: ErasureSnapshot
) -> list[WriteOperation]:
    customers, own_identifiers = set(snapshot.customers), set(snapshot.own_identifiers)
    writes = []
    for identity_event in identity_events:
        living = [customer for customer in identity_event["customers"] if customer not in customers]
        if not living:
            writes.append(build_delete({"_id": identity_event["_id"]}))
            continue
        evidence = [item for item in identity_event["evidence"] if item["entry"] not in own_identifiers]
        change = {
            "customers": living,
            "sides": _remove_erased_records(identity_event, snapshot),
            "evidence": evidence,
        }
        writes.append(build_update({"_id": identity_event["_id"]}, {"$set": change}))
    return writes


def _build_statement_writes(
    statements: Iterable[MutableDocument], snapshot: ErasureSnapshot
) -> list[WriteOperation]:
    """Delete statements that only erased records have; remove the customer and those records from others."""
    erased_records, customers = set(snapshot.records), set(snapshot.customers)
    writes = []
    for statement in statements:
        living = [record for record in statement["records"] if record not in erased_records]
        if not living:
            writes.append(build_delete({"_id": statement["_id"]}))
            continue
        customer_change = {"customer": b""} if statement["customer"] in customers else {}
        writes.append(
            build_update({"_id": statement["_id"]}, {"$set": {"records": living, **customer_change}})
        )
    return writes


SHARED_COLLECTIONS: Mapping[str, SharedCollection] = {
    "rulings": SharedCollection(
        lambda snapshot: {"_id": {"$in": list(snapshot.rulings)}}, _build_ruling_writes
    ),
    "identity_events": SharedCollection(
        lambda snapshot: {"customers": {"$in": list(snapshot.customers)}}, _build_history_writes
    ),
    "consents": SharedCollection(
        lambda snapshot: {"records": {"$in": list(snapshot.records)}}, _build_statement_writes
    ),
}
"""The collections whose documents are shrunk."""
