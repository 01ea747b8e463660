"""Leases: one worker's claim on a document with work to do, by the same law in every collection.

Such a document has three members:

* ``next``: when its work is due (ms); absent if there is none.
* ``until``: when the lease ends (ms); 0 if nobody holds one.
* ``fence``: a number that increases with each lease, and with each change that ends one.

A worker takes the document that has waited longest and writes under the fence that it got. A worker that was
paused beyond its lease, or whose document was changed by somebody else meanwhile, cannot write any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from discretion.store.document import MutableDocument, drop_unset
from discretion.store.driver.database import Database, Session


@dataclass(frozen=True, slots=True)
class LeasedCollection:
    """The leases on the documents of one collection.

    ``take_counts`` and ``save_counts`` are members that increase by one with each lease and with each write.
    """

    database: Database
    name: str
    take_counts: Sequence[str] = field(default=())
    save_counts: Sequence[str] = field(default=())

    async def take(
        self,
        now: int,
        until: int,
        excluded: Sequence[object] = (),
        document_id: object = None,
    ) -> MutableDocument | None:
        """Lease the document whose work is due longest.

        Args:
            now: The current time (ms).
            until: When the lease ends (ms).
            excluded: Ids of documents that are not taken.
            document_id: If given, only this document is taken.

        Returns:
            The document as it was when the lease began, or None if none is due and free.
        """
        # The lower limit matches no more, and lets the partial indexes of ``next`` serve the query.
        query: MutableDocument = {"next": {"$gte": 0, "$lte": now}, "until": {"$lt": now}}
        if excluded:
            query["_id"] = {"$nin": list(excluded)}
        if document_id is not None:
            query["_id"] = document_id
        # One command. A second one that reads the document would see what others changed in between: a
        # request that was withdrawn would be carried out, under a fence that allows it.
        return await self.database.find_one_and_update(
            self.name,
            query,
            {"$set": {"until": until}, "$inc": dict.fromkeys(("fence", *self.take_counts), 1)},
            sort=[("next", 1)],
        )

    async def take_due(
        self, now: int, until: int, limit: int, excluded: Sequence[object] = ()
    ) -> list[MutableDocument]:
        """Lease the documents whose work is due, the longest waiting first, up to ``limit``."""
        taken: list[MutableDocument] = []
        while len(taken) < limit:
            document = await self.take(now, until, excluded)
            if document is None:
                break
            taken.append(document)
        return taken

    async def save(
        self, document_id: object, fence: int, change: Mapping[str, object], session: Session | None = None
    ) -> bool:
        """Set members of a document under a fence, and return whether the lease was still held.

        Args:
            document_id: The id of the document.
            fence: The number under which the lease was taken.
            change: Members to set, by their paths; those that are None are removed. ``until`` renews the
                lease; 0 gives the document back, to be taken again when ``next`` is due.
            session: The transaction, if any.
        """
        # The fence alone decides. A lease that has expired and that no other worker took over is still held.
        result = await self.database.update_one(
            self.name,
            {"_id": document_id, "fence": fence},
            {**build_member_update(change), **_build_increments(self.save_counts)},
            session=session,
        )
        return result.matched == 1

    async def overrule(
        self, query: Mapping[str, object], change: Mapping[str, object], session: Session | None = None
    ) -> bool:
        """Set members of the document that matches, and end its lease; return whether one matches.

        The worker that held the lease can write no more: it would overwrite the change with what it did on
        older data. To clear ``until`` alone would not stop a worker that is between two writes.
        """
        result = await self.database.update_one(
            self.name,
            query,
            {
                **build_member_update({**change, "until": 0}),
                **_build_increments(("fence", *self.save_counts)),
            },
            session=session,
        )
        return result.matched == 1


def build_member_update(change: Mapping[str, object]) -> dict[str, object]:
    """Return the update that sets members of a document, and removes those that are None."""
    values = drop_unset(change)
    removed = {name: "" for name, value in change.items() if value is None}
    return {**({"$set": values} if values else {}), **({"$unset": removed} if removed else {})}


def _build_increments(names: Sequence[str]) -> dict[str, object]:
    return {"$inc": dict.fromkeys(names, 1)} if names else {}
