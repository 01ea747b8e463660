"""The retention sweep: deletes expired data, customer by customer, in steps that may be interrupted.

A step is one transaction: it deletes values and events, computes the profiles anew from the remaining data,
and records its progress. So after an interruption either all of this has happened or nothing, and the next
run continues from there. A step reads inside its transaction what it changes, and writes source records and
customers under the version it read; a concurrent message makes the step start again.

Statements are no values and stay. So do identifiers and the digests of messages: they are needed to resolve
identities and to recognise repetitions for as long as the source record exists.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from discretion.catalogue.model import Catalogue
from discretion.catalogue.retention_cut_off import RetentionCutOffs, compute_cut_offs
from discretion.domain.identity.person_rewrite import PersonRewriter
from discretion.domain.retention.expired_values import find_expired_values, remove_expired_values
from discretion.domain.retention.sweep_run import add_deletions, advance
from discretion.errors import Conflict
from discretion.store.sweeps import SweepRun, SweepStore
from discretion.store.transactions import Session

PAGE_SIZE = 200
"""Customers that are examined in one query."""

CUSTOMER_BATCH_SIZE = 100
"""Customers that one transaction changes; with their records and events some hundreds of documents."""

EVENT_BATCH_SIZE = 500
"""Events that one transaction deletes at most."""

DAY_MS = 86_400_000

LEASE_MS = 60_000
"""How long the lease on a run lasts after its last step: longer than a transaction may take."""

GRACE_MS = 3_600_000
"""How long after their expiry events are deleted.

An event that passed the intake filter in time may still be in the queue. If its stored copy were deleted
already, it would count twice. The clocks of processes may differ by as much.
"""

ReportSweepProgress = Callable[[SweepRun], None]


@dataclass(frozen=True, slots=True)
class SweepPage:
    """Customers that are examined together.

    Attributes:
        customers: All customers of the page.
        expiring: Those with expired values, without restricted ones.
        deletable: Those whose events may be deleted: all but restricted ones, whose data are only stored
            (GDPR Art. 18(2)).
        restricted: How many restricted customers have expired values, which are kept.
        values: Path of an attribute -> number of expired values.
    """

    customers: Sequence[bytes]
    expiring: Sequence[bytes]
    deletable: Sequence[bytes]
    restricted: int
    values: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class RetentionSweep:
    """The deletion of expired data of all customers."""

    sweeps: SweepStore
    rewriter: PersonRewriter
    catalogue: Catalogue
    now_ms: Callable[[], int]

    async def count_customers(self) -> int:
        """Return the number of customers, all of which a run examines."""
        return await self.rewriter.stores.people.count()

    async def is_due(self) -> bool:
        """Return whether to start a run: the last one ended a day ago or more, or was interrupted."""
        latest = await self.sweeps.find_latest()
        if latest is None:
            return True
        if latest.finished is not None:
            return self.now_ms() - latest.finished >= DAY_MS
        # An unfinished run whose lease has expired belongs to a process that was killed.
        return latest.leased_until < self.now_ms()

    async def run(self, report_progress: ReportSweepProgress, pause_s: float = 0) -> SweepRun:
        """Delete all expired data, continuing an interrupted run if there is one.

        Args:
            report_progress: Called with the run after each step.
            pause_s: The pause between two steps in seconds.

        Returns:
            The finished run, as it is stored.

        Raises:
            Conflict: ``SWEEP_RUNNING``; another process runs the sweep or took it over. Completed steps are
                recorded.
            Unavailable: the database is unavailable; another run continues from there.
        """
        run = await self._begin_run()
        while run.finished is None:
            run = await self._run_step(run)
            report_progress(run)
            await asyncio.sleep(pause_s)
        return run

    async def preview(self, report_progress: ReportSweepProgress) -> SweepRun:
        """Return what ``run`` would delete now, without changing or recording anything."""
        now = self.now_ms()
        cut_offs, run = compute_cut_offs(self.catalogue, now), SweepRun(0, now)
        while page := await self._read_page(run.cursor, cut_offs, now):
            events = await self.rewriter.stores.events.count_expired(
                page.deletable, *self._event_cut_offs(now)
            )
            run = add_deletions(run, page.values, events, len(page.expiring))
            run = advance(run, page.customers[-1], len(page.customers), page.restricted)
            report_progress(run)
        return replace(run, finished=self.now_ms())

    async def _begin_run(self) -> SweepRun:
        now = self.now_ms()
        latest = await self.sweeps.find_latest()
        if latest is None or latest.finished is not None:
            number = 1 if latest is None else latest.number + 1
            run = SweepRun(number, now, leased_until=now + LEASE_MS)
            try:
                await self.sweeps.add(run)
            except Conflict:
                raise _build_running_error() from None
            return run
        # The run before was interrupted: its lease has expired, and the next fence shuts its process out.
        interrupted = await self.sweeps.take_over(latest.number, now, now + LEASE_MS)
        if interrupted is None:
            raise _build_running_error()
        return interrupted

    async def _run_step(self, run: SweepRun) -> SweepRun:
        now = self.now_ms()
        cut_offs = compute_cut_offs(self.catalogue, now)
        # Read outside the transaction, so it may be out of date: `work` reads again what it depends on.
        page = await self._read_page(run.cursor, cut_offs, now)
        if page is None:
            finished = replace(run, finished=now, cursor=b"")
            await self._save_run(finished)
            return finished
        stores = self.rewriter.stores

        async def work(session: Session) -> SweepRun:
            if await stores.people.find_restricted(page.deletable, session):
                # Somebody was restricted since the page was read: the next step reads it again.
                return run
            # The cursor advances only when the whole page is done; until then the next step reads it again.
            values, changed = await self._renew_customers(
                session, page.expiring[:CUSTOMER_BATCH_SIZE], cut_offs, now
            )
            events, all_of_them = await self._delete_events(session, page.deletable, now)
            advanced = add_deletions(run, values, events, changed)
            if len(page.expiring) <= CUSTOMER_BATCH_SIZE and all_of_them:
                advanced = advance(advanced, page.customers[-1], len(page.customers), page.restricted)
            await self._save_run(advanced, session)
            return advanced

        if page.expiring or await stores.events.list_expired(
            page.deletable, *self._event_cut_offs(now), limit=1
        ):
            return await stores.transactions.run(work)
        advanced = advance(run, page.customers[-1], len(page.customers), page.restricted)
        await self._save_run(advanced)
        return advanced

    async def _read_page(self, after: bytes, cut_offs: RetentionCutOffs, now: int) -> SweepPage | None:
        """Read the next customers and find their expired values; None after the last customer."""
        stores = self.rewriter.stores
        restrictions = await stores.people.list_restrictions(after, PAGE_SIZE)
        if not restrictions:
            return None
        restricted = {customer for customer, is_restricted in restrictions.items() if is_restricted}
        customers = list(restrictions)
        values: Counter[str] = Counter()
        expiring: set[bytes] = set()
        for record in await stores.source_records.list_value_times(customers):
            if expired := find_expired_values(self.catalogue, cut_offs, record, now):
                expiring.add(record.customer)
                values.update({} if record.customer in restricted else expired.counts)
        deletable = [customer for customer in customers if customer not in restricted]
        return SweepPage(
            customers, sorted(expiring - restricted), deletable, len(expiring & restricted), values
        )

    async def _renew_customers(
        self, session: Session, customers: Sequence[bytes], cut_offs: RetentionCutOffs, now: int
    ) -> tuple[Counter[str], int]:
        """Remove expired values from these customers' records and compute their profiles anew.

        Returns:
            The number of removed values by path, and the number of customers that changed.
        """
        expired_counts: Counter[str] = Counter()
        if not customers:
            return expired_counts, 0
        rewrite = self.rewriter.begin(session)
        await rewrite.reader.read_customers(customers)
        evidence, changed_customers = rewrite.evidence, set()
        for record in list(evidence.records.values()):
            if expired := find_expired_values(self.catalogue, cut_offs, record, now):
                expired_counts.update(expired.counts)
                changed_customers.add(record.customer)
                evidence.edit(remove_expired_values(record, expired))
        await rewrite.write()
        return expired_counts, len(changed_customers)

    async def _delete_events(
        self, session: Session, customers: Sequence[bytes], now: int
    ) -> tuple[Mapping[str, int], bool]:
        """Delete expired events, at most ``EVENT_BATCH_SIZE``.

        Returns:
            The number of deleted events by type, and whether none is left.
        """
        stores = self.rewriter.stores
        events = await stores.events.list_expired(
            customers, *self._event_cut_offs(now), limit=EVENT_BATCH_SIZE, session=session
        )
        # No tombstones are needed: `IntakeFilter` drops a repetition of an event that is this old.
        if events:
            await stores.events.delete([event.id for event in events], session)
            # A restriction changes the same customer document, so of two concurrent transactions one is
            # repeated and finds what the other did.
            await stores.people.mark_changed({event.customer for event in events}, session)
        return Counter(event.type for event in events), len(events) < EVENT_BATCH_SIZE

    def _event_cut_offs(self, now: int) -> tuple[Mapping[str, int], int]:
        """Return the times before which events are deleted: by type, and for types no longer declared."""
        cut_offs = compute_cut_offs(self.catalogue, now - GRACE_MS)
        return cut_offs.events, cut_offs.others

    async def _save_run(self, run: SweepRun, session: Session | None = None) -> None:
        leased = replace(run, leased_until=self.now_ms() + LEASE_MS)
        # The write names the fence. A process whose run was taken over fails here, and
        # its transaction is rolled back.
        if not await self.sweeps.save(leased, session):
            raise _build_running_error()


def _build_running_error() -> Conflict:
    return Conflict(
        "SWEEP_RUNNING",
        "Another process is sweeping.",
        "Wait until it is done. One that was killed can be taken over after a minute.",
    )
