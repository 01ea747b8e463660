"""Erasure of a scope: a channel, a data category, or data that serve one purpose only. The customer stays.

First, one transaction deletes values and computed totals from the source records, marks each record with the
erased scope (``profiles/erased_scopes.py``) and rebuilds the profile. A message of the customer changes the
same customer document, so it either commits first and is erased, or sees the marks. Then events are deleted
in batches, and events that stay lose the properties that belong to the scope.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from discretion.domain.erasure.scope_events import ScopeEvents, select_scope_events
from discretion.domain.identity.person_rewrite import PersonRewriter
from discretion.domain.identity.unit_of_work import WriteContext
from discretion.domain.ingest.value_codes import BIRTH_DATE_CATEGORY
from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome
from discretion.domain.profiles.erased_scopes import (
    ErasureScope,
    add_erased_scope,
    find_erased_keys,
    read_erasure_scope,
)
from discretion.domain.profiles.person_state import find_birth_time
from discretion.domain.profiles.removed_birth_date import build_child_marker
from discretion.domain.profiles.source_record import may_be_minor
from discretion.errors import Broken
from discretion.seal.cell import event_cell_key
from discretion.seal.cell_transfer import CellOwner, transfer_cell_as
from discretion.seal.key_files import NONCE_BYTES
from discretion.seal.nested_members import MemberName
from discretion.store.document import JsonValue
from discretion.store.events import EventSelection, StoredEvent
from discretion.store.source_record import SourceRecord
from discretion.store.subject_request import ErasureSnapshot, StepProgress, SubjectRequest
from discretion.store.tombstones import TombstoneStore
from discretion.store.transactions import Session

EVENT_BATCH = 500
"""Events that one transaction deletes or rewrites."""


@dataclass(frozen=True, slots=True)
class ScopedErasure:
    """The steps ``depart``, ``purge`` and ``verify`` of a request with a scope."""

    rewriter: PersonRewriter
    tombstones: TombstoneStore

    async def erase_values(self, request: SubjectRequest, lease: Lease) -> StepOutcome:
        """Delete the values of the scope from the source records and rebuild the profile (step ``depart``).

        The snapshot that it stores has only the time and the ids of the records.

        Returns:
            ``{"found": bool, "at": int, "values": {path of an attribute: number of records}}``.

        Raises:
            BadRequest: ``SCOPE_INVALID``.
        """

        async def erase_values_of_customer(session: Session) -> dict[str, JsonValue]:
            await lease.require_reach(session)
            context = self.rewriter.write_context()
            scope = read_erasure_scope(request.scope, context.catalogue)
            customer = await self._find_current_id(session, request.customer)
            result: dict[str, JsonValue] = {"found": customer is not None, "at": context.now_ms}
            if customer is not None and scope is not None:
                result["values"], records = await self._erase_values(session, context, customer, scope)
                snapshot = ErasureSnapshot(taken_at=context.now_ms, records=tuple(records))
                await lease.save(StepProgress(snapshot=snapshot), session)
            await lease.complete_step(result, session)
            return result

        return StepDone(await self.rewriter.stores.transactions.run(erase_values_of_customer))

    async def purge_events(self, request: SubjectRequest, lease: Lease) -> StepOutcome:
        """Delete the events of the scope that happened before the erasure (step ``purge``).

        Returns:
            The number of deleted events by type; each batch saves it in the request (``erased_events``), so
            that a repeated step continues the count.
        """
        counts, snapshot = dict(request.result.erased_events), request.snapshot
        if snapshot is None:
            return StepDone(counts)
        context = self.rewriter.write_context()
        scope = read_erasure_scope(request.scope, context.catalogue)
        customer = await self._find_current_id(None, request.customer)
        if scope is None or customer is None:
            return StepDone(counts)
        scope_events = select_scope_events(scope, context.catalogue)
        deleted = _select_deleted(snapshot, customer, scope_events)
        while batch := await self._delete_batch(deleted, counts, lease):
            for type_name, count in batch.items():
                counts[type_name] = counts.get(type_name, 0) + count
            lease.checkpoint("batch")
        await self._trim_events(context, replace(deleted, channel=None), scope_events, lease)
        return StepDone(counts)

    async def verify_erased(self, request: SubjectRequest, lease: Lease) -> StepOutcome:
        """Read the records and events again and check that nothing of the scope is left (step ``verify``).

        Raises:
            Broken: ``ERASURE_INCOMPLETE``.
        """
        snapshot = request.snapshot
        if snapshot is None:
            return StepDone()
        context = self.rewriter.write_context()
        scope = read_erasure_scope(request.scope, context.catalogue)
        customer = await self._find_current_id(None, request.customer)
        if scope is None or customer is None:
            return StepDone()
        records = await self.rewriter.stores.source_records.list_by_ids(snapshot.records)
        # A value observed after the erasure is new data and may stay.
        remaining_keys = [
            key
            for record in records
            for key in find_erased_keys(scope, context.catalogue, record)
            if max(part[key].at for part in (record.cells, record.totals) if key in part) <= snapshot.taken_at
        ]
        scope_events = select_scope_events(scope, context.catalogue)
        events = await self.rewriter.stores.events.count_selected(
            _select_deleted(snapshot, customer, scope_events)
        )
        if remaining_keys or events:
            raise Broken("ERASURE_INCOMPLETE", "Data of the erased scope are left.")
        lease.checkpoint("read")
        return StepDone({"records": len(records)})

    async def _find_current_id(self, session: Session | None, customer: bytes | None) -> bytes | None:
        current = None if customer is None else await self.rewriter.stores.people.current(customer, session)
        return None if current is None else current.id

    async def _erase_values(
        self, session: Session, context: WriteContext, customer: bytes, scope: ErasureScope
    ) -> tuple[dict[str, int], list[bytes]]:
        erased_counts: Counter[str] = Counter()
        birth_keys = context.catalogue.keys_by_category.get(BIRTH_DATE_CATEGORY, ())
        records = await self.rewriter.stores.source_records.of(customer, session)
        born = find_birth_time(context.catalogue, records)
        is_child = born is not None and may_be_minor(born, context.now_ms)

        def erase(record: SourceRecord) -> SourceRecord:
            keys = find_erased_keys(scope, context.catalogue, record)
            # By path: the certificate shows the counts, and keys are numbers of the disk.
            erased_counts.update(map(context.catalogue.find_path, keys))
            # Otherwise the erasure would permit what the law forbids of a child.
            markers = {
                key: build_child_marker(context.now_ms)
                for key in keys.intersection(birth_keys)
                if is_child and record.cells[key].protected_birth is not None
            }
            return replace(
                record,
                cells={key: cell for key, cell in record.cells.items() if key not in keys} | markers,
                totals={key: total for key, total in record.totals.items() if key not in keys},
                erased_parts=add_erased_scope(record, scope, context.now_ms),
            )

        rewrite = await self.rewriter.edit_records(session, customer, erase)
        return dict(erased_counts), sorted(rewrite.evidence.records) if rewrite is not None else []

    async def _delete_batch(
        self, deleted: EventSelection, counts: Mapping[str, int], lease: Lease
    ) -> Mapping[str, int]:
        stores = self.rewriter.stores

        async def delete_events(session: Session) -> Mapping[str, int]:
            events = await stores.events.list_selected(deleted, EVENT_BATCH, session)
            if not events:
                return {}
            ids = [event.id for event in events]
            # In the same transaction: without its tombstone a repeated event would be taken in as new.
            await self.tombstones.write(self.tombstones.build_erasures(ids, deleted.until), session)
            await stores.events.delete(ids, session)
            batch = Counter(event.type for event in events)
            await lease.save(StepProgress(erased_events=dict(Counter(counts) + batch)), session)
            return batch

        return await stores.transactions.run(delete_events)

    async def _trim_events(
        self, context: WriteContext, scoped: EventSelection, scope_events: ScopeEvents, lease: Lease
    ) -> None:
        """Remove properties of the scope from events that stay. Repeating it changes nothing."""
        stores, last_event = self.rewriter.stores, b""
        erased_properties = scope_events.erased_properties
        trimmed = replace(scoped, types=frozenset(erased_properties))

        async def trim_batch(session: Session) -> bytes:
            # Trimmed events are still selected, so each batch begins after the last id.
            events = await stores.events.list_selected_properties(trimmed, last_event, EVENT_BATCH, session)
            if not events:
                return b""
            # The wrapped key is read again for each batch: a rotation may have rewrapped it meanwhile.
            current = await stores.people.current(trimmed.customer, session)
            if current is None:
                return b""
            owner = CellOwner(current.id, context.buckets.unwrap(current.id, current.wrapped_key))
            writes = [
                stores.events.plan_replace_properties(event.id, properties)
                for event in events
                if (properties := _trim_properties(context, event, owner, erased_properties[event.type]))
            ]
            await stores.transactions.send(writes, session)
            await lease.renew(session)  # a worker that lost its lease aborts this transaction
            return events[-1].id

        while last_event := await stores.transactions.run(trim_batch):
            lease.checkpoint("trimmed")


def _select_deleted(snapshot: ErasureSnapshot, customer: bytes, scope_events: ScopeEvents) -> EventSelection:
    """Select events before the erasure, but not those of customers who were merged with this one since."""
    return EventSelection(
        customer, snapshot.records, snapshot.taken_at, scope_events.channel, scope_events.types
    )


def _trim_properties(
    context: WriteContext, event: StoredEvent, owner: CellOwner, names: frozenset[MemberName]
) -> bytes | None:
    """Return the sealed properties without some; None if the event has none."""
    if event.properties is None:
        return None
    key = event_cell_key(event.id).encode()
    nonce = context.entropy(NONCE_BYTES)
    return transfer_cell_as(event.properties, key, owner, key, owner, nonce, excluded=names)
