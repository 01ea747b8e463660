"""Reads all stored documents, so that the states before and after an operation can be compared."""

from __future__ import annotations

from typing import Any

from discretion.plan.customer_members import WRAPPED_KEY
from discretion.store.schema.collections import COLLECTIONS
from tests.fixtures.platform import PlatformUnderTest

Documents = dict[str, list[dict[str, Any]]]
"""The documents of each collection, in the order of their ids."""

REQUEST_BOOKKEEPING = frozenset({"v", "until", "next"})
"""Members of a request that each run of a step changes: version, end of the lease, time of the next run."""


async def read_documents(platform: PlatformUnderTest) -> Documents:
    """Return all stored documents, except the gates, which every message changes.

    Requests have no bookkeeping members. Documents with a wrapped data key have the data key in its place
    and no version: the erasure of another customer in the same bucket rewraps the key.
    """
    database, buckets = platform.internals.database, platform.internals.discloser.revealer.buckets
    documents = {
        collection.name: await database.find(collection.name, {}, sort=[("_id", 1)])
        for collection in COLLECTIONS
    }
    documents["tombstones"] = [
        tombstone for tombstone in documents["tombstones"] if len(tombstone["_id"]) > 1
    ]
    documents["requests"] = [
        {name: value for name, value in request.items() if name not in REQUEST_BOOKKEEPING}
        for request in documents["requests"]
    ]
    for collection, key in (("customers", WRAPPED_KEY), ("held", "key")):
        for document in documents[collection]:
            if key in document:
                document[key] = buckets.unwrap(document["_id"], document[key])
                document.pop("v", None)
    return documents
