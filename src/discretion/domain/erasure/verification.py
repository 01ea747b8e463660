"""Whether anything of an erased person is left: read anew, and not in the way it was erased.

The eraser has a list of places. This has none: it walks the declared shape of every collection, and looks for
each id of the snapshot under every member that may hold one. Where an index begins with that member all of
the collection is covered at any size; elsewhere it is read through, unless it is larger than ``MOST``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.domain.erasure.erasure_snapshot import Snapshot, read
from discretion.domain.kit.workflow.lease import Hold
from discretion.domain.kit.workflow.step_outcome import Done, Outcome
from discretion.errors import Broken
from discretion.store.driver.database import Database
from discretion.store.schema.collections import COLLECTIONS
from discretion.store.schema.declaration import Collection
from discretion.store.tombstones import Tombstones

Member = tuple[str, int]

MOST = 20_000
"""Documents of a collection that are read through without an index."""

EVIDENCE: Mapping[str, str] = {
    "disclosures": "Who saw what is evidence; people stand there under a pseudonym of their data key.",
    "erasures": "It says which ids were erased, so that a restored backup is erased again.",
    "requests": "That there was a request is kept as evidence, under an id that leads nowhere.",
    "tombstones": "Its digests are of the ids and are not the ids.",
}
"""Collections that may name somebody erased, and why."""


@dataclass(frozen=True, slots=True)
class Verify:
    """See the module."""

    database: Database
    tombstones: Tombstones
    collections: Sequence[Collection] = COLLECTIONS

    async def __call__(self, document: Mapping[str, Any], hold: Hold) -> Outcome:
        """Look for everything in the snapshot of a request.

        Raises:
            Broken: ``ERASURE_INCOMPLETE``; something is left, and the message says in which collection.
        """
        if "snapshot" not in document:
            return Done()
        ids = await self._erased(read(document["snapshot"]))
        looked, left, large = 0, [], []
        for collection in self.collections:
            if collection.name in EVIDENCE:
                continue
            paths, whole = await self._paths(collection)
            looked += len(paths)
            if not whole:
                large.append(collection.name)
            if paths and await self._any(collection.name, paths, ids):
                left.append(collection.name)
            hold.at(collection.name)
        if left:
            raise Broken("ERASURE_INCOMPLETE", f"Something of an erased person is left in {', '.join(left)}.")
        return Done({"members": looked, "by_index_only": large})

    async def _erased(self, snapshot: Snapshot) -> list[bytes]:
        """The ids that must not be found: whoever has come back since names some of them again."""
        graves = {one: self.tombstones.of(one) for one in (*snapshot.records, *snapshot.names)}
        stones = await self.tombstones.over(graves)
        back = {one for one, stone in stones.items() if stone.back is not None}
        return [*snapshot.customers, *sorted(graves.keys() - back)]

    async def _paths(self, collection: Collection) -> tuple[list[Member], bool]:
        """Members to look in, and whether these are all that may hold an id."""
        every = list(dict.fromkeys(members(collection.schema)))
        first = {"_id", *(index.keys[0][0] for index in collection.indexes if not index.partial)}
        indexed = [one for one in every if one[0] in first]
        if len(indexed) == len(every):
            return every, True
        few = await self.database.count(collection.name, {}, MOST + 1) <= MOST
        return (every, True) if few else (indexed, False)

    async def _any(self, collection: str, paths: Sequence[Member], ids: Sequence[bytes]) -> bool:
        wanted = {"$or": [_holding(path, deep, ids) for path, deep in paths]}
        return await self.database.find_one(collection, wanted, {"_id": 1}) is not None


def members(schema: Mapping[str, Any], path: str = "", deep: int = 0) -> Iterator[tuple[str, int]]:
    """Dotted paths of what may hold an id, which is binary, and how deep it lies in lists of lists."""
    kind = schema.get("bsonType")
    if kind == "binData" and path:
        yield path, deep
    elif kind == "array":
        yield from members(schema["items"], path, deep + 1)
    elif kind == "object":
        for name, inner in schema.get("properties", {}).items():
            yield from members(inner, f"{path}.{name}" if path else name)


def _holding(path: str, deep: int, ids: Sequence[bytes]) -> Mapping[str, Any]:
    """A query for documents with one of these ids there; MongoDB looks into one list by itself."""
    condition: Mapping[str, Any] = {"$in": ids}
    for _ in range(deep if deep > 1 else 0):
        condition = {"$elemMatch": condition}
    return {path: condition}
