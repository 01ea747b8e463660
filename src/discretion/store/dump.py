"""Whole collections as BSON files, written and read back: what ``mongorestore`` understands too."""

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
from discretion.store.driver.error_translation import done
from discretion.store.schema.collections import COLLECTIONS

TOGETHER = 500
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


@asynccontextmanager
async def one_moment(database: Database) -> AsyncIterator[Any]:
    """A session that reads everything as it was at one moment.

    MongoDB keeps that for five minutes (``minSnapshotHistoryWindowInSeconds``); a longer read is refused.
    """
    started = database._client.start_session(snapshot=True)
    session = await started if inspect.isawaitable(started) else started
    try:
        yield session
    finally:
        await session.end_session()


async def documents(database: Database, collection: str, session: Any) -> AsyncIterator[list[bytes]]:
    """All documents of a collection, as BSON, ``TOGETHER`` at a time."""
    found = database._database[collection].with_options(codec_options=RAW)
    cursor = found.find({}, session=session, batch_size=TOGETHER)
    try:
        while True:
            with pymongo.timeout(0):
                batch = await done(cursor.to_list(TOGETHER), wrote=False)
            if not batch:
                return
            yield [one.raw for one in batch]
    finally:
        await cursor.close()


async def counted(database: Database) -> dict[str, int]:
    """How many documents each declared collection has, of those that have any."""
    counts = {one.name: await database.count(one.name, {}) for one in COLLECTIONS}
    return {name: count for name, count in counts.items() if count}


async def version(database: Database) -> str:
    """The server's."""
    return str((await database.command({"buildInfo": 1}, admin=True))["version"])


def written(path: Path) -> Iterator[list[RawBSONDocument]]:
    """The documents of a file; none if there is no such file.

    Raises:
        bson.errors.InvalidBSON: It is no file of documents.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        each = bson.decode_file_iter(file, RAW)
        while batch := list(islice(each, TOGETHER)):
            yield batch


def whole(path: Path) -> int | None:
    """How many documents a file has; None if it is no file of documents."""
    try:
        return sum(len(batch) for batch in written(path))
    except bson.errors.InvalidBSON:
        return None


async def load(database: Database, collection: str, batch: Sequence[Any]) -> None:
    """Add documents as they are."""
    await database.insert_many(collection, list(batch))
