"""What goes through the seam besides documents: a write as a value, its result, a transaction's session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pymongo import DeleteOne, InsertOne, UpdateOne

Document = dict[str, Any]
Operation = InsertOne[Document] | UpdateOne | DeleteOne
"""One write of ``bulk_write``; made by ``insert``, ``update`` and ``delete``."""


class Session(Protocol):
    """One transaction under way; handed to the calls that belong to it."""

    @property
    def in_transaction(self) -> bool:
        """Whether it has begun and not ended."""


@dataclass(frozen=True, slots=True)
class BulkResult:
    """How many documents a write found and what it did to them."""

    matched: int = 0
    modified: int = 0
    upserted: int = 0
    inserted: int = 0
    deleted: int = 0

    @property
    def touched(self) -> int:
        """Documents that an operation met, changed by it or not."""
        return self.matched + self.upserted + self.inserted + self.deleted


def single(done: Any) -> BulkResult:
    """What became of one update, as the driver tells it."""
    return BulkResult(done.matched_count, done.modified_count, 0 if done.upserted_id is None else 1)


def insert(document: Document) -> Operation:
    """Add a document."""
    return InsertOne(document)


def update(filter: Mapping[str, Any], change: Mapping[str, Any], upsert: bool = False) -> Operation:  # noqa: A002
    """Change the first document that matches, or with ``upsert`` make it."""
    return UpdateOne(filter, change, upsert=upsert)


def delete(filter: Mapping[str, Any]) -> Operation:  # noqa: A002
    """Delete the first document that matches."""
    return DeleteOne(filter)
