"""Workflow step ``depart``: one transaction after which no read finds the person.

It deletes the customer under the version it read. Taking in a message of that person changes the same
customer document, so of two such transactions that overlap, one is repeated from its reads. A message that
commits first is erased with the rest; one that commits second finds the tombstones. The other documents of
the person are purged by a later step, from the snapshot that this step stores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.domain.erasure.erasure_snapshot import ErasureSubject, read_erasure_subject
from discretion.domain.identity.unit_of_work import WriteContext
from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome
from discretion.domain.legal_retention.retained_items import (
    RetainedByOrder,
    build_retained_documents,
    select_retained,
)
from discretion.domain.recipients.disclosed_attributes import derive_ledger_pseudonyms
from discretion.domain.recipients.notification_steps import PSEUDONYMS_FIELD, build_pseudonym_snapshot
from discretion.law.jurisdiction import Lawbook
from discretion.store.document import Document
from discretion.store.driver.database import (
    Database,
    Session,
    WriteOperation,
    build_delete,
    build_insert,
    build_update,
)
from discretion.store.driver.error_translation import TransactionAborted
from discretion.store.erasures import ErasureStore
from discretion.store.tombstones import TombstoneStore

Writes = dict[str, list[WriteOperation]]


@dataclass(frozen=True, slots=True)
class DeleteProfile:
    """The step ``depart``: delete the profile and its source records in one transaction."""

    database: Database
    build_context: Callable[[], WriteContext]
    lawbook: Lawbook
    tombstones: TombstoneStore

    async def run(self, document: Document, lease: Lease) -> StepOutcome:
        """Delete the profile of the person and store the snapshot; do nothing if there is a snapshot already.

        Returns:
            ``{"found": bool, "records": int, "held": [...]}``; ``held`` is what another law retains, as
            ``{law, why, until, and the number of items by kind}``. ``{"found": False}`` if there is no
            customer.
        """
        if "snapshot" in document:
            return StepDone()

        async def delete_profile(session: Session) -> dict[str, Any]:
            context = self.build_context()
            await self._lock_customer(session, document["customer"])
            subject = await read_erasure_subject(
                self.database, session, context.catalogue, document["customer"], context.now_ms
            )
            if subject is None:
                result: dict[str, Any] = {"found": False}
                await lease.complete_step(result, session)
                return result
            result = await self._erase(session, context, subject, document["_id"])
            names = build_pseudonym_snapshot(derive_ledger_pseudonyms(context.buckets, subject.customer))
            await lease.save(
                {"snapshot": {**subject.snapshot.to_document(), PSEUDONYMS_FIELD: names}}, session
            )
            # An erasure becomes durable in this order: this document, the line in
            # the ledger, the mark "logged".
            await ErasureStore(self.database).record(document["_id"], context.now_ms, session)
            lease.checkpoint("written")
            await lease.complete_step(result, session)
            return result

        return StepDone(await self.database.run_transaction(delete_profile))

    async def _lock_customer(self, session: Session, customer: bytes) -> None:
        """Change the customer document before the other reads, so that messages wait for this transaction.

        Otherwise a sender who never pauses could make this transaction fail again and again.
        """
        query = {"$or": [{"_id": customer}, {"merged.id": customer}]}
        await self.database.update_one("customers", query, {"$inc": {"v": 1}}, session=session)

    async def _erase(
        self, session: Session, context: WriteContext, subject: ErasureSubject, request: bytes
    ) -> dict[str, Any]:
        snapshot = subject.snapshot
        retained = await self._select_retained(session, context, subject)
        owner = (
            subject.customer["_id"],
            context.buckets.unwrap(subject.customer["_id"], subject.customer["key"]),
        )
        if retained:
            # The keys of retained documents are wrapped here. A rotation before the commit could destroy the
            # bucket key they are wrapped under.
            await context.buckets.block_rotation(self.database.end_callbacks(session))
        retained_documents = build_retained_documents(context, retained, owner, request)
        # A dead letter, or a message whose identifier too many records share, changes no customer document.
        # The gate documents make it conflict with this transaction.
        erased_ids = [*snapshot.own_identifiers, *snapshot.records]
        writes: Writes = {
            "tombstones": [
                *self.tombstones.build_erasures(erased_ids, snapshot.taken_at),
                *self.tombstones.build_gate_updates(snapshot.own_identifiers),
            ],
            "customers": [build_delete({"_id": subject.customer["_id"], "v": subject.customer["v"]})],
            "source_records": [build_delete({"_id": record}) for record in snapshot.records],
            "identifiers": _build_identifier_writes(subject),
            "held": [build_insert(document) for document in retained_documents],
            "holds": await self._build_hold_writes(session, snapshot.customers),
        }
        # One transaction: a message of the same person either commits before it and is erased with the rest,
        # or finds the tombstones.
        for collection, operations in writes.items():
            written = await self.database.bulk_write(collection, operations, session=session)
            if collection == "customers" and written.affected != 1:
                raise TransactionAborted(
                    "STORE_UNAVAILABLE", "A customer changed while they were being erased."
                )
        return {"found": True, "records": len(snapshot.records), "held": _count_retained(retained)}

    async def _select_retained(
        self, session: Session, context: WriteContext, subject: ErasureSubject
    ) -> RetainedByOrder:
        by_customer = {"customer": {"$in": list(subject.snapshot.customers)}}
        holds = await self.database.find("holds", by_customer, session=session)
        query = (
            by_customer
            if holds
            else {**by_customer, "type": {"$in": self._list_retained_event_types(subject.snapshot.laws)}}
        )
        events = await self.database.find("events", query, session=session)
        return select_retained(
            self.lawbook, subject.snapshot.laws, events, subject.records, holds, context.now_ms
        )

    def _list_retained_event_types(self, laws: Sequence[str]) -> list[str]:
        return sorted(
            {
                event
                for law in laws
                for rule in self.lawbook.find_jurisdiction(law).retention_rules
                for event in rule.events
            }
        )

    async def _build_hold_writes(self, session: Session, customers: Sequence[bytes]) -> list[WriteOperation]:
        """Return the updates that remove the customer from legal holds; ``held`` refers to the holds."""
        query = {"customer": {"$in": list(customers)}}
        holds = await self.database.find("holds", query, {"_id": 1}, session=session)
        change = {"$unset": {"customer": ""}, "$set": {"records": [], "events": []}}
        return [build_update({"_id": hold["_id"]}, change) for hold in holds]


def _build_identifier_writes(subject: ErasureSubject) -> list[WriteOperation]:
    """Return deletions of the person's own identifiers; shared identifiers only lose the person's records."""
    names = set(subject.snapshot.own_identifiers)
    records, customers = list(subject.snapshot.records), set(subject.snapshot.customers)
    writes = []
    for identifier in subject.identifiers:
        if identifier["_id"] in names:
            writes.append(build_delete({"_id": identifier["_id"]}))
            continue
        change: dict[str, Any] = {"$pullAll": {"records": records}}
        if identifier.get("customer") in customers:
            change["$unset"] = {"customer": ""}
        writes.append(build_update({"_id": identifier["_id"]}, change))
    return writes


def _count_retained(retained: RetainedByOrder) -> list[dict[str, Any]]:
    """Return how much is retained, under which law and until when; no personal data."""
    return [
        {
            "law": order.law,
            "why": order.provision,
            **({} if order.until is None else {"until": order.until}),
            **dict(sorted(Counter(item.kind for item in items).items())),
        }
        for order, items in retained.items()
    ]
