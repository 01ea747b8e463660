"""Judging customers anew: whose rules have changed, and for whom time has run on.

Whom it has not come to yet is read with care (see ``plan.standing``), so nothing hangs on how soon
it does. It needs no memory of its own: what is left to do is who still carries other rules, so it may be
killed at any moment and started again. Two at once do the same work twice and harm nobody: of two
writes about one customer the second finds another version, and does nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from discretion.domain.identity.unit_of_work import Workshop
from discretion.domain.profiles.document_update import difference
from discretion.domain.profiles.permission_window import standing
from discretion.domain.profiles.person_state import bearing, state_of
from discretion.store.driver.database import Database, Operation, update
from discretion.store.rulebooks import Rulebooks

AT_ONCE = 500
"""Customers that are read and written together."""

IN_ONE_GO = 20
"""Customers that are judged before others have a turn, so that no request waits for all ``AT_ONCE``."""

ROUNDS = 5
"""How often whoever is left is looked for; a server with other rules may go on writing meanwhile."""

_RECORD = ("source", "customer", "choices", "words", "guards", "signals", "place", "restricted")
_STANDING = ("v", "allow", "until", "later", "kinds", "rules", "laws", "restricted")

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """How many customers were met so far, and how many of them permit something else now.

    ``turned`` counts them by the bits they permitted before and those they permit now. ``superseded``: other
    rules were put in force meanwhile, and whoever has those goes on.
    """

    met: int = 0
    changed: int = 0
    turned: Mapping[tuple[int, int], int] = field(default_factory=dict)
    superseded: bool = False

    def gained(self, bit: int) -> int:
        """How many permit the purpose with this bit now and did not before."""
        return self._count(lambda before, now: now & ~before, bit)

    def lost(self, bit: int) -> int:
        """How many permitted the purpose with this bit before and do not now."""
        return self._count(lambda before, now: before & ~now, bit)

    def _count(self, turn: Callable[[int, int], int], bit: int) -> int:
        return sum(many for both, many in self.turned.items() if turn(*both) >> bit & 1)


class _Batch(NamedTuple):
    """Customers, and their records by customer."""

    customers: Sequence[Document]
    records: Mapping[bytes, Sequence[Document]]


class Rejudge:
    """Works out anew what customers permit."""

    def __init__(self, database: Database, workshop: Callable[[], Workshop]) -> None:
        self._database = database
        self._workshop = workshop
        self._rulebooks = Rulebooks(database)

    async def enforce(self) -> None:
        """Put these rules in force: from now on, who has others judges nobody anew."""
        shop = self._workshop()
        await self._rulebooks.keep(shop.judge.version, shop.judge.purposes, shop.now)

    async def waiting(self) -> int:
        """How many customers are to be judged anew."""
        return await self._database.count("customers", self._due())

    async def run(
        self,
        told: Callable[[Progress], None] = lambda _: None,
        pause_s: float = 0.0,
        *,
        dry: bool = False,
    ) -> Progress:
        """Judge until nobody is left; what is done stays done if it is stopped.

        Args:
            told: Called after every ``AT_ONCE`` customers.
            pause_s: Seconds to leave to others between them.
            dry: Only work out what would become of them.

        Raises:
            Unavailable: the store is away.
        """
        so_far = Progress()
        for _ in range(1 if dry else ROUNDS):
            before = so_far.met
            async for progress in self._round(so_far, pause_s, dry=dry):
                so_far = progress
                told(so_far)
            if so_far.superseded or so_far.met == before:
                break
        return so_far

    async def _round(self, so_far: Progress, pause_s: float, *, dry: bool) -> AsyncIterator[Progress]:
        """Everybody who is due, once: the next are read and the last are written while some are judged."""
        batches = self._batches()
        reading = asyncio.ensure_future(anext(batches, None))
        writing: asyncio.Future[Any] = asyncio.ensure_future(asyncio.sleep(0))
        try:
            while (batch := await reading) is not None:
                if not dry and not await self._in_force():
                    yield Progress(so_far.met, so_far.changed, so_far.turned, superseded=True)
                    return
                reading = asyncio.ensure_future(anext(batches, None))
                writes, turned, changed = await self._judged(batch)
                await writing
                if not dry:
                    writing = asyncio.ensure_future(self._database.bulk_write("customers", writes))
                so_far = Progress(
                    so_far.met + len(batch.customers),
                    so_far.changed + changed,
                    Counter(so_far.turned) + turned,
                )
                yield so_far
                if pause_s:
                    await asyncio.sleep(pause_s)
            await writing
        finally:
            reading.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)
            await batches.aclose()

    def _due(self) -> dict[str, Any]:
        shop = self._workshop()
        rules = shop.judge.version
        return {"$or": [{"rules": {"$ne": rules}}, {"rules": rules, "until": {"$lte": shop.now}}]}

    async def _in_force(self) -> bool:
        """Whether nobody put other rules in force; two that disagree would judge each other's for ever."""
        return await self._rulebooks.in_force() in (None, self._workshop().judge.version)

    async def _batches(self) -> AsyncGenerator[_Batch, None]:
        cells = {f"cells.{key}": 1 for key in bearing(self._workshop().catalogue)}
        fields = dict.fromkeys(_RECORD, 1) | cells
        due = self._database.stream("customers", self._due(), dict.fromkeys(_STANDING, 1), together=AT_ONCE)
        async for customers in due:
            wanted = {"customer": {"$in": [one["_id"] for one in customers]}}
            theirs: dict[bytes, list[Document]] = {}
            for record in await self._database.find("source_records", wanted, fields):
                theirs.setdefault(record["customer"], []).append({"cells": {}, **record})
            yield _Batch(customers, theirs)

    async def _judged(self, batch: _Batch) -> tuple[list[Operation], Counter[tuple[int, int]], int]:
        """What is to be written; whoever was written meanwhile was judged by that, or comes up again."""
        shop = self._workshop()
        writes: list[Operation] = []
        turned: Counter[tuple[int, int]] = Counter()
        changed = 0
        for number, one in enumerate(batch.customers):
            if number % IN_ONE_GO == 0:
                await asyncio.sleep(0)
            state = state_of(shop.catalogue, shop.jurisdiction, batch.records.get(one["_id"], ()))
            now = {**one, **standing(shop.judge, state, shop.now)}
            change = difference(one, now)
            before = one["allow"] if shop.now < one["until"] else one["later"]
            turned[before, now["allow"]] += 1
            changed += before != now["allow"] or one["kinds"] != now["kinds"]
            if change:
                writes.append(update({"_id": one["_id"], "v": one["v"]}, {**change, "$inc": {"v": 1}}))
        return writes, turned, changed
