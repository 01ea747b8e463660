"""The ``packages`` and ``package_links`` collections: pages of access packages, and single-use links."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from discretion.errors import Broken
from discretion.store.document import build_date
from discretion.store.driver.database import Database, Session

PAGES = "packages"
LINKS = "package_links"


class PackageStore:
    """The ``packages`` and ``package_links`` collections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_page(
        self, request: bytes, fence: int, number: int, customer: bytes, sealed: bytes, expires_at: int
    ) -> None:
        """Add a page of a package.

        Args:
            request: The request that the package answers.
            fence: The worker's lease number. An attempt that lost its lease writes under its own number, so
                its pages cannot be mixed with those of the next attempt.
            number: The number of the page.
            customer: Whose data the page holds.
            sealed: The encrypted page.
            expires_at: When MongoDB may delete it (ms since 1970).
        """
        page = {
            "_id": _page_id(request, fence, number),
            "request": request,
            "customer": customer,
            "sealed": sealed,
            "expires": build_date(expires_at),
        }
        await self._database.insert_many(PAGES, [page])

    async def read_pages(self, request: bytes, fence: int, start: int, count: int) -> list[bytes]:
        """Return ``count`` sealed pages, beginning with number ``start``.

        Raises:
            Broken: ``PACKAGE_BROKEN``; a page is missing.
        """
        page_ids = [_page_id(request, fence, number) for number in range(start, start + count)]
        query = {"_id": {"$gte": page_ids[0], "$lte": page_ids[-1]}}
        pages = await self._database.find(PAGES, query, {"sealed": 1}, sort=[("_id", 1)])
        if [page["_id"] for page in pages] != page_ids:
            raise Broken("PACKAGE_BROKEN", "Pages of a package are missing.")
        return [page["sealed"] for page in pages]

    async def delete_attempt(self, request: bytes, fence: int) -> None:
        """Delete the pages of one attempt."""
        await self._database.delete_many(PAGES, {"_id": _match_attempt(request, fence)})

    async def delete_pages(self, request: bytes, except_fence: int | None = None) -> int:
        """Delete the pages of a request, except those of one attempt, and return their number."""
        exclusion = {} if except_fence is None else {"_id": {"$not": _match_attempt(request, except_fence)}}
        return await self._database.delete_many(PAGES, {"request": request, **exclusion})

    async def delete_of(self, customers: Collection[bytes], session: Session) -> None:
        """Delete all pages of these customers' packages, and the links to them."""
        for collection in (LINKS, PAGES):
            query = {"customer": {"$in": sorted(customers)}}
            await self._database.delete_many(collection, query, session=session)

    async def add_link(self, digest: bytes, request: bytes, customer: bytes, expires_at: int) -> None:
        """Add a single-use link to a request's package, identified by the digest of its secret."""
        link = {
            "_id": digest,
            "request": request,
            "customer": customer,
            "until": expires_at,
            "expires": build_date(expires_at),
        }
        await self._database.insert_many(LINKS, [link])

    async def redeem_link(self, digest: bytes, now: int) -> bytes | None:
        """Make the link with this digest invalid and return its request; None if it is invalid already."""
        # The time is checked here too, because MongoDB deletes expired documents with a delay.
        link = await self._database.find_one(LINKS, {"_id": digest, "until": {"$gt": now}})
        # Of two concurrent requests with the same link only one deletes it; the other one is refused.
        if link is None or not await self._database.delete_many(LINKS, {"_id": digest}):
            return None
        request: bytes = link["request"]
        return request


def _match_attempt(request: bytes, fence: int) -> Mapping[str, bytes]:
    """Return the condition on the ids of pages of one attempt."""
    return {"$gte": _page_id(request, fence, 0), "$lt": _page_id(request, fence + 1, 0)}


def _page_id(request: bytes, fence: int, number: int) -> bytes:
    # Big-endian, so that ids sort by attempt and page and a range of pages is a range of ids.
    return request + fence.to_bytes(8) + number.to_bytes(4)
