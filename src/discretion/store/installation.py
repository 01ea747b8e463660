"""The document about the database itself: whose keys it was set up with, and which schema it has."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.errors import Conflict
from discretion.store.document import Document
from discretion.store.driver.database import Database

COLLECTION = "installation"
_ID = "installation"


@dataclass(frozen=True, slots=True)
class InstallationRecord:
    """What all processes on one database agree on.

    Attributes:
        schema: Version of the schema that the database has; 0 until the first start has set it up.
        target: The version it is being moved to; equal to ``schema`` if nothing is under way.
        declaration: Digest of the collections and indexes that ``schema`` declares.
        bucket_keys: Fingerprint of the bucket keys (``seal.fingerprint``).
        signing_keys: Fingerprint of the signing keys.
        created_at: When the database was set up (ms since 1970).
    """

    schema: int
    target: int
    declaration: str
    bucket_keys: bytes
    signing_keys: bytes
    created_at: int


def parse_installation_record(document: Document) -> InstallationRecord:
    """Return the record that a stored document holds."""
    return InstallationRecord(
        document["schema"],
        document["target"],
        document["declaration"],
        document["bucketKeys"],
        document["signingKeys"],
        document["created"],
    )


class InstallationStore:
    """The ``installation`` collection, which has one document."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self) -> InstallationRecord | None:
        """Return the record, or None if the database was never set up."""
        document = await self._database.find_one(COLLECTION, {"_id": _ID})
        return None if document is None else parse_installation_record(document)

    async def create(self, record: InstallationRecord) -> None:
        """Add the record unless there is one: of several processes, the first wins."""
        document = {
            "_id": _ID,
            "schema": record.schema,
            "target": record.target,
            "declaration": record.declaration,
            "bucketKeys": record.bucket_keys,
            "signingKeys": record.signing_keys,
            "created": record.created_at,
        }
        try:
            await self._database.insert_many(COLLECTION, [document])
        except Conflict:
            return

    async def accept_signing_keys(self, fingerprint: bytes) -> None:
        """Record other signing keys as those of the database; the earlier ones were lost."""
        await self._database.update_one(COLLECTION, {"_id": _ID}, {"$set": {"signingKeys": fingerprint}})

    async def begin_migration(self, target: int) -> None:
        """Record that the schema is being moved forward; from then on no process starts."""
        await self._database.update_one(COLLECTION, {"_id": _ID}, {"$max": {"target": target}})

    async def end_migration(self, schema: int, declaration: str) -> None:
        """Record that the database has a schema now."""
        change = {"schema": schema, "declaration": declaration}
        await self._database.update_one(
            COLLECTION, {"_id": _ID, "schema": {"$lte": schema}}, {"$set": change}
        )
