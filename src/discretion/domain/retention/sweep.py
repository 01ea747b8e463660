"""Deletes what has lapsed, customer by customer, in short steps that can be cut off anywhere.

A step is one transaction: it deletes values and events, folds the profiles anew from what is left, and puts
on record how far it came. So whatever ends it, either all of that happened or none, and the next run goes on
from there. It reads what it changes inside the transaction and renews customers under the version it read: a
message that comes meanwhile makes it begin the step again.

What a person said about purposes is no value and stays, as do the ids that a record names and the marks of
messages: they say who is who, and that nothing counts twice, for as long as the record is there.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from discretion.catalogue.model import Catalogue
from discretion.catalogue.retention_cut_off import CutOffs, cut_offs
from discretion.domain.identity.assignment import settle
from discretion.domain.identity.evidence_reader import Gathering
from discretion.domain.identity.unit_of_work import Workshop, Writing
from discretion.domain.profiles.document_update import difference
from discretion.domain.retention.expired_values import due, without
from discretion.domain.retention.sweep_run import Run, read
from discretion.errors import Conflict
from discretion.store.driver.database import Database, Session, update
from discretion.store.sweeps import Sweeps

PAGE = 200
"""Customers that are looked at together."""

TOGETHER = 100
"""Customers that one transaction renews; with their records and events some hundreds of documents."""

EVENTS = 500
"""Events that one transaction deletes."""

DAY_MS = 86_400_000

HELD_MS = 60_000
"""How long a run is held after its last step: longer than a transaction may take."""

GRACE_MS = 3_600_000
"""Events go this much later than they lapse, so that none that passed the door in time is still on its way
when a repetition of it would count twice; clocks of processes may differ by as much."""

Told = Callable[[Run], None]


@dataclass(frozen=True, slots=True)
class Page:
    """Customers that are looked at together.

    ``due`` are those with lapsed values, ``open`` those whose events may be deleted, ``held`` counts those
    with lapsed values whom a restriction keeps. ``values`` is what of each attribute is due.
    """

    customers: Sequence[bytes]
    due: Sequence[bytes]
    open: Sequence[bytes]
    held: int
    values: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Sweep:
    """The sweep."""

    sweeps: Sweeps
    database: Database
    catalogue: Catalogue
    workshop: Callable[[], Workshop]
    now_ms: Callable[[], int]

    async def waiting(self) -> int:
        """How many customers there are to look at."""
        return await self.sweeps.count()

    async def overdue(self) -> bool:
        """Whether a run is to begin or to go on: the last one ended more than a day ago, or was cut off."""
        latest = await self.sweeps.latest()
        if latest is None:
            return True
        if "finished" in latest:
            return bool(self.now_ms() - latest["finished"] >= DAY_MS)
        return bool(latest["until"] < self.now_ms())

    async def run(self, told: Told, pause_s: float = 0) -> Run:
        """Delete everything that has lapsed, going on where a run that was cut off had come to.

        Args:
            told: Is told how far it is, after each step.
            pause_s: How long to let others work between two steps.

        Returns:
            The run, finished and on record.

        Raises:
            Conflict: ``SWEEP_RUNNING``; another process is at it, or took over. Nothing was done, or what was
                is on record.
            Unavailable: the store is away; running again goes on from there.
        """
        run = await self._begun()
        while run.finished is None:
            run = await self._step(run)
            told(run)
            await asyncio.sleep(pause_s)
        return run

    async def rehearse(self, told: Told) -> Run:
        """What ``run`` would delete now; nothing is changed, and nothing put on record."""
        now = self.now_ms()
        cuts, run = cut_offs(self.catalogue, now), Run(0, now)
        while page := await self._page(run.cursor, cuts, now):
            events = await self.sweeps.count_events(page.open, *self._before(now))
            run = run.further(page.values, events, len(page.due))
            run = run.past(page.customers[-1], len(page.customers), page.held)
            told(run)
        return replace(run, finished=self.now_ms())

    async def _begun(self) -> Run:
        now = self.now_ms()
        latest = await self.sweeps.latest()
        if latest is None or "finished" in latest:
            run = Run(1 if latest is None else read(latest).number + 1, now)
            try:
                await self.sweeps.begin(run.number, run.document(), now + HELD_MS)
            except Conflict:
                raise _running() from None
            return run
        run = read(latest)
        if not await self.sweeps.take_over(run.number, run.fence, now, now + HELD_MS):
            raise _running()
        return replace(run, fence=run.fence + 1)

    async def _step(self, run: Run) -> Run:
        now = self.now_ms()
        cuts = cut_offs(self.catalogue, now)
        page = await self._page(run.cursor, cuts, now)
        if page is None:
            done = replace(run, finished=now, cursor=b"")
            await self._save(done)
            return done

        async def work(session: Session) -> Run:
            values, changed = await self._renew(session, page.due[:TOGETHER], cuts, now)
            events, all_of_them = await self._delete(session, page.open, now)
            after = run.further(values, events, changed)
            if len(page.due) <= TOGETHER and all_of_them:
                after = after.past(page.customers[-1], len(page.customers), page.held)
            await self._save(after, session)
            return after

        if page.due or await self.sweeps.events(page.open, *self._before(now), limit=1):
            return await self.database.transaction(work)
        after = run.past(page.customers[-1], len(page.customers), page.held)
        await self._save(after)
        return after

    async def _page(self, after: bytes, cuts: CutOffs, now: int) -> Page | None:
        """The next customers, and what is due of theirs; None after the last."""
        found = await self.sweeps.customers(after, PAGE)
        if not found:
            return None
        kept = {one["_id"] for one in found if one["restricted"]}
        customers = [one["_id"] for one in found]
        values: Counter[str] = Counter()
        lapsed: set[bytes] = set()
        for record in await self.sweeps.times(customers):
            if over := due(self.catalogue, cuts, record, now):
                lapsed.add(record["customer"])
                values.update({} if record["customer"] in kept else over.values)
        open_ = [one for one in customers if one not in kept]
        return Page(customers, sorted(lapsed - kept), open_, len(lapsed & kept), values)

    async def _renew(
        self, session: Session, customers: Sequence[bytes], cuts: CutOffs, now: int
    ) -> tuple[Counter[str], int]:
        """Take lapsed values out of these customers' records and fold their profiles from what is left.

        Whoever asked for restriction meanwhile is left as they are: what is restricted is stored and nothing
        else is done to it (GDPR Art. 18(2)).
        """
        gone: Counter[str] = Counter()
        if not customers:
            return gone, 0
        gathering = Gathering(self.database, session, self.catalogue.identifiers)
        await gathering.customers(customers)
        known = gathering.known
        people = [
            one
            for one in settle(known, (), self.catalogue.identifiers, sorted(known.records))
            if one.customer is not None and not known.customers[one.customer]["restricted"]
        ]
        known.open |= known.records.keys()
        writing = Writing(self.workshop(), known)
        changed = 0
        for person in people:
            before = sum(gone.values())
            for name in sorted(person.records):
                record = known.records[name]
                if over := due(self.catalogue, cuts, record, now):
                    gone.update(over.values)
                    known.records[name] = without(record, over)
                    change = {**difference(record, known.records[name]), "$inc": {"v": 1}}
                    writing.add("source_records", update({"_id": name, "v": record["v"]}, change))
            if sum(gone.values()) > before:
                changed += 1
                await writing.person(session, self.database, person, ())
        await writing.send(session, self.database)
        return gone, changed

    async def _delete(
        self, session: Session, customers: Sequence[bytes], now: int
    ) -> tuple[Mapping[str, int], bool]:
        """Delete lapsed events, at most ``EVENTS``: how many by type, and whether these were all."""
        found = await self.sweeps.events(customers, *self._before(now), limit=EVENTS, session=session)
        if found:
            await self.sweeps.delete_events([one["_id"] for one in found], session)
        return Counter(one["type"] for one in found), len(found) < EVENTS

    def _before(self, now: int) -> tuple[Mapping[str, int], int]:
        """When events must have happened to be deleted: by type, and what is no longer declared."""
        cuts = cut_offs(self.catalogue, now - GRACE_MS)
        return cuts.events, cuts.others

    async def _save(self, run: Run, session: Session | None = None) -> None:
        until = self.now_ms() + HELD_MS
        if not await self.sweeps.save(run.number, run.fence, run.document(), until, session):
            raise _running()


def _running() -> Conflict:
    return Conflict(
        "SWEEP_RUNNING",
        "Another process is sweeping.",
        "Wait until it is done. One that was killed can be taken over after a minute.",
    )
