"""Which rules customers were ever judged by: per version, a digest of each purpose's rules.

Servers with other rules may run side by side while one takes over from another. In force are those that
were put on record last.
"""

from __future__ import annotations

from collections.abc import Mapping

from discretion.store.driver.database import Database

COLLECTION = "rulebooks"


class Rulebooks:
    """The ``rulebooks`` collection. A version means the same for ever."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, version: str, purposes: Mapping[str, str], now_ms: int) -> None:
        """Put a version on record and in force."""
        told = {key.replace(".", "/"): digest for key, digest in purposes.items()}
        change = {"$setOnInsert": {"purposes": told}, "$max": {"since": now_ms}}
        await self._database.update_one(COLLECTION, {"_id": version}, change, upsert=True)

    async def in_force(self) -> str | None:
        """The version that was put in force last; None if there is none."""
        found = await self._database.find_one(COLLECTION, {}, {"_id": 1}, sort=[("since", -1), ("_id", 1)])
        return None if found is None else str(found["_id"])

    async def all(self) -> dict[str, dict[str, str]]:
        """Every version on record, with the digests of its purposes."""
        found = await self._database.find(COLLECTION, {})
        return {
            one["_id"]: {key.replace("/", "."): digest for key, digest in one["purposes"].items()}
            for one in found
        }
