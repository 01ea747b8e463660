"""The ``requests`` collection: people's requests, who carries each out, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from discretion.store.driver.database import Database, Document, Operation, Session, insert

COLLECTION = "requests"


class Requests:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, request: bytes, session: Session | None = None) -> Document | None:
        """One request."""
        return await self._database.find_one(COLLECTION, {"_id": request}, session=session)

    async def add(self, document: Document, session: Session | None = None) -> None:
        """A new request.

        Raises:
            Conflict: ``DUPLICATE``; the same is open already.
        """
        await self._database.insert_many(COLLECTION, [document], session=session)

    async def open_as(self, name: bytes, session: Session | None = None) -> Document | None:
        """The open request that asks for the same thing, by the name of what is asked."""
        return await self._database.find_one(COLLECTION, {"open": name}, session=session)

    async def change(
        self,
        request: bytes,
        version: int,
        change: Mapping[str, Any],
        session: Session | None = None,
    ) -> bool:
        """Set members of a request that is still as it was read, and unset those that are None.

        Where the state is another, whoever was carrying it out has lost it. Whether it was as it had been
        read.
        """
        turned = "state" in change
        gone = {name: "" for name, value in change.items() if value is None}
        kept = {name: value for name, value in change.items() if value is not None}
        done = await self._database.update_one(
            COLLECTION,
            {"_id": request, "v": version},
            {
                "$set": {**kept, **({"until": 0} if turned else {})},
                "$inc": {"v": 1, "fence": int(turned)},
                **({"$unset": gone} if gone else {}),
            },
            session=session,
        )
        return done.matched == 1

    async def waiting(self, now: int, limit: int, but: Sequence[bytes] = ()) -> list[Document]:
        """Requests with a step due that nobody holds, the one that waited longest first, but for some."""
        wanted = {"next": {"$lte": now}, "until": {"$lt": now}, **({"_id": {"$nin": but}} if but else {})}
        return await self._database.find(COLLECTION, wanted, {"_id": 1}, sort=[("next", 1)], limit=limit)

    async def take(self, request: bytes, now: int, until: int) -> Document | None:
        """Hold a request that is due, under the next fence; None if another process does."""
        free = {"_id": request, "next": {"$lte": now}, "until": {"$lt": now}}
        done = await self._database.update_one(
            COLLECTION, free, {"$set": {"until": until}, "$inc": {"fence": 1, "v": 1}}
        )
        return await self.get(request) if done.matched else None

    async def save(
        self, request: bytes, fence: int, change: Mapping[str, Any], session: Session | None = None
    ) -> bool:
        """Set members under a fence, and unset those that are None; whether it was still held."""
        gone = {name: "" for name, value in change.items() if value is None}
        kept = {name: value for name, value in change.items() if value is not None}
        done = await self._database.update_one(
            COLLECTION,
            {"_id": request, "fence": fence},
            {"$set": kept, "$inc": {"v": 1}, **({"$unset": gone} if gone else {})},
            session=session,
        )
        return done.matched == 1

    async def find(
        self, wanted: Mapping[str, Any], sort: Sequence[tuple[str, int]], limit: int
    ) -> list[Document]:
        """Requests that match."""
        return await self._database.find(COLLECTION, wanted, sort=sort, limit=limit)

    async def codes(self, like: Mapping[str, Any], since: int, most: int) -> int:
        """How many codes were made after ``since`` (ms) for requests about whom one is about, up to ``most``.

        Who is named by an address is whoever is named by it, known or not.
        """
        by = "contact" if "contact" in like else "customer"
        wanted = {by: like.get(by), "codes": {"$gt": since}}
        if by == "customer":
            wanted["contact"] = {"$exists": False}
        found = await self._database.find(COLLECTION, wanted, {"codes": 1}, limit=most)
        return sum(at > since for one in found for at in one["codes"])

    async def count(self, wanted: Mapping[str, Any]) -> int:
        """How many match."""
        return await self._database.count(COLLECTION, wanted)


def filed(document: Document) -> tuple[str, Operation]:
    """The write that adds a request, for a transaction of somebody else's."""
    return COLLECTION, insert(document)
