"""Reads all stored documents, so that the states before and after an operation can be compared."""

from __future__ import annotations

from typing import Any

from discretion.store.schema.collections import COLLECTIONS
from tests.fixtures.platform import PlatformUnderTest

Documents = dict[str, list[dict[str, Any]]]
"""The documents of each collection, in the order of their ids."""

REQUEST_BOOKKEEPING = frozenset({"v", "until", "next"})
"""Members of a request that each run of a step changes: version, end of the lease, time of the next run."""


async def read_documents(platform: PlatformUnderTest) -> Documents:
    """Return all stored documents, except the gates, which every message changes."""
    database = platform.internals.database
    documents = {
        collection.name: await database.find(collection.name, {}, sort=[("_id", 1)])
        for collection in COLLECTIONS
    }
    documents["tombstones"] = [
        tombstone for tombstone in documents["tombstones"] if len(tombstone["_id"]) > 1
    ]
    return documents


async def read_comparable_documents(platform: PlatformUnderTest) -> Documents:
    """Return all stored documents without what a repeated step may change without effect.

    Requests have no bookkeeping members. Retained documents have their data key in place of the wrapped key:
    a rotation rewraps all keys of a bucket, and random ids can share the bucket that is rotated.
    """
    documents = await read_documents(platform)
    documents["requests"] = [
        {name: value for name, value in request.items() if name not in REQUEST_BOOKKEEPING}
        for request in documents["requests"]
    ]
    buckets = platform.internals.discloser.revealer.buckets
    documents["held"] = [
        {**retained, "key": buckets.unwrap(retained["_id"], retained["key"])}
        if "key" in retained
        else retained
        for retained in documents["held"]
    ]
    return documents
