"""``packages``, pages of what people asked for; and ``package_links``, which lead there once."""

from __future__ import annotations

from datetime import UTC, datetime

from discretion.errors import Broken
from discretion.store.driver.database import Database, Document

PAGES = "packages"
LINKS = "package_links"


class Packages:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, request: bytes, fence: int, place: int, customer: bytes, sealed: bytes, until: int
    ) -> None:
        """A page of one attempt; MongoDB deletes it soon after ``until`` (ms since 1970)."""
        page = {
            "_id": _name(request, fence, place),
            "request": request,
            "customer": customer,
            "sealed": sealed,
            "expires": _date(until),
        }
        await self._database.insert_many(PAGES, [page])

    async def some(self, request: bytes, fence: int, start: int, many: int) -> list[bytes]:
        """Sealed pages from one place on.

        Raises:
            Broken: ``PACKAGE_BROKEN``; one is missing.
        """
        names = [_name(request, fence, place) for place in range(start, start + many)]
        wanted = {"_id": {"$gte": names[0], "$lte": names[-1]}}
        found = await self._database.find(PAGES, wanted, {"sealed": 1}, sort=[("_id", 1)])
        if [one["_id"] for one in found] != names:
            raise Broken("PACKAGE_BROKEN", "Pages of a package are missing.")
        return [one["sealed"] for one in found]

    async def clear(self, request: bytes, but: int | None = None) -> int:
        """Delete the pages of a request, but for those of one attempt; how many that were."""
        kept = (
            {}
            if but is None
            else {"_id": {"$not": {"$gte": _name(request, but, 0), "$lt": _name(request, but + 1, 0)}}}
        )
        return await self._database.delete_many(PAGES, {"request": request, **kept})

    async def link(self, digest: bytes, request: bytes, customer: bytes, until: int) -> None:
        """A link that leads to a request's package once, known by the digest of what it carries."""
        link = {
            "_id": digest,
            "request": request,
            "customer": customer,
            "until": until,
            "expires": _date(until),
        }
        await self._database.insert_many(LINKS, [link])

    async def redeem(self, digest: bytes, now: int) -> Document | None:
        """The link with this digest, which from now on leads nowhere; None if it does already."""
        found = await self._database.find_one(LINKS, {"_id": digest, "until": {"$gt": now}})
        if found is None or not await self._database.delete_many(LINKS, {"_id": digest}):
            return None
        return found


def _name(request: bytes, fence: int, place: int) -> bytes:
    return request + fence.to_bytes(8) + place.to_bytes(4)


def _date(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
