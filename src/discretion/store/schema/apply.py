"""Bring a database to the collections, validators and indexes declared. Changes nothing the second time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from discretion.store.driver.database import Database, Refused
from discretion.store.schema.collections import COLLECTIONS, ORDERED_PREFIX, ordered_indexes
from discretion.store.schema.declaration import Collection, Index

NAMESPACE_EXISTS = 48
INDEX_NOT_FOUND = 27
ELSEWHERE = frozenset({112, 117, 276, 12586, 12587})
"""Another process is at it: WriteConflict, ConflictingOperationInProgress, IndexBuildAborted,
BackgroundOperationInProgressForDatabase, BackgroundOperationInProgressForNamespace."""

ATTEMPTS = 20
PAUSE_SECONDS = 0.1


async def prepare(database: Database, ordered_keys: Sequence[str] = ()) -> None:
    """Make what is missing and change what is different, while others may do the same.

    Args:
        database: Which one.
        ordered_keys: Attributes that are kept in order, by their key in a document. The index of
            one no longer among them goes away.

    Raises:
        Misconfigured: ``ORDERED_ATTRIBUTES_TOO_MANY``.
        Refused: MongoDB does not let us, such as for lack of rights.
    """
    ordered = ordered_indexes(frozenset(ordered_keys))
    listed = await database.command({"listCollections": 1, "cursor": {"batchSize": 1000}})
    present = {one["name"]: one.get("options", {}) for one in listed["cursor"]["firstBatch"]}
    for collection in COLLECTIONS:
        await _validate(database, collection, present.get(collection.name))
        indexes = collection.indexes + (ordered if collection.name == "customers" else ())
        if collection.name == "customers":
            await _drop_stale(database, collection.name, indexes)
        await _index(database, collection.name, indexes)


async def _validate(database: Database, collection: Collection, options: dict[str, Any] | None) -> None:
    wanted = {
        "validator": collection.validator(),
        "validationLevel": "strict",
        "validationAction": "error",
    }
    if options is None:
        try:
            await _insist(database, {"create": collection.name, **wanted})
        except Refused as refused:
            if refused.number != NAMESPACE_EXISTS:
                raise
            # Made meanwhile by another process, perhaps of another release.
            await _insist(database, {"collMod": collection.name, **wanted})
    elif any(options.get(name) != value for name, value in wanted.items()):
        await _insist(database, {"collMod": collection.name, **wanted})


async def _index(database: Database, collection: str, indexes: Sequence[Index]) -> None:
    if indexes:
        wanted = [index.definition() for index in indexes]
        await _insist(database, {"createIndexes": collection, "indexes": wanted})


async def _drop_stale(database: Database, collection: str, indexes: Sequence[Index]) -> None:
    wanted = {index.name for index in indexes}
    listed = await database.command({"listIndexes": collection, "cursor": {"batchSize": 1000}})
    for one in listed["cursor"]["firstBatch"]:
        name: str = one["name"]
        if name.startswith(ORDERED_PREFIX) and name not in wanted:
            try:
                await _insist(database, {"dropIndexes": collection, "index": name})
            except Refused as refused:
                if refused.number != INDEX_NOT_FOUND:
                    raise


async def _insist(database: Database, command: dict[str, Any]) -> None:
    """Run a command, again for as long as another process is in its way."""
    for left in reversed(range(ATTEMPTS)):
        try:
            await database.command(command, patient=True)
        except Refused as refused:
            if refused.number not in ELSEWHERE or not left:
                raise
        else:
            return
        await asyncio.sleep(PAUSE_SECONDS)
