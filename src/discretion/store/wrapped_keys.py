"""Wrapped data keys in the database: found by the bucket key that they are wrapped under, and replaced.

A wrapped key begins with its bucket and generation, so the keys under one bucket key are a range of an index.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from discretion.plan.customer_members import FORMER, FORMER_ID, FORMER_KEY, WRAPPED_KEY
from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session, WriteOperation, build_update
from discretion.store.dump import read_bson_file

BATCH_SIZE = 500
"""Documents that are read at once."""

KeyRange = tuple[bytes, bytes]
"""The lowest key of a range, and the lowest beyond it."""


@dataclass(frozen=True, slots=True)
class KeyLocation:
    """A place in the schema that holds wrapped keys.

    Attributes:
        collection: The collection.
        customer_field: The member beside the key that holds the id of its customer.
        key_field: The member that holds the key.
        list_field: The list that holds the keys, empty if each document holds one.
        versioned: Whether the document has a version ``v``, which a replacement increments.
    """

    collection: str
    customer_field: str
    key_field: str
    list_field: str = ""
    versioned: bool = False

    def build_query(self, key_ranges: Iterable[KeyRange]) -> MutableDocument:
        """Return a query for documents with a key in one of these ranges."""
        ranges = [{"$gte": least, "$lt": beyond} for least, beyond in key_ranges]
        if not self.list_field:
            return {"$or": [{self.key_field: bounds} for bounds in ranges]}
        # The partial index requires this condition; without it the planner does not use the index.
        has_key = self.build_key_condition()
        return {
            "$or": [
                {**has_key, self.list_field: {"$elemMatch": {self.key_field: bounds}}} for bounds in ranges
            ]
        }

    def build_key_condition(self) -> MutableDocument:
        """Return a query for all documents with a key."""
        return {f"{self.list_field}.{self.key_field}" if self.list_field else self.key_field: {"$gte": b""}}

    def build_projection(self) -> dict[str, int]:
        """Return the projection that reads the keys and their customers."""
        return {self.list_field: 1} if self.list_field else {self.customer_field: 1, self.key_field: 1}

    def read_keys(self, document: MutableDocument) -> Iterable[WrappedKey]:
        """Yield the wrapped keys in a document."""
        for entry in document[self.list_field] if self.list_field else (document,):
            yield WrappedKey(self, document["_id"], entry[self.customer_field], entry[self.key_field])

    def build_replacement(self, wrapped: WrappedKey, key: bytes) -> WriteOperation:
        """Return the write that replaces a wrapped key, if it has not changed meanwhile.

        It increments the version like any other change. A transaction that read the document before and
        writes it afterwards conflicts, and does not restore the old key.
        """
        change: MutableDocument = {"$inc": {"v": 1}} if self.versioned else {}
        if not self.list_field:
            return build_update(
                {"_id": wrapped.document_id, self.key_field: wrapped.key},
                {"$set": {self.key_field: key}, **change},
            )
        entry = {"$elemMatch": {self.customer_field: wrapped.customer, self.key_field: wrapped.key}}
        return build_update(
            {"_id": wrapped.document_id, self.list_field: entry},
            {"$set": {f"{self.list_field}.$.{self.key_field}": key}, **change},
        )


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A customer's wrapped data key, and the document that holds it."""

    location: KeyLocation
    document_id: object
    customer: bytes
    key: bytes = field(repr=False)


# Keys in a place that is missing here are not rewrapped. Their data would be lost with the next bucket key
# that is destroyed.
KEY_LOCATIONS = (
    KeyLocation("customers", "_id", WRAPPED_KEY, versioned=True),
    KeyLocation("customers", FORMER_ID, FORMER_KEY, FORMER, versioned=True),
    KeyLocation("held", "_id", "key"),  # retained data have a key of their own, under a random id
)
"""All places that hold wrapped keys."""


class WrappedKeyStore:
    """Reads and replaces wrapped keys in all their places."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_within(
        self, key_ranges: Sequence[KeyRange], limit: int = 0, session: Session | None = None
    ) -> list[WrappedKey]:
        """List the keys in these ranges, of at most ``limit`` documents of each place (0: of all)."""
        wrapped_keys = []
        for location in KEY_LOCATIONS:
            documents = await self._database.find(
                location.collection,
                location.build_query(key_ranges),
                location.build_projection(),
                limit=limit,
                session=session,
            )
            wrapped_keys += [
                wrapped
                for document in documents
                for wrapped in location.read_keys(document)
                # The query selects documents. A list in one of them may also hold keys of other buckets.
                if _is_within(key_ranges, wrapped.key)
            ]
        return wrapped_keys

    async def list_from(self, customer: bytes, limit: int) -> list[WrappedKey]:
        """List the keys of at most ``limit`` customers from an id on; from the lowest id if none follows."""
        location = KEY_LOCATIONS[0]
        for query in ({"_id": {"$gte": customer}}, {}):
            documents = await self._database.find(
                location.collection, query, location.build_projection(), sort=[("_id", 1)], limit=limit
            )
            if documents:
                break
        return [wrapped for document in documents for wrapped in location.read_keys(document)]

    async def stream_all(self) -> AsyncIterator[list[WrappedKey]]:
        """Yield all keys in batches. No other process may write meanwhile."""
        for location in KEY_LOCATIONS:
            async for documents in self._database.stream(
                location.collection,
                location.build_key_condition(),
                location.build_projection(),
                batch_size=BATCH_SIZE,
            ):
                yield [wrapped for document in documents for wrapped in location.read_keys(document)]

    async def list_within_snapshot(self, key_ranges: Sequence[KeyRange], limit: int) -> list[WrappedKey]:
        """List the keys in these ranges as of one moment.

        A key that moves from one place to another meanwhile, such as in a merge, is therefore not missed.
        """

        async def work(session: Session) -> list[WrappedKey]:
            return await self.list_within(key_ranges, limit, session)

        return await self._database.run_transaction(work)

    async def replace(self, changes: Sequence[tuple[WrappedKey, bytes]]) -> int:
        """Replace keys, and return how many had not changed meanwhile."""
        writes: dict[str, list[WriteOperation]] = {}
        for wrapped, key in changes:
            writes.setdefault(wrapped.location.collection, []).append(
                wrapped.location.build_replacement(wrapped, key)
            )
        results = [
            await self._database.bulk_write(collection, operations)
            for collection, operations in writes.items()
        ]
        return sum(wrapped.matched for wrapped in results)


def read_dumped_keys(folder: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the id and the wrapped key of each customer in a dump."""
    for batch in read_bson_file(folder / "customers.bson"):
        for document in batch:
            yield document["_id"], document[WRAPPED_KEY]


def _is_within(key_ranges: Iterable[KeyRange], key: bytes) -> bool:
    return any(least <= key < beyond for least, beyond in key_ranges)
