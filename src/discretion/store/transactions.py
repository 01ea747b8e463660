"""Transactions for code that does not know the driver, and writes that are collected for one.

A write of a repository is a value (``PendingWrite``). Whoever runs a transaction collects them and sends them
together, with one request for each collection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from discretion.store.driver.database import Database
from discretion.store.driver.error_translation import TransactionAborted
from discretion.store.driver.write_operation import (
    Session,
    WriteOperation,
    build_delete,
    build_insert,
    build_update,
)

__all__ = [
    "PendingWrite",
    "Session",
    "TransactionAborted",
    "Transactions",
    "plan_delete",
    "plan_insert",
    "plan_update",
]

T = TypeVar("T")


# Not frozen: every message makes some, and a frozen object takes three times as long to make.
@dataclass(slots=True)
class PendingWrite:
    """A write that is not sent yet.

    Attributes:
        collection: The collection that it changes.
        operation: What it does.
        must_match: Whether the transaction is aborted if the write matches no document, because the document
            changed since it was read. Writes to one collection are sent together; this has an effect if all
            of them must match.
    """

    collection: str
    operation: WriteOperation
    must_match: bool = False


def plan_insert(collection: str, document: Mapping[str, object]) -> PendingWrite:
    """Return the write that adds a document; it fails if the document exists."""
    return PendingWrite(collection, build_insert(dict(document)), must_match=True)


def plan_update(
    collection: str,
    filter: Mapping[str, object],  # noqa: A002
    change: Mapping[str, object],
    *,
    upsert: bool = False,
    must_match: bool = False,
) -> PendingWrite:
    """Return the write that changes the first match; with ``upsert``, it adds a document if there is none."""
    return PendingWrite(collection, build_update(filter, change, upsert), must_match)


def plan_delete(collection: str, filter: Mapping[str, object], *, must_match: bool = False) -> PendingWrite:  # noqa: A002
    """Return the write that deletes the first document that matches."""
    return PendingWrite(collection, build_delete(filter), must_match)


class Transactions:
    """Runs transactions on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction on a snapshot; its writes are durable when this returns.

        ``work`` runs again from its beginning when the transaction conflicts with another one or raises
        ``TransactionAborted``. It must have no effect except through its session.

        Raises:
            Unavailable: ``STORE_UNAVAILABLE``; nothing was written. ``STORE_WRITE_UNKNOWN``; the transaction
                may have been committed.
        """
        return await self._database.run_transaction(work)

    def end_callbacks(self, session: Session) -> dict[str, Callable[[], None]]:
        """Return the callbacks, by name, that run when the session's transaction ends, committed or not."""
        return self._database.end_callbacks(session)

    async def send(self, writes: Iterable[PendingWrite], session: Session | None = None) -> None:
        """Send writes, one request for each collection, in the order in which the collections first appear.

        Raises:
            TransactionAborted: A document that a write must match changed meanwhile.
        """
        by_collection: dict[str, list[PendingWrite]] = {}
        for write in writes:
            by_collection.setdefault(write.collection, []).append(write)
        for collection, pending in by_collection.items():
            result = await self._database.bulk_write(
                collection, [write.operation for write in pending], session=session
            )
            if all(write.must_match for write in pending) and result.affected != len(pending):
                raise TransactionAborted(
                    "STORE_UNAVAILABLE", "A document changed while it was being written."
                )
