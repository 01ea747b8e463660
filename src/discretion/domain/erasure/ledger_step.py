"""Workflow step ``remember``: records the erasure in the ledger, so that restored backups are erased too."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.domain.erasure.erasure_ledger import ErasureEntry
from discretion.domain.erasure.erasure_log import ErasureLog
from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome
from discretion.store.subject_request import SubjectRequest
from discretion.store.tombstones import TombstoneStore


@dataclass(frozen=True, slots=True)
class RecordErasure:
    """The step ``remember``: append the erasure to the erasure ledger."""

    erasure_log: ErasureLog
    tombstones: TombstoneStore

    async def run(self, request: SubjectRequest, lease: Lease) -> StepOutcome:
        """Append the erasure of a request to the ledger. Repeating it adds nothing."""
        snapshot = request.snapshot
        if snapshot is None:
            return StepDone()
        tombstone_ids = tuple(
            self.tombstones.id_of(erased_id) for erased_id in (*snapshot.own_identifiers, *snapshot.records)
        )
        entry = ErasureEntry(
            request.id, snapshot.taken_at, tombstone_ids, snapshot.records, snapshot.customers
        )
        lease.checkpoint("ledger")
        await self.erasure_log.record(entry)
        return StepDone({"line": True})
