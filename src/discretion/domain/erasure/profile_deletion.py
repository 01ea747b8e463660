"""Workflow step ``depart``: one transaction after which no read finds the person.

It takes the person out of the places of the map that belong to this stage. Its first write is to the
customer document, which taking in a message of that person changes too, so of two such transactions that
overlap, one is repeated from its reads. A message that commits first is erased with the rest; one that
commits second finds the tombstones. The other places are purged by a later step, from the snapshot that this
step stores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from discretion.domain.erasure.erasure_snapshot import ErasureSubject, read_erasure_subject
from discretion.domain.identity.unit_of_work import WriteContext
from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome
from discretion.domain.legal_retention.retained_items import (
    RetainedByOrder,
    build_retained_documents,
    select_retained,
)
from discretion.domain.recipients.person_names import PersonNameReader
from discretion.law.jurisdiction import Lawbook
from discretion.seal.cell_transfer import CellOwner
from discretion.store.document import JsonValue
from discretion.store.erasures import ErasureStore
from discretion.store.legal_holds import LegalHoldStore
from discretion.store.person_stores import PersonStores
from discretion.store.places.eraser import Erasure, PlaceEraser
from discretion.store.places.place import Stage
from discretion.store.places.place_map import list_removal_places
from discretion.store.retained_data import RetainedDataStore
from discretion.store.subject_request import StepProgress, SubjectRequest
from discretion.store.tombstones import TombstoneStore
from discretion.store.transactions import Session


@dataclass(frozen=True, slots=True)
class DeleteProfile:
    """The step ``depart``: delete the profile and its source records in one transaction."""

    people: PersonStores
    holds: LegalHoldStore
    retained: RetainedDataStore
    erasures: ErasureStore
    eraser: PlaceEraser
    build_context: Callable[[], WriteContext]
    lawbook: Lawbook
    tombstones: TombstoneStore
    names: PersonNameReader

    async def run(self, request: SubjectRequest, lease: Lease) -> StepOutcome:
        """Delete the profile of the person and store the snapshot; do nothing if there is a snapshot already.

        Returns:
            ``{"found": bool, "records": int, "held": [...]}``; ``held`` is what another law retains, as
            ``{law, why, until, and the number of items by kind}``. ``{"found": False}`` if there is no
            customer.
        """
        customer = request.customer
        if request.snapshot is not None:
            return StepDone()
        if customer is None:
            return StepDone({"found": False})

        async def delete_profile(session: Session) -> dict[str, JsonValue]:
            context = self.build_context()
            # Before the other reads, so that messages wait for this transaction. Otherwise a sender who never
            # pauses could make it fail again and again.
            await self.people.people.mark_changed([customer], session)
            await lease.require_reach(session)
            subject = await read_erasure_subject(
                self.people, session, context.catalogue, customer, context.now_ms
            )
            if subject is None:
                result: dict[str, JsonValue] = {"found": False}
                await lease.complete_step(result, session)
                return result
            result = await self._erase(session, context, subject, request.id)
            names = await self.names.read_names(subject.customer, subject.records, session)
            await lease.save(StepProgress(snapshot=replace(subject.snapshot, names=names)), session)
            # An erasure becomes durable in this order: this document, the line in
            # the ledger, the mark "logged".
            await self.erasures.record(request.id, context.now_ms, session)
            lease.checkpoint("written")
            await lease.complete_step(result, session)
            return result

        return StepDone(await self.people.transactions.run(delete_profile))

    async def _erase(
        self, session: Session, context: WriteContext, subject: ErasureSubject, request: bytes
    ) -> dict[str, JsonValue]:
        snapshot = subject.snapshot
        retained = await self._select_retained(session, context, subject)
        customer = subject.customer
        owner = CellOwner(customer.id, context.buckets.unwrap(customer.id, customer.wrapped_key))
        if retained:
            # The keys of retained documents are wrapped here. A rotation before the commit could destroy the
            # bucket key they are wrapped under.
            await context.buckets.block_rotation(self.people.transactions.end_callbacks(session))
        retained_documents = build_retained_documents(context, retained, owner, request)
        # One transaction: a message of the same person either commits before it and is erased with the rest,
        # or finds the tombstones.
        erasure = Erasure(snapshot.ids, snapshot.taken_at)
        for place in list_removal_places(Stage.PROFILE):
            while await self.eraser.erase_some(place, erasure, session):
                continue
        await self.retained.add(retained_documents, session)
        # A dead letter, or a message whose identifier too many records share, changes no customer document.
        # The gate documents make it conflict with this transaction. They are written last: other erasures
        # and dead letters use the same gates, and one that finds a gate changed has to begin again.
        erased_ids = [*snapshot.own_identifiers, *snapshot.records]
        await self.tombstones.write(
            [
                *self.tombstones.build_erasures(erased_ids, snapshot.taken_at),
                *self.tombstones.build_gate_updates(snapshot.own_identifiers),
            ],
            session,
        )
        return {"found": True, "records": len(snapshot.records), "held": _count_retained(retained)}

    async def _select_retained(
        self, session: Session, context: WriteContext, subject: ErasureSubject
    ) -> RetainedByOrder:
        customers, laws = subject.snapshot.customers, subject.snapshot.laws
        holds = await self.holds.of_all(customers, session)
        # A hold may keep events of any type.
        types = None if holds else self._list_retained_event_types(laws)
        events = await self.people.events.of_all(customers, session, types)
        return select_retained(self.lawbook, laws, events, subject.records, holds, context.now_ms)

    def _list_retained_event_types(self, laws: Sequence[str]) -> list[str]:
        return sorted(
            {
                event
                for law in laws
                for rule in self.lawbook.find_jurisdiction(law).retention_rules
                for event in rule.events
            }
        )


def _count_retained(retained: RetainedByOrder) -> list[dict[str, JsonValue]]:
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
