"""Whole collections as BSON files, in the format that ``mongorestore`` reads too."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import bson
import pymongo
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from discretion.store.driver.database import Database
from discretion.store.driver.error_translation import run_translated
from discretion.store.schema.collections import COLLECTIONS

BATCH_SIZE = 500
"""Documents that are read or written at once."""
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


class DumpStore:
    """Whole collections of one database, for dumps and restores."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def open_snapshot(self) -> AsyncIterator[SnapshotReader]:
        """Open a reader that sees the database at one moment.

        MongoDB keeps that moment for five minutes (``minSnapshotHistoryWindowInSeconds``) and refuses longer
        reads.
        """
        # Motor returns an awaitable here, PyMongo's asyncio API returns the session itself.
        starting = self._database._client.start_session(snapshot=True)
        session = await starting if inspect.isawaitable(starting) else starting
        try:
            yield SnapshotReader(self._database, session)
        finally:
            await session.end_session()

    async def count_all(self) -> dict[str, int]:
        """Count the documents of each declared collection that is not empty, by name."""
        counts = {
            collection.name: await self._database.count(collection.name, {}) for collection in COLLECTIONS
        }
        return {name: count for name, count in counts.items() if count}

    async def read_server_version(self) -> str:
        """Return the version of the server."""
        return str((await self._database.command({"buildInfo": 1}, admin=True))["version"])

    async def delete_all(self, collection: str) -> None:
        """Delete all documents of a collection."""
        await self._database.delete_many(collection, {})

    async def insert_missing(self, collection: str, documents: Sequence[RawBSONDocument]) -> None:
        """Insert documents unchanged into a collection; one whose id is there already is left out."""
        ids = [document["_id"] for document in documents]
        present = {
            document["_id"]
            for document in await self._database.find(collection, {"_id": {"$in": ids}}, {"_id": 1})
        }
        missing: list[Any] = [document for document in documents if document["_id"] not in present]
        await self._database.insert_many(collection, missing)


class SnapshotReader:
    """Reads whole collections as they were at one moment."""

    def __init__(self, database: Database, session: Any) -> None:
        self._database = database
        self._session = session

    async def read_raw(self, collection: str) -> AsyncIterator[list[bytes]]:
        """Read all documents of a collection as BSON, ``BATCH_SIZE`` at a time."""
        raw_collection = self._database._database[collection].with_options(codec_options=RAW)
        cursor = raw_collection.find({}, session=self._session, batch_size=BATCH_SIZE)
        try:
            while True:
                # ``timeoutMS`` of the client would limit the life of the cursor, and a large collection takes
                # longer.
                with pymongo.timeout(0):
                    batch = await run_translated(cursor.to_list(BATCH_SIZE), is_write=False)
                if not batch:
                    return
                yield [document.raw for document in batch]
        finally:
            await cursor.close()


def read_bson_file(path: Path) -> Iterator[list[RawBSONDocument]]:
    """Read the documents of a BSON file in batches; a missing file yields nothing.

    Raises:
        bson.errors.InvalidBSON: The file is not valid BSON.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        documents = bson.decode_file_iter(file, RAW)
        while batch := list(islice(documents, BATCH_SIZE)):
            yield batch


def count_bson_documents(path: Path) -> int | None:
    """Count the documents of a BSON file, or return None if the file is not valid BSON."""
    try:
        return sum(len(batch) for batch in read_bson_file(path))
    except bson.errors.InvalidBSON:
        return None
