"""Warnings before deadlines, and expiry of requests whose requester was never identified.

A warning is issued once a week before the deadline, once a day before, and once when the request is late. It
is recorded in the request, where the privacy office sees it, and then written to the log without personal
data. Only the most urgent of several due warnings is logged; all of them are recorded as issued. When a
deadline is extended, the warnings start again.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from discretion.domain.kit.workflow.poll import run_polling
from discretion.domain.requests.decisions import RequestDecisions
from discretion.domain.requests.model import change_state
from discretion.errors import Conflict, NotFound
from discretion.law.jurisdiction import Right
from discretion.store.request_state import RequestReason, RequestState
from discretion.store.requests import RequestStore
from discretion.store.subject_request import SubjectRequest

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
WARNINGS: Sequence[tuple[str, int]] = (("late", 0), ("day", DAY_MS), ("week", WEEK_MS))
"""Name of each warning and how long before the deadline it is issued (ms), nearest first."""

BATCH = 100
POLL_S = 60.0
MONITOR_ACTOR = "watch"
"""Actor recorded in the history of a request that expired."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeadlineMonitor:
    """Periodic check of every open request that is due soon or waits for identity proof."""

    requests: RequestStore
    decisions: RequestDecisions
    now_ms: Callable[[], int]

    async def run_once(self) -> int:
        """Issue due warnings and expire requests. Return the number of changed requests."""
        return await self._warn_due() + await self._expire_unproven()

    async def _warn_due(self) -> int:
        now, warned_count = self.now_ms(), 0
        for name, lead_ms in WARNINGS:
            for request in await self.requests.list_unwarned(now + lead_ms, name, BATCH):
                warned_count += await self._warn_request(request.id, name)
        return warned_count

    async def _warn_request(self, request: bytes, name: str) -> bool:
        new_warnings: list[tuple[Right, int]] = []

        def record_warnings(current: SubjectRequest) -> SubjectRequest:
            now = self.now_ms()
            remaining_ms = WEEK_MS + 1 if current.due is None else current.due - now
            due = [warning for warning, lead_ms in WARNINGS if remaining_ms <= lead_ms]
            # The function may run several times for one change. Only the last run counts.
            new_warnings[:] = (
                [] if name in current.warned or name not in due else [(current.right, remaining_ms)]
            )
            added = (warning for warning in due if warning not in current.warned)
            return replace(current, warned=(*current.warned, *added), warned_at=now)

        try:
            await self.decisions.apply_change(request, record_warnings)
        except (Conflict, NotFound):  # another worker changes the request; the next poll sees the result
            return False
        # Logged after the write: of several processes that find the request, only the one that
        # recorded the warning logs it.
        for right, remaining_ms in new_warnings:
            hours = remaining_ms // HOUR_MS
            _log.warning("a %s request is due in %d h; see: discretion rights list", right, hours)
        return bool(new_warnings)

    async def _expire_unproven(self) -> int:
        now = self.now_ms()
        expired_count = 0
        for request in await self.requests.list_expired(now, BATCH):
            try:
                await self.decisions.apply_change(request.id, lambda current: _expire_request(current, now))
            except (Conflict, NotFound):
                continue
            expired_count += 1
        return expired_count


def _expire_request(request: SubjectRequest, now: int) -> SubjectRequest:
    # The proof was given after the query found the request.
    if not (request.waits_for_identity or request.waits_for_address):
        return replace(request, proof_until=None)
    expired = change_state(request, RequestState.UNFULFILLED, now, MONITOR_ACTOR, RequestReason.EXPIRED)
    return replace(expired, proof_until=None, code=None)


@asynccontextmanager
async def run_deadline_monitor(monitor: DeadlineMonitor) -> AsyncIterator[None]:
    """Run the deadline monitor in the background while the block runs, once every ``POLL_S`` seconds."""

    async def check_deadlines() -> None:
        await monitor.run_once()

    async with run_polling("the deadline check", check_deadlines, POLL_S):
        yield
