"""Legal holds: data that may be needed in a legal dispute and must not be erased (GDPR Art. 17(3)(e)).

A hold names records or events of a customer, or neither, which means all data. After an erasure the data are
retained in ``held``, unavailable to every other purpose, and deleted when the hold is lifted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from discretion.errors import BadRequest, NotFound
from discretion.store.driver.database import Database, Session, build_delete, build_insert, build_update

MAX_TEXT_CHARS = 500
"""Maximum length of the reason and of the citation, in characters."""


@dataclass(frozen=True, slots=True)
class LegalHolds:
    """Places and lifts legal holds."""

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
        steward: str,
    ) -> bytes:
        """Place a hold on records or events of a customer, or on all of their data.

        Returns:
            The id of the hold.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``, ``HELD_NOT_FOUND``.
            BadRequest: ``HOLD_INVALID``.
        """
        if not 0 < len(reason) <= MAX_TEXT_CHARS or not 0 < len(law) <= MAX_TEXT_CHARS:
            raise BadRequest(
                "HOLD_INVALID",
                "A hold needs a reason and a law.",
                f"Give a reason and a provision of law, of at most {MAX_TEXT_CHARS} characters each.",
            )

        async def place_hold(session: Session) -> bytes:
            by_id = {"$or": [{"_id": customer}, {"merged.id": customer}]}
            current = await self.database.find_one("customers", by_id, {"v": 1}, session=session)
            if current is None:
                raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
            for collection, ids in (("source_records", records), ("events", events)):
                by_owner = {"_id": {"$in": list(ids)}, "customer": current["_id"]}
                owned = await self.database.find(collection, by_owner, {"_id": 1}, session=session)
                if len(owned) < len(set(ids)):
                    raise NotFound("HELD_NOT_FOUND", "The customer has no such record or event.")
            hold_id = self.entropy(16)
            hold = {
                "_id": hold_id,
                "customer": current["_id"],
                "records": sorted(set(records)),
                "events": sorted(set(events)),
                "reason": reason,
                "law": law,
                "by": steward,
                "at": self.now_ms(),
            }
            await self.database.bulk_write("holds", [build_insert(hold)], session=session)
            # An erasure changes the same customer document, so of two concurrent transactions one is
            # repeated: the erasure finds the hold, or this transaction does not find the customer.
            change = {"$inc": {"v": 1}}
            version_query = {"_id": current["_id"], "v": current["v"]}
            await self.database.update_one("customers", version_query, change, session=session)
            return hold_id

        return await self.database.run_transaction(place_hold)

    async def lift(self, hold: bytes) -> None:
        """Lift a hold. Data that only this hold retained expire at once and are deleted by the daily run.

        Raises:
            NotFound: ``HOLD_NOT_FOUND``.
        """

        async def lift_hold(session: Session) -> None:
            if await self.database.find_one("holds", {"_id": hold}, {"_id": 1}, session=session) is None:
                raise NotFound("HOLD_NOT_FOUND", "There is no such hold.")
            retained = await self.database.find("held", {"hold": hold}, {"_id": 1}, session=session)
            # An expiry time in the past: the daily run deletes them with their keys.
            writes = [build_update({"_id": document["_id"]}, {"$set": {"until": 0}}) for document in retained]
            await self.database.bulk_write("held", writes, session=session)
            await self.database.bulk_write("holds", [build_delete({"_id": hold})], session=session)

        await self.database.run_transaction(lift_hold)

    async def find_retained(self, request: bytes, limit: int) -> list[dict[str, Any]]:
        """Return the documents retained from an erasure, without those that are being deleted."""
        query = {"request": request, "key": {"$exists": True}}  # without a key: its deletion has begun
        return await self.database.find("held", query, sort=[("_id", 1)], limit=limit)
