"""Judging customers anew: whose rules have changed, and for whom time has run on.

Whom it has not come to yet is read with care (see ``plan.standing``), so nothing hangs on how soon
it does. It needs no memory of its own: what is left to do is who still carries other rules.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.domain.profiles.difference import difference
from discretion.domain.profiles.person import bearing, state_of
from discretion.domain.profiles.standing import standing
from discretion.domain.profiles.write import Workshop
from discretion.store.driver import Database, Operation, update

AT_ONCE = 500
"""Customers that are read and written together."""

_RECORD = ("source", "customer", "choices", "words", "guards", "signals", "place", "restricted")
_STANDING = ("v", "allow", "until", "later", "kinds", "rules", "laws", "restricted")

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """How many customers were met so far, and how many of them permit something else now."""

    met: int = 0
    changed: int = 0


class Rejudge:
    """Works out anew what customers permit."""

    def __init__(self, database: Database, workshop: Callable[[], Workshop]) -> None:
        self._database = database
        self._workshop = workshop

    async def waiting(self) -> int:
        """How many customers are to be judged anew."""
        return await self._database.count("customers", self._due())

    async def run(self, told: Callable[[Progress], None] = lambda _: None, pause_s: float = 0.0) -> Progress:
        """Judge until nobody is left; what is done stays done if it is stopped.

        Args:
            told: Called after every ``AT_ONCE`` customers.
            pause_s: Seconds to leave to others between them.

        Raises:
            Unavailable: the store is away.
        """
        so_far = Progress()
        while True:
            found = await self._database.find(
                "customers", self._due(), dict.fromkeys(_STANDING, 1), limit=AT_ONCE
            )
            if not found:
                return so_far
            changed = await self._judge(found)
            so_far = Progress(so_far.met + len(found), so_far.changed + changed)
            told(so_far)
            if pause_s:
                await asyncio.sleep(pause_s)

    def _due(self) -> dict[str, Any]:
        shop = self._workshop()
        rules = shop.judge.version
        return {"$or": [{"rules": {"$ne": rules}}, {"rules": rules, "until": {"$lte": shop.now}}]}

    async def _judge(self, customers: Sequence[Document]) -> int:
        """Judge these; whoever was written meanwhile was judged by that, or comes up again."""
        shop = self._workshop()
        cells = {f"cells.{key}": 1 for key in bearing(shop.catalogue)}
        records = await self._database.find(
            "source_records",
            {"customer": {"$in": [one["_id"] for one in customers]}},
            dict.fromkeys(_RECORD, 1) | cells,
        )
        theirs: dict[bytes, list[dict[str, Any]]] = {}
        for record in records:
            theirs.setdefault(record["customer"], []).append({"cells": {}, **record})
        writes: list[Operation] = []
        changed = 0
        for one in customers:
            state = state_of(shop.catalogue, shop.jurisdiction, theirs.get(one["_id"], ()))
            now = {**one, **standing(shop.judge, state, shop.now)}
            change = difference(one, now)
            changed += one["allow"] != now["allow"] or one["kinds"] != now["kinds"]
            if change:
                writes.append(update({"_id": one["_id"], "v": one["v"]}, {**change, "$inc": {"v": 1}}))
        if writes:
            await self._database.bulk_write("customers", writes)
        return changed
