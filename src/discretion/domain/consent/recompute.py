"""Recomputation of stored permissions after a change of rules, and where the passage of time changed them.

What somebody refuses can change with time as well: an opt-out counts again when the acceptance after it has
expired. Then it is put in force for the records of others that it reaches, in the transaction that writes
the permissions of the customer: a run that is killed leaves both or neither.

A reader of a customer who was not recomputed yet detects that and reads them with restrictions (see
``plan.permission_window``), so correctness does not depend on how soon this runs.

It stores no progress of its own: the customers to process are those whose document has other rules, so it can
be killed at any time and started again. Two runs at the same time duplicate work but do no harm: of two
writes about one customer, the second does not match the version it expects and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from discretion.domain.identity.person_rewrite import PersonRewriter
from discretion.domain.profiles.permission_window import build_permission_window
from discretion.domain.profiles.person_state import build_person_state, list_state_attributes
from discretion.purpose.refused_nodes import list_refused_nodes
from discretion.store.people import CustomerPermissions
from discretion.store.rulebooks import RulebookStore
from discretion.store.source_record import SourceRecord
from discretion.store.transactions import PendingWrite

BATCH_SIZE = 500
"""Customers that are read, and written, with one request to the database."""

YIELD_EVERY = 20
"""Customers after which the event loop gets a turn, so that no request waits for a whole batch."""

MAX_ROUNDS = 5
"""Most searches for remaining customers: a server with other rules may write some again and again."""


@dataclass(frozen=True, slots=True)
class RecomputeProgress:
    """The progress of a recomputation.

    Attributes:
        processed: Customers recomputed so far.
        changed: Customers whose permissions changed.
        transitions: Customers by purpose bits permitted before and after.
        superseded: Other rules were put in force meanwhile; a process with those rules continues.
    """

    processed: int = 0
    changed: int = 0
    transitions: Mapping[tuple[int, int], int] = field(default_factory=dict)
    superseded: bool = False

    def gained(self, bit: int) -> int:
        """Return how many customers permit the purpose with this bit now and did not before."""
        return self._count_transitions(lambda before, now: now & ~before, bit)

    def lost(self, bit: int) -> int:
        """Return how many customers permitted the purpose with this bit before and do not now."""
        return self._count_transitions(lambda before, now: before & ~now, bit)

    def _count_transitions(self, changed_bits: Callable[[int, int], int], bit: int) -> int:
        return sum(
            count for allow_pair, count in self.transitions.items() if changed_bits(*allow_pair) >> bit & 1
        )


class _CustomerBatch(NamedTuple):
    """Customers, and source records by customer."""

    customers: Sequence[CustomerPermissions]
    records: Mapping[bytes, Sequence[SourceRecord]]


class PermissionRecomputation:
    """Computes again what customers permit, by the current rules and time."""

    def __init__(self, rewriter: PersonRewriter, rulebooks: RulebookStore) -> None:
        self._rewriter = rewriter
        self._stores = rewriter.stores
        self._rulebooks = rulebooks
        self._write_context = rewriter.write_context

    async def count_due(self) -> int:
        """Return how many customers need to be recomputed."""
        context = self._write_context()
        return await self._stores.people.count_due(context.permission_engine.version, context.now_ms)

    async def run(
        self,
        report_progress: Callable[[RecomputeProgress], None] = lambda _: None,
        pause_s: float = 0.0,
        *,
        dry_run: bool = False,
    ) -> RecomputeProgress:
        """Recompute customers until none remains. If it is interrupted, what was written stays written.

        Args:
            report_progress: Called after every batch.
            pause_s: Seconds to wait between batches, to leave the database to others.
            dry_run: Compute the changes without writing them.

        Raises:
            Unavailable: The store cannot be reached.
        """
        progress = RecomputeProgress()
        for _ in range(1 if dry_run else MAX_ROUNDS):
            processed_before = progress.processed
            async for round_progress in self._run_round(progress, pause_s, dry_run=dry_run):
                progress = round_progress
                report_progress(progress)
            if progress.superseded or progress.processed == processed_before:
                break
        return progress

    async def _run_round(
        self, progress: RecomputeProgress, pause_s: float, *, dry_run: bool
    ) -> AsyncIterator[RecomputeProgress]:
        """Process every due customer once; compute a batch while the next is read and the last written."""
        batches = self._read_batches()
        read_task = asyncio.ensure_future(anext(batches, None))
        write_task: asyncio.Future[object] = asyncio.ensure_future(asyncio.sleep(0))
        try:
            while (batch := await read_task) is not None:
                # Checked for every batch: two processes with different rules would undo each other's work
                # forever.
                if not dry_run and not await self._is_in_force():
                    yield RecomputeProgress(
                        progress.processed, progress.changed, progress.transitions, superseded=True
                    )
                    return
                read_task = asyncio.ensure_future(anext(batches, None))
                writes, transitions, changed = await self._recompute_batch(batch)
                await write_task
                if not dry_run:
                    await self._spread_changed_refusals(batch)
                if not dry_run:
                    write_task = asyncio.ensure_future(self._stores.transactions.send(writes))
                progress = RecomputeProgress(
                    progress.processed + len(batch.customers),
                    progress.changed + changed,
                    Counter(progress.transitions) + transitions,
                )
                yield progress
                if pause_s:
                    await asyncio.sleep(pause_s)
            await write_task
        finally:
            read_task.cancel()
            # An async generator cannot be closed while a task advances it, so the read must end first.
            await asyncio.gather(read_task, write_task, return_exceptions=True)
            await batches.aclose()

    async def _is_in_force(self) -> bool:
        """Return whether no other rules were put in force."""
        in_force = await self._rulebooks.find_version_in_force()
        return in_force is None or in_force[1] == self._write_context().permission_engine.version

    async def _read_batches(self) -> AsyncGenerator[_CustomerBatch, None]:
        context = self._write_context()
        attributes = list_state_attributes(context.catalogue)
        due_batches = self._stores.people.stream_due(
            context.permission_engine.version, context.now_ms, BATCH_SIZE
        )
        async for customers in due_batches:
            records_by_customer: dict[bytes, list[SourceRecord]] = {}
            for record in await self._stores.source_records.list_statements(
                [customer.id for customer in customers], attributes
            ):
                records_by_customer.setdefault(record.customer, []).append(record)
            yield _CustomerBatch(customers, records_by_customer)

    async def _spread_changed_refusals(self, batch: _CustomerBatch) -> None:
        """Put what customers refuse in force for others if the passage of time has changed it."""
        context = self._write_context()
        for number, customer in enumerate(batch.customers):
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)
            last = customer.permissions.until - 1
            if context.now_ms <= last:  # other rules only
                continue
            state = build_person_state(
                context.catalogue, context.jurisdiction, batch.records.get(customer.id, ())
            )
            if not any(record.has_refusal or record.opted_out_at is not None for record in state.statements):
                continue
            refused_then, refused_now = (
                list_refused_nodes(context.catalogue.purposes, state.statements, at)
                for at in (last, context.now_ms)
            )
            if refused_then != refused_now:
                await self._rewriter.spread_refusals(customer.id)

    async def _recompute_batch(
        self, batch: _CustomerBatch
    ) -> tuple[list[PendingWrite], Counter[tuple[int, int]], int]:
        """Return the writes, the transitions and the number of changed customers of a batch.

        A customer who was written meanwhile was recomputed by that write, or is found again in the next
        round.
        """
        context = self._write_context()
        writes: list[PendingWrite] = []
        transitions: Counter[tuple[int, int]] = Counter()
        changed = 0
        for number, customer in enumerate(batch.customers):
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)
            state = build_person_state(
                context.catalogue, context.jurisdiction, batch.records.get(customer.id, ())
            )
            permissions = build_permission_window(context.permission_engine, state, context.now_ms)
            # What readers used until now: after ``until``, they apply the bits stored for later.
            allow_before = customer.permissions.find_allowed(context.now_ms)
            transitions[allow_before, permissions.allow] += 1
            changed += allow_before != permissions.allow or customer.permissions.kinds != permissions.kinds
            if (write := self._stores.people.plan_save_permissions(customer, permissions)) is not None:
                writes.append(write)
        return writes, transitions, changed
