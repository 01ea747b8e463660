"""Types of the driver interface: a write as a value, its result, and a transaction's session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pymongo import DeleteOne, InsertOne, UpdateOne

from discretion.store.document import MutableDocument

WriteOperation = InsertOne[MutableDocument] | UpdateOne | DeleteOne
"""One write for ``Database.bulk_write``.

Created by ``build_insert``, ``build_update`` and ``build_delete``.
"""


class Session(Protocol):
    """One open transaction; it is passed to every call that belongs to the transaction."""

    @property
    def in_transaction(self) -> bool:
        """Whether the transaction has begun and not ended."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """How many documents a write matched and changed."""

    matched: int = 0
    modified: int = 0
    upserted: int = 0
    inserted: int = 0
    deleted: int = 0

    @property
    def affected(self) -> int:
        """Documents that an operation matched, whether it changed them or not."""
        return self.matched + self.upserted + self.inserted + self.deleted


def build_update_result(result: Any) -> WriteResult:
    """Return the result of one update from the driver's result."""
    return WriteResult(result.matched_count, result.modified_count, 0 if result.upserted_id is None else 1)


def build_insert(document: MutableDocument) -> WriteOperation:
    """Return the write that adds a document."""
    return InsertOne(document)


def build_update(
    filter: Mapping[str, object],  # noqa: A002
    change: Mapping[str, object],
    upsert: bool = False,
) -> WriteOperation:
    """Return the write that changes the first match; with ``upsert``, it adds a document if there is none."""
    return UpdateOne(filter, change, upsert=upsert)


def build_delete(filter: Mapping[str, object]) -> WriteOperation:  # noqa: A002
    """Return the write that deletes the first document that matches."""
    return DeleteOne(filter)
