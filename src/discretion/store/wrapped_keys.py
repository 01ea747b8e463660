"""Wrapped data keys where they lie: found by the bucket key they are wrapped under, and replaced.

A wrapped key begins with its bucket and generation, so those under one bucket key are a range of an index.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from discretion.store.driver.database import Database, Document, Operation, Session, update

TOGETHER = 500
"""Documents that are read at once."""

Span = tuple[bytes, bytes]
"""The least key of a range, and the least beyond it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where keys lie: beside the ``customer`` they are of, each a document's own or in a list of it."""

    collection: str
    customer: str
    inside: str = ""
    versioned: bool = False

    def wanted(self, spans: Iterable[Span]) -> Document:
        """Matches documents with a key in one of these ranges."""
        ranges = [{"$gte": least, "$lt": beyond} for least, beyond in spans]
        if not self.inside:
            return {"$or": [{"key": one} for one in ranges]}
        # That it is at least the empty key is how the planner knows that the partial index serves.
        there = {f"{self.inside}.key": {"$gte": b""}}
        return {"$or": [{**there, self.inside: {"$elemMatch": {"key": one}}} for one in ranges]}

    def held(self, document: Document) -> Iterable[Wrapped]:
        """The keys of a document."""
        for one in document[self.inside] if self.inside else (document,):
            yield Wrapped(self, document["_id"], one[self.customer], one["key"])

    def replacing(self, one: Wrapped, key: bytes) -> Operation:
        """Puts another key in the place of one, if that one is still there.

        It is a change of the document like any other: who read it before and writes it after meets a
        conflict, and does not put the old key back.
        """
        change: Document = {"$inc": {"v": 1}} if self.versioned else {}
        if not self.inside:
            return update({"_id": one.document, "key": one.key}, {"$set": {"key": key}, **change})
        entry = {"$elemMatch": {self.customer: one.customer, "key": one.key}}
        return update(
            {"_id": one.document, self.inside: entry}, {"$set": {f"{self.inside}.$.key": key}, **change}
        )


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A customer's wrapped key, in a document."""

    place: Place
    document: Any
    customer: bytes
    key: bytes = field(repr=False)


PLACES = (
    Place("customers", "_id", versioned=True),
    Place("customers", "id", "merged", versioned=True),
    Place("held", "_id"),  # what is held has a key of its own, under a random id
)
"""Wherever there are wrapped keys."""


class WrappedKeys:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def within(
        self, spans: Sequence[Span], limit: int = 0, session: Session | None = None
    ) -> list[Wrapped]:
        """Keys in these ranges; those of at most ``limit`` documents of each place, of all if it is 0."""
        found = []
        for place in PLACES:
            fields = {place.customer: 1, "key": 1} if not place.inside else {place.inside: 1}
            docs = await self._database.find(
                place.collection, place.wanted(spans), fields, limit=limit, session=session
            )
            found += [one for doc in docs for one in place.held(doc) if _in(spans, one.key)]
        return found

    async def all(self) -> AsyncIterator[list[Wrapped]]:
        """Every key, some at a time; not while others write."""
        for place in PLACES:
            fields = {place.customer: 1, "key": 1} if not place.inside else {place.inside: 1}
            wanted = {f"{place.inside}.key" if place.inside else "key": {"$gte": b""}}
            async for docs in self._database.stream(place.collection, wanted, fields, together=TOGETHER):
                yield [one for doc in docs for one in place.held(doc)]

    async def left(self, spans: Sequence[Span], limit: int) -> list[Wrapped]:
        """The same at one moment: a key that is moved from one place to another meanwhile is not missed."""

        async def work(session: Session) -> list[Wrapped]:
            return await self.within(spans, limit, session)

        return await self._database.transaction(work)

    async def replace(self, changes: Sequence[tuple[Wrapped, bytes]]) -> int:
        """Put new keys in the places of old ones; how many were still there."""
        writes: dict[str, list[Operation]] = {}
        for one, key in changes:
            writes.setdefault(one.place.collection, []).append(one.place.replacing(one, key))
        done = [await self._database.bulk_write(name, several) for name, several in writes.items()]
        return sum(one.matched for one in done)


def _in(spans: Iterable[Span], key: bytes) -> bool:
    return any(least <= key < beyond for least, beyond in spans)
