"""One small interface over PyMongo's asyncio API and Motor, and the only place that handles their errors.

Writes wait for a majority and the journal. Errors of the driver are translated to ``discretion.errors``. The
driver's own exceptions quote documents, so they do not leave this module, neither as a message nor as a
cause. Integers beyond 32 bits are returned as ``bson.Int64``, which is an ``int``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import pymongo
from pymongo import ReadPreference
from pymongo.read_concern import ReadConcern
from pymongo.topology_description import TOPOLOGY_TYPE
from pymongo.write_concern import WriteConcern

from discretion.errors import Unavailable
from discretion.store.document import MutableDocument
from discretion.store.driver.error_translation import (
    DRIVER_ERRORS,
    CommitOutcomeUnknown,
    StoreRefused,
    TransactionAborted,
    run_translated,
    translate_error,
)
from discretion.store.driver.write_operation import (
    Session,
    WriteOperation,
    WriteResult,
    build_delete,
    build_insert,
    build_update,
    build_update_result,
)

__all__ = [
    "Database",
    "Session",
    "StoreRefused",
    "WriteOperation",
    "WriteResult",
    "build_delete",
    "build_insert",
    "build_update",
]

T = TypeVar("T")
TRANSACTION_SECONDS = 20.0
"""Time for all attempts of one transaction. It must be longer than MongoDB needs to end a transaction of a
killed process (``embedded.mongod.TRANSACTION_LIFE_SECONDS``), or others would give up while they wait for it.
"""
PAUSE_SECONDS = 0.005
MAX_PAUSE_SECONDS = 0.25
"""Pauses between two attempts begin with the first and double up to the second."""
ALL_AT_ONCE = 1_000_000  # documents, of at most 16 MB; by default the first answer has only 101
LATEST = ReadConcern("local")
SNAPSHOT = ReadConcern("snapshot")
DURABLE = WriteConcern("majority", j=True)


class Database:
    """One database, over PyMongo's asyncio API.

    Every call may raise:
        Unavailable: ``STORE_UNAVAILABLE``; the call had no effect, or was a read. ``STORE_WRITE_UNKNOWN``;
            the write may have happened and may last: repeat it, by key.
        Conflict: ``DUPLICATE``; a document with this key exists.
        Broken: ``STORE_DOCUMENT_INVALID`` or ``STORE_REFUSED``; a programming error.
    """

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        # Named here, because the URL sets the defaults of the client. A secondary that lags would reveal what
        # a person refused a moment ago.
        self._database = client.get_database(
            name, read_preference=ReadPreference.PRIMARY, read_concern=LATEST
        )
        self._collections: dict[str, Any] = {}
        self._end_callbacks: dict[
            int, dict[str, Callable[[], None]]
        ] = {}  # by id of the session: Motor's sessions are not hashable
        self.name = name

    async def find(
        self,
        collection: str,
        filter: Mapping[str, object],  # noqa: A002
        projection: Mapping[str, object] | None = None,
        *,
        sort: Sequence[tuple[str, int]] | None = None,
        limit: int = 0,
        session: Session | None = None,
        hint: str | None = None,
    ) -> list[MutableDocument]:
        """Return the documents that match, all of them if ``limit`` is 0."""
        try:
            documents: list[MutableDocument] = (
                await self._collection(collection)
                .find(filter, projection, sort=sort, limit=limit, session=session, hint=hint)
                .batch_size(ALL_AT_ONCE)
                .to_list(None)
            )
            return documents
        except DRIVER_ERRORS as error:
            fault = translate_error(error, is_write=False)
        raise fault

    async def find_one(
        self,
        collection: str,
        filter: Mapping[str, object],  # noqa: A002
        projection: Mapping[str, object] | None = None,
        *,
        sort: Sequence[tuple[str, int]] | None = None,
        session: Session | None = None,
        hint: str | None = None,
    ) -> MutableDocument | None:
        """Return the first document that matches, or None."""
        # A negative limit makes the server send a single batch and close the cursor.
        documents = await self.find(
            collection, filter, projection, sort=sort, limit=-1, session=session, hint=hint
        )
        return documents[0] if documents else None

    async def stream(
        self,
        collection: str,
        filter: Mapping[str, object],  # noqa: A002
        projection: Mapping[str, object],
        *,
        batch_size: int,
    ) -> AsyncIterator[list[MutableDocument]]:
        """Yield the documents that match in batches. Concurrent changes may or may not be seen.

        There is no time limit for the whole: MongoDB would measure it from the first document to the last.
        """
        cursor = self._collection(collection).find(filter, projection, batch_size=batch_size)
        try:
            while batch := await self._read_batch(cursor, batch_size):
                yield batch
        finally:
            await cursor.close()

    async def aggregate(
        self, collection: str, pipeline: Sequence[Mapping[str, object]], session: Session | None = None
    ) -> list[MutableDocument]:
        """Return all results of a pipeline; not for ``$out`` and ``$merge``."""
        return await run_translated(self._aggregate(collection, pipeline, session), is_write=False)

    async def count(
        self,
        collection: str,
        filter: Mapping[str, object],  # noqa: A002
        limit: int = 0,
    ) -> int:
        """Count the documents that match, no further than ``limit`` unless it is 0."""
        options = {"limit": limit} if limit else {}
        counted: int = await run_translated(
            self._collection(collection).count_documents(filter, **options), is_write=False
        )
        return counted

    async def insert_many(
        self,
        collection: str,
        documents: Sequence[MutableDocument],
        *,
        ordered: bool = False,
        session: Session | None = None,
    ) -> None:
        """Add documents. Without ``ordered``, a refused document does not prevent the others."""
        if documents:
            await run_translated(
                self._collection(collection).insert_many(documents, ordered=ordered, session=session),
                is_write=session is None,
            )

    async def bulk_write(
        self,
        collection: str,
        operations: Sequence[WriteOperation],
        *,
        ordered: bool = False,
        session: Session | None = None,
    ) -> WriteResult:
        """Send many writes to one collection."""
        if not operations:
            return WriteResult()
        result = await run_translated(
            self._collection(collection).bulk_write(list(operations), ordered=ordered, session=session),
            is_write=session is None,
        )
        return WriteResult(
            result.matched_count,
            result.modified_count,
            result.upserted_count,
            result.inserted_count,
            result.deleted_count,
        )

    async def update_one(
        self,
        collection: str,
        filter: Mapping[str, object],  # noqa: A002
        change: Mapping[str, object],
        *,
        upsert: bool = False,
        session: Session | None = None,
    ) -> WriteResult:
        """Change the first document that matches; with ``upsert``, add it if there is none."""
        result = await run_translated(
            self._collection(collection).update_one(filter, change, upsert=upsert, session=session),
            is_write=session is None,
        )
        return build_update_result(result)

    async def find_one_and_update(
        self,
        collection: str,
        filter: Mapping[str, object],  # noqa: A002
        change: Mapping[str, object],
        *,
        sort: Sequence[tuple[str, int]] | None = None,
        session: Session | None = None,
    ) -> MutableDocument | None:
        """Change the first document that matches, and return it as changed; None if none matches."""
        document: MutableDocument | None = await run_translated(
            self._collection(collection).find_one_and_update(
                filter, change, sort=sort, return_document=pymongo.ReturnDocument.AFTER, session=session
            ),
            is_write=session is None,
        )
        return document

    async def replace_one(
        self,
        collection: str,
        filter: Mapping[str, object],  # noqa: A002
        document: Mapping[str, object],
        *,
        upsert: bool = False,
        session: Session | None = None,
    ) -> WriteResult:
        """Replace the first document that matches; with ``upsert``, add it if there is none."""
        result = await run_translated(
            self._collection(collection).replace_one(filter, document, upsert=upsert, session=session),
            is_write=session is None,
        )
        return build_update_result(result)

    async def delete_many(
        self,
        collection: str,
        filter: Mapping[str, object],  # noqa: A002
        *,
        session: Session | None = None,
    ) -> int:
        """Delete the documents that match, and return their number."""
        result = await run_translated(
            self._collection(collection).delete_many(filter, session=session), is_write=session is None
        )
        return int(result.deleted_count)

    async def command(
        self, document: Mapping[str, object], *, admin: bool = False, without_time_limit: bool = False
    ) -> MutableDocument:
        """Run a database command and return its answer.

        Args:
            document: The command.
            admin: Whether it goes to the ``admin`` database.
            without_time_limit: For commands that may take long, such as building an index.

        Raises:
            StoreRefused: With the server's error number.
        """
        database = self._client.admin if admin else self._database
        # Any command may write, so a lost answer leaves the outcome unknown (``is_write``).
        with pymongo.timeout(0) if without_time_limit else contextlib.nullcontext():
            answer: MutableDocument = await run_translated(database.command(document), is_write=True)
        return answer

    async def run_transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction on a snapshot; durable when this returns.

        When it conflicts with another transaction, ``work`` runs again from its beginning. It must therefore
        have no effect except through its session. Its own exceptions abort the transaction and are raised to
        the caller.

        Raises:
            Unavailable: ``STORE_UNAVAILABLE``; no attempt within ``TRANSACTION_SECONDS`` succeeded and
                nothing was written. ``STORE_WRITE_UNKNOWN``; the transaction may have been committed.
        """
        deadline = asyncio.get_running_loop().time() + TRANSACTION_SECONDS
        pause = PAUSE_SECONDS
        while True:
            try:
                return await self._attempt_transaction(work, deadline)
            except TransactionAborted as aborted:
                remaining = deadline - asyncio.get_running_loop().time()
                if remaining < pause:
                    raise Unavailable("STORE_UNAVAILABLE", aborted.message) from None
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_PAUSE_SECONDS)

    def end_callbacks(self, session: Session) -> dict[str, Callable[[], None]]:
        """Return the callbacks, by name, that run when the session's transaction ends, committed or not."""
        return self._end_callbacks[id(session)]

    @property
    def is_direct(self) -> bool:
        """Whether the URL names one server that is used whatever its role in the replica set is."""
        return bool(self._client.topology_description.topology_type == TOPOLOGY_TYPE.Single)

    async def close(self) -> None:
        """Close all connections to the servers."""
        await self._client.close()

    def _collection(self, name: str) -> Any:
        collection = self._collections.get(name)
        if collection is None:
            collection = self._collections[name] = self._database[name]
        return collection

    async def _attempt_transaction(self, work: Callable[[Session], Awaitable[T]], deadline: float) -> T:
        session = await run_translated(self._start_session(), is_write=False)
        self._end_callbacks[id(session)] = {}
        try:
            remaining = max(deadline - asyncio.get_running_loop().time(), PAUSE_SECONDS)
            # One limit for all calls of the attempt. ``timeoutMS`` would begin again with every call.
            with pymongo.timeout(remaining):
                await self._begin_transaction(session)
                result = await work(session)
                await self._commit(session, deadline)
            return result
        finally:
            try:
                # Before the callbacks: the locks that they release are held until the transaction can no
                # longer commit.
                await session.end_session()  # aborts a transaction that was not committed
            finally:
                # Also after an error: locks that are held for the transaction must be released in any case.
                for callback in self._end_callbacks.pop(id(session)).values():
                    callback()

    async def _commit(self, session: Any, deadline: float) -> None:
        while True:
            try:
                await run_translated(session.commit_transaction(), is_write=True)
            except CommitOutcomeUnknown:
                # A commit can be repeated safely. The loop ends at the deadline because the caller waits.
                if asyncio.get_running_loop().time() + PAUSE_SECONDS > deadline:
                    raise
            else:
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _read_batch(self, cursor: Any, size: int) -> list[MutableDocument]:
        with pymongo.timeout(0):
            return await run_translated(cursor.to_list(size), is_write=False)

    async def _aggregate(
        self, collection: str, pipeline: Sequence[Mapping[str, object]], session: Session | None
    ) -> list[MutableDocument]:
        cursor = await self._collection(collection).aggregate(list(pipeline), session=session)
        documents: list[MutableDocument] = await cursor.to_list(None)
        return documents

    async def _start_session(self) -> Any:
        return self._client.start_session()

    async def _begin_transaction(self, session: Any) -> None:
        await session.start_transaction(SNAPSHOT, DURABLE, ReadPreference.PRIMARY)


class MotorDatabase(Database):
    """The same over Motor, where its interface differs."""

    async def close(self) -> None:
        """Close all connections; Motor's call is synchronous."""
        self._client.close()

    async def _aggregate(
        self, collection: str, pipeline: Sequence[Mapping[str, object]], session: Session | None
    ) -> list[MutableDocument]:
        documents: list[MutableDocument] = await (
            self._collection(collection).aggregate(list(pipeline), session=session).to_list(None)
        )
        return documents

    async def _start_session(self) -> Any:
        return await self._client.start_session()

    async def _begin_transaction(self, session: Any) -> None:
        session.start_transaction(SNAPSHOT, DURABLE, ReadPreference.PRIMARY)
