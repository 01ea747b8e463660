"""Workflow step ``verify``: searches the database for data of an erased person.

The deleting steps have a list of collections. This step has none, so that it finds what they forgot: it walks
the declared schema of every collection except ``EVIDENCE_COLLECTIONS`` and searches every member that may
contain an id for each id of the snapshot. Members that begin an index are searched at any size. Other members
are searched without an index, unless the collection has more than ``SCAN_LIMIT`` documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.domain.erasure.erasure_snapshot import ErasureSnapshot, parse_snapshot
from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome
from discretion.errors import Broken
from discretion.store.driver.database import Database
from discretion.store.schema.collections import COLLECTIONS
from discretion.store.schema.declaration import Collection
from discretion.store.tombstones import TombstoneStore

MemberPath = tuple[str, int]

SCAN_LIMIT = 20_000
"""Documents of a collection that are searched without an index."""

EVIDENCE_COLLECTIONS: Mapping[str, str] = {
    "disclosures": "Evidence of who saw what. It names people by a pseudonym derived from their data key.",
    "erasures": "The ids that were erased, so that a restored backup is erased again.",
    "requests": "Evidence that there was a request, under an id that no other document contains.",
    "tombstones": "Keyed digests of the ids, not the ids.",
}
"""Collections that may contain ids of an erased person and are not searched, and why."""


@dataclass(frozen=True, slots=True)
class VerifyErasure:
    """The step ``verify``: search every collection for ids of the erased person."""

    database: Database
    tombstones: TombstoneStore
    collections: Sequence[Collection] = COLLECTIONS

    async def run(self, document: Mapping[str, Any], lease: Lease) -> StepOutcome:
        """Search for all ids in the snapshot of a request.

        Returns:
            ``{"members": int, "by_index_only": [collection, ...]}``: the number of searched members, and the
            collections of which only members that begin an index were searched.

        Raises:
            Broken: ``ERASURE_INCOMPLETE``; the message names the collections that still contain an id.
        """
        if "snapshot" not in document:
            return StepDone()
        ids = await self._list_ids_to_find(parse_snapshot(document["snapshot"]))
        member_count, incomplete, index_only = 0, [], []
        for collection in self.collections:
            if collection.name in EVIDENCE_COLLECTIONS:
                continue
            paths, is_complete = await self._list_member_paths(collection)
            member_count += len(paths)
            if not is_complete:
                index_only.append(collection.name)
            if paths and await self._has_any(collection.name, paths, ids):
                incomplete.append(collection.name)
            lease.checkpoint(collection.name)
        if incomplete:
            raise Broken(
                "ERASURE_INCOMPLETE", f"Data of an erased person are left in {', '.join(incomplete)}."
            )
        return StepDone({"members": member_count, "by_index_only": index_only})

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

    async def _list_member_paths(self, collection: Collection) -> tuple[list[MemberPath], bool]:
        """Return the members to search, and whether these are all members that may contain an id."""
        all_members = list(dict.fromkeys(list_id_members(collection.schema)))
        # A partial index does not contain every document.
        index_prefixes = {"_id", *(index.keys[0][0] for index in collection.indexes if not index.partial)}
        indexed = [member for member in all_members if member[0] in index_prefixes]
        if len(indexed) == len(all_members):
            return all_members, True
        is_small = await self.database.count(collection.name, {}, SCAN_LIMIT + 1) <= SCAN_LIMIT
        return (all_members, True) if is_small else (indexed, False)

    async def _has_any(self, collection: str, paths: Sequence[MemberPath], ids: Sequence[bytes]) -> bool:
        query = {"$or": [_build_member_query(path, depth, ids) for path, depth in paths]}
        return await self.database.find_one(collection, query, {"_id": 1}) is not None


def list_id_members(schema: Mapping[str, Any], path: str = "", depth: int = 0) -> Iterator[tuple[str, int]]:
    """Yield the path of each member that may contain an id (binary data), and its depth in nested lists."""
    bson_type = schema.get("bsonType")
    if bson_type == "binData" and path:
        yield path, depth
    elif bson_type == "array":
        yield from list_id_members(schema["items"], path, depth + 1)
    elif bson_type == "object":
        for name, inner in schema.get("properties", {}).items():
            yield from list_id_members(inner, f"{path}.{name}" if path else name)


def _build_member_query(path: str, depth: int, ids: Sequence[bytes]) -> Mapping[str, Any]:
    """Match documents that contain one of the ids at a path. MongoDB searches one level of lists itself."""
    condition: Mapping[str, Any] = {"$in": ids}
    for _ in range(depth if depth > 1 else 0):  # a list in a list needs one $elemMatch per level
        condition = {"$elemMatch": condition}
    return {path: condition}
