"""The ``dead_letters`` collection: kept by id, counted by reason, read in the order of ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from discretion.store.driver import Database, Document, update

COLLECTION = "dead_letters"


@dataclass(frozen=True, slots=True)
class Counted:
    """How many letters one source has for one reason; times in ms since 1970."""

    code: str
    place: str
    source: str
    count: int
    oldest: int
    newest: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters: those of a reason, of a source, not older than ``since`` in ms; None is any."""

    code: str | None = None
    source: str | None = None
    since: int | None = None

    def query(self) -> Document:
        """As MongoDB is asked."""
        asked: Document = {
            name: value for name, value in (("code", self.code), ("source", self.source)) if value is not None
        }
        return asked if self.since is None else {**asked, "received": {"$gte": self.since}}


class DeadLetters:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, letters: Sequence[Mapping[str, Any]], kept_ms: int) -> None:
        """Keep letters, each in the place of an earlier one with its id; durable when this returns.

        Each is deleted by MongoDB ``kept_ms`` after it was received.
        """
        operations = []
        for letter in letters:
            expires = datetime.fromtimestamp((letter["received"] + kept_ms) / 1000, UTC)
            content = {name: value for name, value in letter.items() if name != "_id"}
            operations.append(
                update({"_id": letter["_id"]}, {"$set": {**content, "expires": expires}}, upsert=True)
            )
        await self._database.bulk_write(COLLECTION, operations)

    async def counts(self) -> list[Counted]:
        """How many there are of each reason and source, in that order."""
        reason = {name: f"${name}" for name in ("code", "place", "source")}
        found = await self._database.aggregate(
            COLLECTION,
            [
                {
                    "$group": {
                        "_id": reason,
                        "count": {"$sum": 1},
                        "oldest": {"$min": "$received"},
                        "newest": {"$max": "$received"},
                    }
                },
                {"$sort": {"_id": 1}},
            ],
        )
        return [Counted(**one.pop("_id"), **one) for one in found]

    async def count(self, wanted: Wanted) -> int:
        """How many are wanted."""
        return await self._database.count(COLLECTION, wanted.query())

    async def page(self, wanted: Wanted, after: bytes, limit: int) -> list[Document]:
        """Those wanted whose id comes after another, in the order of ids."""
        asked = {**wanted.query(), "_id": {"$gt": after}}
        return await self._database.find(COLLECTION, asked, sort=[("_id", 1)], limit=limit)

    async def relabel(self, reasons: Mapping[bytes, tuple[str, str]]) -> None:
        """Give letters the code and place they are refused for now."""
        changes = [
            update({"_id": letter}, {"$set": {"code": code, "place": place}})
            for letter, (code, place) in reasons.items()
        ]
        await self._database.bulk_write(COLLECTION, changes)

    async def remove(self, letters: Sequence[bytes]) -> None:
        """Delete letters."""
        if letters:
            await self._database.delete_many(COLLECTION, {"_id": {"$in": list(letters)}})
