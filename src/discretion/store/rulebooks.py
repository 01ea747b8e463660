"""Which rules customers were ever judged by: per version, a digest of each purpose's rules."""

from __future__ import annotations

from collections.abc import Mapping

from discretion.store.driver import Database

COLLECTION = "rulebooks"


class Rulebooks:
    """The ``rulebooks`` collection. A version means the same for ever, so it is written once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, version: str, purposes: Mapping[str, str], now_ms: int) -> None:
        """Put a version on record, with when it was first in force."""
        told = {
            "purposes": {key.replace(".", "/"): digest for key, digest in purposes.items()},
            "since": now_ms,
        }
        await self._database.update_one(COLLECTION, {"_id": version}, {"$setOnInsert": told}, upsert=True)

    async def all(self) -> dict[str, dict[str, str]]:
        """Every version on record, with the digests of its purposes."""
        found = await self._database.find(COLLECTION, {})
        return {
            one["_id"]: {key.replace("/", "."): digest for key, digest in one["purposes"].items()}
            for one in found
        }
