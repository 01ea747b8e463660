"""Takes erased people out of the collections, as the map of places says.

The erasure of one person and the replay of all erasures after a restore use the same code, so that neither
forgets what the other knows.
"""

from __future__ import annotations

from collections.abc import Collection as SizedCollection
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from discretion.store.document import Document, MutableDocument
from discretion.store.driver.database import Database, Session, WriteOperation, build_delete, build_update
from discretion.store.places.place import Backlink, Departure, ErasedIds, Place, Removal
from discretion.store.places.search import IdSearch, build_member_query
from discretion.store.schema.collections import COLLECTIONS
from discretion.store.tombstones import TombstoneStore

ERASE_BATCH = 500
"""Documents that one call deletes."""

_EMPTY_VALUES: Mapping[str, object] = {"array": [], "object": {}, "binData": b""}
_SCHEMAS = {collection.name: collection.schema for collection in COLLECTIONS}
_GONE: object = object()


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is erased.

    Attributes:
        ids: The ids of the people.
        at: The time of the tombstones (ms).
        returned_at: Since when (ms) a person is a customer again; what came since is not erased.
        spared: The id of a document that stays as it is: the request that is being carried out.
        is_offline: No server runs on the database, so that every reference is searched, with an index or not.
    """

    ids: ErasedIds
    at: int
    returned_at: int | None = None
    spared: bytes | None = field(default=None, repr=False)
    is_offline: bool = False


class PlaceEraser:
    """Finds, counts, deletes and shrinks the documents of people in a place of the map."""

    def __init__(self, database: Database, tombstones: TombstoneStore) -> None:
        self._database = database
        self._tombstones = tombstones
        self._search = IdSearch(database)

    async def erase_some(self, place: Place, erasure: Erasure, session: Session | None = None) -> int:
        """Take people out of documents of a place; return how many changed, 0 when no document is left.

        Of a place whose documents are deleted, at most ``ERASE_BATCH`` are.
        """
        if place.removal is None:
            return 0
        query = await self._build_query(place, place.removal, erasure)
        if query is None:
            return 0
        if place.departure is Departure.DELETED:
            return await self._delete_some(place, query, erasure, session)
        writes: list[WriteOperation] = []
        gone: list[MutableDocument] = []
        for document in await self._database.find(place.name, query, session=session):
            remaining = remove_people(document, place, erasure.ids)
            if place.removal.goes_when(remaining, erasure.ids):
                writes.append(build_delete({"_id": document["_id"]}))
                gone.append(remaining)
            elif change := _build_change(document, remaining):
                writes.append(build_update({"_id": document["_id"]}, change))
        await self._database.bulk_write(place.name, writes, session=session)
        if place.removal.backlink is not None:
            await self._remove_backlinks(place.removal.backlink, gone, session)
        return len(writes)

    async def count(self, place: Place, erasure: Erasure, session: Session) -> int:
        """Count the documents of a place that an erasure would delete or shrink."""
        if place.removal is None:
            return 0
        query = await self._build_query(place, place.removal, erasure)
        if query is None:
            return 0
        counted = await self._database.aggregate(place.name, [{"$match": query}, {"$count": "n"}], session)
        return int(counted[0]["n"]) if counted else 0

    async def list_dead_letter_marks(self) -> set[bytes]:
        """Return the entries of all identifiers that refused messages name: they are few and short-lived."""
        marks = set[bytes]()
        batches = self._database.stream("dead_letters", {}, {"marks": 1}, batch_size=ERASE_BATCH)
        async for batch in batches:
            marks.update(mark for dead_letter in batch for mark in dead_letter["marks"])
        return marks

    async def _build_query(self, place: Place, removal: Removal, erasure: Erasure) -> MutableDocument | None:
        """Return the query for the documents of the people; None if no member may be searched."""
        members = frozenset(reference.member for reference in removal.found_by)
        searched = members if erasure.is_offline else await self._search.list_searchable(place.name, members)
        alternatives = [
            build_member_query(place.name, reference.member, erasure.ids.list_kind(reference.kind))
            for reference in removal.found_by
            if reference.member in searched
        ]
        if not alternatives:
            return None
        query: MutableDocument = {"$or": alternatives}
        if removal.received and erasure.returned_at is not None:
            query[removal.received] = {"$lt": erasure.returned_at}
        if erasure.spared is not None:
            query["_id"] = {"$ne": erasure.spared}
        return query

    async def _delete_some(
        self, place: Place, query: Document, erasure: Erasure, session: Session | None
    ) -> int:
        documents = await self._database.find(
            place.name, query, {"_id": 1}, limit=ERASE_BATCH, session=session
        )
        ids = [document["_id"] for document in documents]
        if not ids:
            return 0
        if place.removal is not None and place.removal.leaves_tombstones:
            # In the same transaction: without its tombstone a repeated message would be taken in as new.
            await self._tombstones.write(self._tombstones.build_erasures(ids, erasure.at), session)
        return await self._database.delete_many(place.name, {"_id": {"$in": ids}}, session=session)

    async def _remove_backlinks(
        self, backlink: Backlink, gone: Sequence[Document], session: Session | None
    ) -> None:
        writes = [
            build_update(
                {"_id": named, backlink.member: document["_id"]},
                {"$pull": {backlink.member: document["_id"]}, "$inc": {"v": 1}},
            )
            for document in gone
            for side in document[backlink.named_in]
            for named in side
        ]
        await self._database.bulk_write(backlink.collection, writes, ordered=True, session=session)


def remove_people(document: Document, place: Place, erased: ErasedIds) -> MutableDocument:
    """Return what is left of a document without the erased people; a member that may be absent is."""
    removal, remaining = place.removal, dict(document)
    if removal is None:
        return remaining
    for reference in removal.takes_out:
        name, *path = reference.member.split(".")
        if name in remaining:
            left = _take_out(remaining[name], path, erased.list_kind(reference.kind))
            _set_or_empty(remaining, place.name, name, left)
    for name in removal.clears:
        if name in remaining:
            _set_or_empty(remaining, place.name, name, _GONE)
    return remaining


def _take_out(value: object, path: Sequence[str], ids: SizedCollection[bytes]) -> object:
    """Return a value without erased ids, ``_GONE`` if it is one or names one. Empty inner lists go too."""
    if isinstance(value, list):
        left = [inner for item in value if (inner := _take_out(item, path, ids)) is not _GONE]
        return [item for item in left if item != []]
    if isinstance(value, Mapping):
        return _GONE if _take_out(value[path[0]], path[1:], ids) is _GONE else value
    return _GONE if value in ids else value


def _set_or_empty(document: MutableDocument, collection: str, name: str, value: object) -> None:
    if value is not _GONE:
        document[name] = value
    elif name in _SCHEMAS[collection]["required"]:
        document[name] = _EMPTY_VALUES[_SCHEMAS[collection]["properties"][name]["bsonType"]]
    else:
        del document[name]


def _build_change(document: Document, remaining: Document) -> MutableDocument:
    """Return the update from one document to the other; empty if they are equal."""
    changed = {name: value for name, value in remaining.items() if value != document[name]}
    removed = dict.fromkeys(document.keys() - remaining.keys(), "")
    return {
        **({"$set": changed} if changed else {}),
        **({"$unset": removed} if removed else {}),
    }
