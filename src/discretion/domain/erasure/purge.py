"""Workflow step ``purge``: takes an erased person out of all places that the first step left, in batches.

The map of places says which these are and how the person leaves each. Each batch is one transaction that
deletes messages and writes their tombstones, so that a repeated message is never taken for a new one. The
step may be repeated.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from discretion.domain.erasure.mail_erasure import MailErasure
from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome
from discretion.store.places.eraser import Erasure, PlaceEraser
from discretion.store.places.place import Departure, Place, Stage
from discretion.store.places.place_map import list_removal_places
from discretion.store.subject_request import ErasureSnapshot, StepProgress, SubjectRequest
from discretion.store.tombstones import TombstoneStore
from discretion.store.transactions import Session, Transactions


@dataclass(frozen=True, slots=True)
class PurgeCollections:
    """The step ``purge``: delete or shrink the remaining documents of the person in batches."""

    transactions: Transactions
    eraser: PlaceEraser
    tombstones: TombstoneStore
    mail: MailErasure

    async def run(self, request: SubjectRequest, lease: Lease) -> StepOutcome:
        """Take the person in the snapshot out of every place.

        Returns:
            The number of changed documents by collection, without those kept as evidence. Each transaction
            saves its part in the request (``purged``), so that a repeated step continues the count.
        """
        snapshot = request.snapshot
        if snapshot is None:
            return StepDone()
        counts = dict(request.result.purged)
        # The person may be a customer again: what came since then is not part of this erasure.
        returned_at = await self._find_return_time(snapshot)
        # Of all requests, this one is still needed; its own sealed parts go with the certificate.
        erasure = Erasure(snapshot.ids, snapshot.taken_at, returned_at, spared=request.id)
        for place in list_removal_places(Stage.PURGE):
            while await self._erase_batch(place, erasure, lease, counts):
                lease.checkpoint(f"{place.name}.batch")
            lease.checkpoint(place.name)
        await asyncio.to_thread(self.mail.delete_mail, snapshot.own_identifiers)
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

    async def _erase_batch(self, place: Place, erasure: Erasure, lease: Lease, counts: dict[str, int]) -> int:
        """Erase from some documents; return how many. ``counts`` changes after the commit."""
        is_counted = place.departure is not Departure.EVIDENCE
        counted = counts.get(place.name, 0)

        async def erase_some(session: Session) -> int:
            changed = await self.eraser.erase_some(place, erasure, session)
            if changed:
                # In the transaction and under the fence: a worker that lost its
                # lease erases and counts nothing.
                purged = {place.name: counted + changed} if is_counted else {}
                await lease.save(StepProgress(purged=purged), session)
            return changed

        changed = await self.transactions.run(erase_some)
        if changed and is_counted:
            counts[place.name] = counted + changed
        return changed
