"""Searches the collections for ids of people: for the erasure, and to verify afterwards that nothing is left.

The verification has no list of members. It walks the declared schema of every collection that is not kept as
evidence and searches every member that may contain an id, so that it finds what the map forgot.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.store.driver.database import Database
from discretion.store.places.place import Departure
from discretion.store.places.place_map import find_collection_place
from discretion.store.schema import declaration
from discretion.store.schema.collections import COLLECTIONS

SCAN_LIMIT = 20_000
"""Documents of a collection that are searched without an index while servers run."""

FIND_BATCH = 20_000
"""Ids that one query looks for."""


@dataclass(frozen=True, slots=True)
class IdSearchResult:
    """What a search for ids found.

    Attributes:
        members: Number of members that were searched.
        found_in: Collections that contain an id.
        by_index_only: Collections of which only members that begin an index were searched.
    """

    members: int
    found_in: tuple[str, ...]
    by_index_only: tuple[str, ...]


class IdSearch:
    """Finds ids in the members of documents."""

    def __init__(
        self, database: Database, collections: Sequence[declaration.Collection] = COLLECTIONS
    ) -> None:
        self._database = database
        self._collections = {collection.name: collection for collection in collections}

    async def list_searchable(self, collection: str, members: Collection[str]) -> frozenset[str]:
        """Return the members that may be searched while servers run: with an index, or all of a small one."""
        indexed = frozenset(members) & _list_indexed(self._collections[collection])
        if len(indexed) == len(members):
            return indexed
        is_small = await self._database.count(collection, {}, SCAN_LIMIT + 1) <= SCAN_LIMIT
        return frozenset(members) if is_small else indexed

    async def find_everywhere(
        self,
        ids: Sequence[bytes],
        *,
        is_offline: bool = False,
        on_searched: Callable[[str], None] = lambda _: None,
    ) -> IdSearchResult:
        """Search every collection that is not kept as evidence for ids.

        Args:
            ids: The ids, of any kind.
            is_offline: No server runs on the database, so that members without an index are searched too.
            on_searched: Called with the name of each collection that was searched.
        """
        member_count, found_in, by_index_only = 0, [], []
        for collection in self._collections.values():
            place = find_collection_place(collection.name)
            if place is not None and place.departure is Departure.EVIDENCE:
                continue
            members = list(dict.fromkeys(list_id_members(collection.schema)))
            searched = frozenset(members)
            if not is_offline:
                searched = await self.list_searchable(collection.name, members)
            member_count += len(searched)
            if len(searched) < len(members):
                by_index_only.append(collection.name)
            if await self._has_any(collection.name, sorted(searched), ids):
                found_in.append(collection.name)
            on_searched(collection.name)
        return IdSearchResult(member_count, tuple(found_in), tuple(by_index_only))

    async def _has_any(self, collection: str, members: Sequence[str], ids: Sequence[bytes]) -> bool:
        for start in range(0, len(ids) if members else 0, FIND_BATCH):
            batch = ids[start : start + FIND_BATCH]
            query = {"$or": [build_member_query(collection, member, batch) for member in members]}
            if await self._database.find_one(collection, query, {"_id": 1}) is not None:
                return True
        return False


def _list_indexed(collection: declaration.Collection) -> frozenset[str]:
    # A partial index does not contain every document.
    return frozenset({"_id", *(index.keys[0][0] for index in collection.indexes if not index.partial)})


def list_id_members(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the path of each member that may contain an id (binary data), at any depth of lists."""
    bson_type = schema.get("bsonType")
    if bson_type == "binData" and path:
        yield path
    elif bson_type == "array":
        yield from list_id_members(schema["items"], path)
    elif bson_type == "object":
        for name, inner in schema.get("properties", {}).items():
            yield from list_id_members(inner, f"{path}.{name}" if path else name)


def build_member_query(collection: str, member: str, ids: Collection[bytes]) -> Mapping[str, Any]:
    """Match documents of a collection that contain one of the ids in a member, at any depth of lists."""
    condition: Mapping[str, Any] = {"$in": sorted(ids)}
    depth = _count_list_levels(_SCHEMAS[collection], member.split("."))
    # MongoDB searches one level of lists itself; a list in a list needs one $elemMatch per level.
    for _ in range(depth if depth > 1 else 0):
        condition = {"$elemMatch": condition}
    return {member: condition}


def _count_list_levels(schema: Mapping[str, Any], path: Sequence[str]) -> int:
    """Return how many lists are around a value at the end of a path."""
    for name in path:
        while schema.get("bsonType") == "array":  # a dotted path leads through lists by itself
            schema = schema["items"]
        schema = schema["properties"][name]
    depth = 0
    while schema.get("bsonType") == "array":
        schema, depth = schema["items"], depth + 1
    return depth


_SCHEMAS = {collection.name: collection.schema for collection in COLLECTIONS}
