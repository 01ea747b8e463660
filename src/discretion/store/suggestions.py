"""Suggestions on record: pairs of customers who are probably one person, and what a steward said.

A pair has one suggestion, whatever found it and how often. What a steward refused stays refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from discretion.store.driver.database import Database, Operation, delete, update

COLLECTION = "suggestions"
Document = dict[str, Any]
Place = tuple[float, bytes]
"""Where a suggestion stands among those of its state: its weight and id, the heaviest first."""


class State(Enum):
    """What became of a suggestion."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far one comparison agrees, and its part in the match weight; no value."""

    name: str
    says: str
    weight: float


@dataclass(frozen=True, slots=True)
class Likely:
    """Two customers who are one person with probability ``score``; ``weight`` is its log2 odds."""

    customers: tuple[bytes, bytes]
    score: float
    weight: float
    evidence: tuple[Agreement, ...]

    @property
    def id(self) -> bytes:
        """The same for the same two, in any order."""
        return b"".join(sorted(self.customers))


@dataclass(frozen=True, slots=True)
class Suggestion(Likely):
    """One on record. ``at`` and ``decided`` are in ms, ``by`` is the steward who decided."""

    model: str
    state: State
    at: int
    by: str | None = field(default=None)
    decided: int | None = None

    @property
    def place(self) -> Place:
        """See ``Place``."""
        return self.weight, self.id


class Suggestions:
    """The ``suggestions`` collection."""

    def __init__(self, database: Database, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._now_ms = now_ms

    async def propose(self, found: Sequence[Likely], model: str, limit: int | None) -> set[bytes]:
        """Put pairs on record: at most ``limit`` new ones; known open ones get the new figures.

        Returns:
            The ids of the new ones.
        """
        ids = [one.id for one in found]
        known = {
            doc["_id"] for doc in await self._database.find(COLLECTION, {"_id": {"$in": ids}}, {"_id": 1})
        }
        new = [one for one in found if one.id not in known][:limit]
        writes: list[Operation] = [
            update({"_id": one.id, "state": State.OPEN.value}, {"$set": _figures(one, model)})
            for one in found
            if one.id in known
        ]
        for one in new:
            fresh = {"customers": sorted(one.customers), "state": State.OPEN.value, "at": self._now_ms()}
            writes.append(
                update({"_id": one.id}, {"$setOnInsert": fresh | _figures(one, model)}, upsert=True)
            )
        await self._database.bulk_write(COLLECTION, writes)
        return {one.id for one in new}

    async def drop_stale(self, met: frozenset[bytes], model: str) -> int:
        """Drop open suggestions that no longer hold; how many.

        Those about anybody not ``met`` (gone, merged, or objecting), and those that only another model found.
        """
        wanted = {"state": State.OPEN.value}
        open_ones = await self._database.find(COLLECTION, wanted, {"customers": 1, "model": 1})
        stale = [
            doc["_id"] for doc in open_ones if doc["model"] != model or not met.issuperset(doc["customers"])
        ]
        writes = [delete({"_id": one, "state": State.OPEN.value}) for one in stale]
        return (await self._database.bulk_write(COLLECTION, writes)).deleted

    async def page(self, state: State, after: Place | None, limit: int) -> list[Suggestion]:
        """At most ``limit`` of a state, the likeliest first, beyond ``after``."""
        wanted: Document = {"state": state.value}
        if after is not None:
            weight, last = after
            wanted["$or"] = [{"weight": {"$lt": weight}}, {"weight": weight, "_id": {"$gt": last}}]
        found = await self._database.find(COLLECTION, wanted, sort=[("weight", -1), ("_id", 1)], limit=limit)
        return [_suggestion(doc) for doc in found]

    async def one(self, suggestion: bytes) -> Suggestion | None:
        """The suggestion with this id."""
        found = await self._database.find_one(COLLECTION, {"_id": suggestion})
        return None if found is None else _suggestion(found)

    async def decide(self, suggestion: bytes, state: State, by: str) -> bool:
        """Put a steward's decision on record; False if it was decided or dropped meanwhile."""
        decision = {"state": state.value, "by": by, "decided": self._now_ms()}
        wanted = {"_id": suggestion, "state": State.OPEN.value}
        done = await self._database.update_one(COLLECTION, wanted, {"$set": decision})
        return done.matched == 1


def _figures(one: Likely, model: str) -> Document:
    evidence = [{"name": it.name, "says": it.says, "weight": it.weight} for it in one.evidence]
    return {"score": one.score, "weight": one.weight, "evidence": evidence, "model": model}


def _suggestion(doc: Document) -> Suggestion:
    first, second = doc["customers"]
    return Suggestion(
        customers=(first, second),
        score=doc["score"],
        weight=doc["weight"],
        evidence=tuple(Agreement(it["name"], it["says"], it["weight"]) for it in doc["evidence"]),
        model=doc["model"],
        state=State(doc["state"]),
        at=doc["at"],
        by=doc.get("by"),
        decided=doc.get("decided"),
    )
