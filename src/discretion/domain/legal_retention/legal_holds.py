"""Legal holds: what must not be erased while somebody may need it in court (GDPR Art. 17(3)(e)).

A hold names records or events of a customer, or nothing in particular: then all of it. What it names survives
an erasure in ``held``, out of reach of every other purpose, and goes when the hold is lifted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from discretion.errors import BadRequest, NotFound
from discretion.store.driver.database import Database, Session, delete, insert, update

MAX_WORDS = 500
"""Characters of a reason."""


@dataclass(frozen=True, slots=True)
class Holds:
    """Places holds and lifts them."""

    database: Database
    entropy: Callable[[int], bytes] = field(repr=False)
    now_ms: Callable[[], int]

    async def place(
        self,
        customer: bytes,
        records: Sequence[bytes],
        events: Sequence[bytes],
        reason: str,
        law: str,
        by: str,
    ) -> bytes:
        """Put a hold on what a customer's records or events hold; its id.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``, ``HELD_NOT_FOUND``; BadRequest: ``HOLD_INVALID``.
        """
        if not 0 < len(reason) <= MAX_WORDS or not 0 < len(law) <= MAX_WORDS:
            words = f"A reason and a provision of law, of at most {MAX_WORDS} characters each."
            raise BadRequest("HOLD_INVALID", "A hold says why, and by which law.", f"It takes {words}")

        async def work(session: Session) -> bytes:
            wanted = {"$or": [{"_id": customer}, {"merged.id": customer}]}
            found = await self.database.find_one("customers", wanted, {"v": 1}, session=session)
            if found is None:
                raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
            for collection, ids in (("source_records", records), ("events", events)):
                theirs = {"_id": {"$in": list(ids)}, "customer": found["_id"]}
                there = await self.database.find(collection, theirs, {"_id": 1}, session=session)
                if len(there) < len(set(ids)):
                    raise NotFound("HELD_NOT_FOUND", "The customer has no such record or event.")
            name = self.entropy(16)
            hold = {
                "_id": name,
                "customer": found["_id"],
                "records": sorted(set(records)),
                "events": sorted(set(events)),
                "reason": reason,
                "law": law,
                "by": by,
                "at": self.now_ms(),
            }
            await self.database.bulk_write("holds", [insert(hold)], session=session)
            # An erasure under way must see it or be seen: both change the customer.
            change = {"$inc": {"v": 1}}
            seen = {"_id": found["_id"], "v": found["v"]}
            await self.database.update_one("customers", seen, change, session=session)
            return name

        return await self.database.transaction(work)

    async def lift(self, hold: bytes) -> None:
        """Lift a hold; what only it kept is over, and goes as what a law kept does on its day.

        Raises:
            NotFound: ``HOLD_NOT_FOUND``.
        """

        async def work(session: Session) -> None:
            if await self.database.find_one("holds", {"_id": hold}, {"_id": 1}, session=session) is None:
                raise NotFound("HOLD_NOT_FOUND", "There is no such hold.")
            kept = await self.database.find("held", {"hold": hold}, {"_id": 1}, session=session)
            over = [update({"_id": one["_id"]}, {"$set": {"until": 0}}) for one in kept]
            await self.database.bulk_write("held", over, session=session)
            await self.database.bulk_write("holds", [delete({"_id": hold})], session=session)

        await self.database.transaction(work)

    async def kept(self, request: bytes, limit: int) -> list[dict[str, Any]]:
        """What is kept of an erasure, and is not on its way out."""
        wanted = {"request": request, "key": {"$exists": True}}
        return await self.database.find("held", wanted, sort=[("_id", 1)], limit=limit)
