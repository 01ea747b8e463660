"""Workflow step ``verify``: searches the database for data of an erased person.

The deleting steps follow the map of places. The search does not (``store.places.search``), so that it finds
what the map forgot.
"""

from __future__ import annotations

from dataclasses import dataclass

from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome
from discretion.errors import Broken
from discretion.store.places.search import IdSearch
from discretion.store.subject_request import ErasureSnapshot, SubjectRequest
from discretion.store.tombstones import TombstoneStore


@dataclass(frozen=True, slots=True)
class VerifyErasure:
    """The step ``verify``: search every collection for ids of the erased person."""

    search: IdSearch
    tombstones: TombstoneStore

    async def run(self, request: SubjectRequest, lease: Lease) -> StepOutcome:
        """Search for all ids in the snapshot of a request.

        Returns:
            ``{"members": int, "by_index_only": [collection, ...]}``: the number of searched members, and the
            collections of which only members that begin an index were searched.

        Raises:
            Broken: ``ERASURE_INCOMPLETE``; the message names the collections that still contain an id.
        """
        if request.snapshot is None:
            return StepDone()
        ids = await self._list_ids_to_find(request.snapshot)
        remaining = await self.search.find_everywhere(ids, on_searched=lease.checkpoint)
        if remaining.found_in:
            raise Broken(
                "ERASURE_INCOMPLETE", f"Data of an erased person are left in {', '.join(remaining.found_in)}."
            )
        return StepDone({"members": remaining.members, "by_index_only": list(remaining.by_index_only)})

    async def _list_ids_to_find(self, snapshot: ErasureSnapshot) -> list[bytes]:
        """Return the ids that must not exist, without those a returned person uses again."""
        tombstone_ids = {
            erased_id: self.tombstones.id_of(erased_id)
            for erased_id in (*snapshot.records, *snapshot.own_identifiers)
        }
        standing = await self.tombstones.find_by_mark(tombstone_ids)
        returned = {erased_id for erased_id, tombstone in standing.items() if tombstone.back_at is not None}
        # Customer ids are always searched: a person who returns gets a new one.
        return [*snapshot.customers, *sorted(tombstone_ids.keys() - returned)]
