"""The ``dead_letters`` collection: kept by id, counted by reason, read in the order of ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from discretion.store.driver.database import Database, Document, Operation, Session, update
from discretion.store.tombstones import Stone, Tombstones

COLLECTION = "dead_letters"
TOGETHER = 500
"""Letters that one transaction keeps: MongoDB advises against more than a thousand changed documents."""


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

    def __init__(self, database: Database, tombstones: Tombstones) -> None:
        self._database = database
        self._tombstones = tombstones

    async def keep(self, letters: Sequence[Mapping[str, Any]], kept_ms: int) -> None:
        """Keep letters, each in the place of an earlier one with its id; durable when this returns.

        Each is deleted by MongoDB ``kept_ms`` after it was received. Of one that names somebody erased, or
        was erased itself, nothing is kept.
        """
        for start in range(0, len(letters), TOGETHER):
            await self._keep(letters[start : start + TOGETHER], kept_ms)

    async def _keep(self, letters: Sequence[Mapping[str, Any]], kept_ms: int) -> None:
        names = {name for letter in letters for name in _names(letter)}
        graves = {name: self._tombstones.of(name) for name in names}

        async def work(session: Session) -> None:
            stones = await self._tombstones.over(graves, session)
            kept = [one for one in letters if not _barred(one, stones)]
            if not kept:
                return
            gates = self._tombstones.passed(name for one in kept for name in one["marks"])
            await self._tombstones.write(gates, session)
            await self._database.bulk_write(COLLECTION, _written(kept, kept_ms), session=session)

        await self._database.transaction(work)

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


def _names(letter: Mapping[str, Any]) -> list[bytes]:
    return [letter["_id"], *letter["marks"]]


def _barred(letter: Mapping[str, Any], stones: Mapping[bytes, Stone]) -> bool:
    return any(one in stones and stones[one].bars(letter["received"]) for one in _names(letter))


def _written(letters: Sequence[Mapping[str, Any]], kept_ms: int) -> list[Operation]:
    operations = []
    for letter in letters:
        expires = datetime.fromtimestamp((letter["received"] + kept_ms) / 1000, UTC)
        content = {name: value for name, value in letter.items() if name != "_id"}
        operations.append(
            update({"_id": letter["_id"]}, {"$set": {**content, "expires": expires}}, upsert=True)
        )
    return operations
