"""The seam: one small face over PyMongo's asyncio API and Motor, and the only place that sees their errors.

Writes wait for a majority and the journal. What the driver raises is mapped here to
``discretion.errors``; its own exceptions, which quote documents, do not get further, neither as
a message nor as a cause. Integers beyond 32 bits come back as ``bson.Int64``, which is an ``int``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import pymongo
from pymongo import AsyncMongoClient, ReadPreference
from pymongo.errors import PyMongoError
from pymongo.monitoring import CommandListener
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from discretion.errors import Misconfigured, Unavailable
from discretion.store.driver.error_translation import FOREIGN, Again, Refused, UnknownCommit, mapped
from discretion.store.driver.error_translation import done as _done
from discretion.store.driver.write_operation import (
    BulkResult,
    Document,
    Operation,
    Session,
    delete,
    insert,
    single,
    update,
)

__all__ = [
    "BulkResult",
    "CommandListener",
    "Database",
    "Document",
    "Operation",
    "Refused",
    "Session",
    "connect",
    "delete",
    "insert",
    "update",
]

T = TypeVar("T")
SELECTION_MS = 5_000  # until a primary is found
OPERATION_MS = 10_000  # one call, its retries included
TRANSACTION_SECONDS = 20.0
PAUSE_SECONDS = 0.005
LONGEST_PAUSE_SECONDS = 0.25
SNAPSHOT = ReadConcern("snapshot")
DURABLE = WriteConcern("majority", j=True)


async def connect(
    url: str, database: str, driver: str = "pymongo", listeners: Sequence[CommandListener] = ()
) -> Database:
    """A database behind a driver. Nothing is sent yet; ``inspect`` looks whether it is there.

    Time limits in the URL win over ours.

    Args:
        url: MongoDB connection string.
        database: Its name.
        driver: ``pymongo`` or ``motor``.
        listeners: Told of every command.

    Raises:
        Misconfigured: ``MONGO_URL_INVALID``.
    """
    options: Document = {
        "appname": "discretion",
        "w": "majority",
        "journal": True,
        "retryWrites": True,
        "retryReads": True,
        "tz_aware": True,
        "uuidRepresentation": "standard",
        "event_listeners": list(listeners),
    }
    for name, value in (("serverSelectionTimeoutMS", SELECTION_MS), ("timeoutMS", OPERATION_MS)):
        if f"{name}=".lower() not in url.lower():
            options[name] = value
    try:
        if driver == "motor":
            from motor.motor_asyncio import AsyncIOMotorClient  # noqa: PLC0415 - only if asked for

            return MotorDatabase(AsyncIOMotorClient(url, **options), database)
        return Database(AsyncMongoClient(url, **options), database)
    except (PyMongoError, ValueError) as error:
        invalid = Misconfigured(
            "MONGO_URL_INVALID",
            f"The MongoDB URL does not hold ({type(error).__name__}).",
            "It looks like mongodb://host:27017/?replicaSet=name",
        )
    raise invalid  # outside, so that the driver's message, which may quote a password, is not its context


class Database:
    """One database, over PyMongo's asyncio API.

    Every call may raise:
        Unavailable: ``STORE_UNAVAILABLE``; it did nothing, or it was a read. ``STORE_WRITE_UNKNOWN``;
            a write that may have happened and may stay: ask again, by key.
        Conflict: ``DUPLICATE``; the key is taken.
        Broken: ``STORE_DOCUMENT_INVALID`` or ``STORE_REFUSED``; a mistake of ours.
    """

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._database = client[name]
        self._collections: dict[str, Any] = {}
        self._ends: dict[int, dict[str, Callable[[], None]]] = {}  # by id; Motor's have no hash
        self.name = name

    async def find(
        self,
        collection: str,
        filter: Mapping[str, Any],  # noqa: A002
        projection: Mapping[str, Any] | None = None,
        *,
        sort: Sequence[tuple[str, int]] | None = None,
        limit: int = 0,
        session: Session | None = None,
        hint: str | None = None,
    ) -> list[Document]:
        """Documents that match, all of them if ``limit`` is 0."""
        try:
            found: list[Document] = (
                await self._collection(collection)
                .find(filter, projection, sort=sort, limit=limit, session=session, hint=hint)
                .to_list(None)
            )
            return found
        except FOREIGN as error:
            fault = mapped(error, wrote=False)
        raise fault

    async def find_one(
        self,
        collection: str,
        filter: Mapping[str, Any],  # noqa: A002
        projection: Mapping[str, Any] | None = None,
        *,
        sort: Sequence[tuple[str, int]] | None = None,
        session: Session | None = None,
        hint: str | None = None,
    ) -> Document | None:
        """The first document that matches."""
        found = await self.find(
            collection, filter, projection, sort=sort, limit=-1, session=session, hint=hint
        )
        return found[0] if found else None

    async def stream(
        self,
        collection: str,
        filter: Mapping[str, Any],  # noqa: A002
        projection: Mapping[str, Any],
        *,
        together: int,
    ) -> AsyncIterator[list[Document]]:
        """Documents that match, so many ``together``; of what changes meanwhile some are as they were.

        However many there are: MongoDB counts the time of a cursor from its first document to its last.
        """
        cursor = self._collection(collection).find(filter, projection, batch_size=together)
        try:
            while found := await self._some(cursor, together):
                yield found
        finally:
            await cursor.close()

    async def aggregate(
        self, collection: str, pipeline: Sequence[Mapping[str, Any]], session: Session | None = None
    ) -> list[Document]:
        """Everything a pipeline gives; not for ``$out`` and ``$merge``."""
        return await _done(self._aggregate(collection, pipeline, session), wrote=False)

    async def count(
        self,
        collection: str,
        filter: Mapping[str, Any],  # noqa: A002
        limit: int = 0,
    ) -> int:
        """How many documents match, counting no further than ``limit`` unless it is 0."""
        most = {"limit": limit} if limit else {}
        counted: int = await _done(self._collection(collection).count_documents(filter, **most), wrote=False)
        return counted

    async def insert_many(
        self,
        collection: str,
        documents: Sequence[Document],
        *,
        ordered: bool = False,
        session: Session | None = None,
    ) -> None:
        """Add documents. Without ``ordered`` one that is refused does not stop the others."""
        if documents:
            await _done(
                self._collection(collection).insert_many(documents, ordered=ordered, session=session),
                wrote=session is None,
            )

    async def bulk_write(
        self,
        collection: str,
        operations: Sequence[Operation],
        *,
        ordered: bool = False,
        session: Session | None = None,
    ) -> BulkResult:
        """Many writes to one collection."""
        if not operations:
            return BulkResult()
        done = await _done(
            self._collection(collection).bulk_write(list(operations), ordered=ordered, session=session),
            wrote=session is None,
        )
        return BulkResult(
            done.matched_count,
            done.modified_count,
            done.upserted_count,
            done.inserted_count,
            done.deleted_count,
        )

    async def update_one(
        self,
        collection: str,
        filter: Mapping[str, Any],  # noqa: A002
        change: Mapping[str, Any],
        *,
        upsert: bool = False,
        session: Session | None = None,
    ) -> BulkResult:
        """Change the first document that matches, or with ``upsert`` make it."""
        done = await _done(
            self._collection(collection).update_one(filter, change, upsert=upsert, session=session),
            wrote=session is None,
        )
        return single(done)

    async def replace_one(
        self,
        collection: str,
        filter: Mapping[str, Any],  # noqa: A002
        document: Mapping[str, Any],
        *,
        upsert: bool = False,
        session: Session | None = None,
    ) -> BulkResult:
        """Put a document in the place of the first that matches, or with ``upsert`` add it."""
        done = await _done(
            self._collection(collection).replace_one(filter, document, upsert=upsert, session=session),
            wrote=session is None,
        )
        return single(done)

    async def delete_many(
        self,
        collection: str,
        filter: Mapping[str, Any],  # noqa: A002
        *,
        session: Session | None = None,
    ) -> int:
        """Delete what matches; how many that were."""
        done = await _done(
            self._collection(collection).delete_many(filter, session=session), wrote=session is None
        )
        return int(done.deleted_count)

    async def command(
        self, document: Mapping[str, Any], *, admin: bool = False, patient: bool = False
    ) -> Document:
        """A database command and its answer; ``patient`` ones may take as long as they like.

        Raises:
            Refused: With the server's error number.
        """
        database = self._client.admin if admin else self._database
        with pymongo.timeout(0) if patient else contextlib.nullcontext():
            answer: Document = await _done(database.command(document), wrote=True)
        return answer

    async def transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction on a snapshot; durable when this returns.

        When it meets another transaction, ``work`` runs again from its start, so it must have no
        effect but through its session. Its own exceptions end the transaction and come through.

        Raises:
            Unavailable: ``STORE_UNAVAILABLE``; nothing was written, in ``TRANSACTION_SECONDS``
                and all attempts. ``STORE_WRITE_UNKNOWN``; it may have been.
        """
        deadline = asyncio.get_running_loop().time() + TRANSACTION_SECONDS
        pause = PAUSE_SECONDS
        while True:
            try:
                return await self._attempt(work, deadline)
            except Again as again:
                left = deadline - asyncio.get_running_loop().time()
                if left < pause:
                    raise Unavailable("STORE_UNAVAILABLE", again.message) from None
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def ends(self, session: Session) -> dict[str, Callable[[], None]]:
        """What is called, by name, when the transaction of a session has ended, committed or not."""
        return self._ends[id(session)]

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.close()

    def _collection(self, name: str) -> Any:
        found = self._collections.get(name)
        if found is None:
            found = self._collections[name] = self._database[name]
        return found

    async def _attempt(self, work: Callable[[Session], Awaitable[T]], deadline: float) -> T:
        session = await _done(self._start_session(), wrote=False)
        self._ends[id(session)] = {}
        try:
            left = max(deadline - asyncio.get_running_loop().time(), PAUSE_SECONDS)
            with pymongo.timeout(left):
                await self._begin(session)
                result = await work(session)
                await self._commit(session, deadline)
            return result
        finally:
            try:
                await session.end_session()  # takes back what was not committed
            finally:
                for end in self._ends.pop(id(session)).values():
                    end()

    async def _commit(self, session: Any, deadline: float) -> None:
        while True:
            try:
                await _done(session.commit_transaction(), wrote=True)
            except UnknownCommit:
                if asyncio.get_running_loop().time() + PAUSE_SECONDS > deadline:
                    raise
            else:
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _some(self, cursor: Any, many: int) -> list[Document]:
        with pymongo.timeout(0):
            return await _done(cursor.to_list(many), wrote=False)

    async def _aggregate(
        self, collection: str, pipeline: Sequence[Mapping[str, Any]], session: Session | None
    ) -> list[Document]:
        cursor = await self._collection(collection).aggregate(list(pipeline), session=session)
        found: list[Document] = await cursor.to_list(None)
        return found

    async def _start_session(self) -> Any:
        return self._client.start_session()

    async def _begin(self, session: Any) -> None:
        await session.start_transaction(SNAPSHOT, DURABLE, ReadPreference.PRIMARY)


class MotorDatabase(Database):
    """The same over Motor, where it differs."""

    async def close(self) -> None:
        """Let go of all connections."""
        self._client.close()

    async def _aggregate(
        self, collection: str, pipeline: Sequence[Mapping[str, Any]], session: Session | None
    ) -> list[Document]:
        found: list[Document] = await (
            self._collection(collection).aggregate(list(pipeline), session=session).to_list(None)
        )
        return found

    async def _start_session(self) -> Any:
        return await self._client.start_session()

    async def _begin(self, session: Any) -> None:
        session.start_transaction(SNAPSHOT, DURABLE, ReadPreference.PRIMARY)
