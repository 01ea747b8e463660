"""Bring a database to the declared collections, validators and indexes. Repeating it changes nothing.

Only the first start on a fresh database, ``discretion migrate`` and ``discretion rules activate`` do this. An
ordinary start, or a command, of another release would otherwise change what running servers may write.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence

from discretion.store.driver.database import Database, StoreRefused
from discretion.store.schema.collections import COLLECTIONS, INDEX_PREFIX, build_attribute_indexes
from discretion.store.schema.declaration import Collection, Index

NAMESPACE_EXISTS = 48
INDEX_NOT_FOUND = 27
CONCURRENT_CHANGE = frozenset({112, 117, 276, 12586, 12587})
"""Error codes that mean another process changes the same collection: WriteConflict,
ConflictingOperationInProgress, IndexBuildAborted, BackgroundOperationInProgressForDatabase,
BackgroundOperationInProgressForNamespace.
"""

DECLARATION_LENGTH = 16
"""Hexadecimal digits of the digest of a declaration."""

ATTEMPTS = 20
PAUSE_SECONDS = 0.1


async def apply_schema(database: Database, indexed_keys: Sequence[str] = ()) -> None:
    """Create what is missing and change what differs, even while other processes do the same.

    Args:
        database: The database.
        indexed_keys: Keys of the attributes that customers are filtered or sorted by with an index. The index
            of a key that is no longer in this list is dropped.

    Raises:
        Misconfigured: ``INDEXED_ATTRIBUTES_TOO_MANY``.
        StoreRefused: MongoDB refuses an operation, for example because of missing privileges.
    """
    # Before anything is changed: the list may be too long.
    build_attribute_indexes(frozenset(indexed_keys))
    existing = await _read_options(database)
    for collection in COLLECTIONS:
        await _apply_validator(database, collection, existing.get(collection.name))
        await _create_indexes(database, collection.name, collection.indexes)
    await apply_attribute_indexes(database, indexed_keys)


async def apply_attribute_indexes(database: Database, indexed_keys: Sequence[str]) -> None:
    """Create the indexes of attributes that customers are filtered or sorted by; drop those of others.

    Raises:
        Misconfigured: ``INDEXED_ATTRIBUTES_TOO_MANY``.
    """
    indexes = build_attribute_indexes(frozenset(indexed_keys))
    await _drop_stale_indexes(database, "customers", indexes)
    await _create_indexes(database, "customers", indexes)


async def lift_validators(database: Database) -> None:
    """Let every document pass until ``apply_schema`` is called; a migration turns old documents into new."""
    for name in await _read_options(database):
        await _run_with_retries(database, {"collMod": name, "validationLevel": "off"})


def compute_declaration() -> str:
    """Return a digest of the declared collections, validators and indexes."""
    declared = [
        [
            collection.name,
            collection.build_validator(),
            [index.build_definition() for index in collection.indexes],
        ]
        for collection in sorted(COLLECTIONS, key=lambda collection: collection.name)
    ]
    text = json.dumps(declared, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:DECLARATION_LENGTH]


async def _read_options(database: Database) -> dict[str, dict[str, object]]:
    """Return the options of the existing collections, by name."""
    # One batch holds every collection, so no further batch has to be fetched.
    listed = await database.command({"listCollections": 1, "cursor": {"batchSize": 1000}})
    return {
        description["name"]: description.get("options", {}) for description in listed["cursor"]["firstBatch"]
    }


async def _apply_validator(
    database: Database, collection: Collection, options: dict[str, object] | None
) -> None:
    settings = {
        "validator": collection.build_validator(),
        "validationLevel": "strict",
        "validationAction": "error",
    }
    if options is None:
        try:
            await _run_with_retries(database, {"create": collection.name, **settings})
        except StoreRefused as refused:
            if refused.number != NAMESPACE_EXISTS:
                raise
            # Created meanwhile by another process, possibly of another release with another validator.
            await _run_with_retries(database, {"collMod": collection.name, **settings})
    # ``collMod`` locks the collection, so it runs only where something differs.
    elif any(options.get(name) != value for name, value in settings.items()):
        await _run_with_retries(database, {"collMod": collection.name, **settings})


async def _create_indexes(database: Database, collection: str, indexes: Sequence[Index]) -> None:
    if indexes:
        definitions = [index.build_definition() for index in indexes]
        await _run_with_retries(database, {"createIndexes": collection, "indexes": definitions})


async def _drop_stale_indexes(database: Database, collection: str, indexes: Sequence[Index]) -> None:
    names = {index.name for index in indexes}
    listed = await database.command({"listIndexes": collection, "cursor": {"batchSize": 1000}})
    for description in listed["cursor"]["firstBatch"]:
        name: str = description["name"]
        if name.startswith(INDEX_PREFIX) and name not in names:
            try:
                await _run_with_retries(database, {"dropIndexes": collection, "index": name})
            except StoreRefused as refused:
                # Another process may have dropped the index first.
                if refused.number != INDEX_NOT_FOUND:
                    raise


async def _run_with_retries(database: Database, command: dict[str, object]) -> None:
    """Run a command, and repeat it while another process changes the same collection."""
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            await database.command(command, without_time_limit=True)
        except StoreRefused as refused:
            if refused.number not in CONCURRENT_CHANGE or not attempts_left:
                raise
        else:
            return
        await asyncio.sleep(PAUSE_SECONDS)
