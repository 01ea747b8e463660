"""The ``clients`` collection, as far as it holds the credentials of sources.

A document is ``{_id, kind, source, digest}``: ``_id`` and ``source`` are the key of the source, ``kind`` is
``source``, ``digest`` is SHA-256 of the write key. An unsalted digest suffices for a random key of 256 bits.
"""

from __future__ import annotations

from discretion.store.driver.database import Database

COLLECTION = "clients"


class WriteKeyStore:
    """Digests of write keys; a source has one at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def replace(self, source: str, digest: bytes) -> None:
        """Give a source the key with this digest; its earlier key is gone."""
        document = {"_id": source, "kind": "source", "source": source, "digest": digest}
        await self._database.replace_one(COLLECTION, {"_id": source}, document, upsert=True)

    async def find_source(self, digest: bytes) -> str | None:
        """Return the key of the source whose write key has this digest."""
        document = await self._database.find_one(COLLECTION, {"kind": "source", "digest": digest})
        return None if document is None else document["source"]
