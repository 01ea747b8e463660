"""The workflow runner: runs the steps of requests in order, under a lease, and retries failed steps.

One process at a time holds the lease on a request. A process that takes it over gets the next fence and
continues with the first step that is not done. A failed step is retried without end, at growing intervals:
the operator sees the step, the number of attempts and the error code, and no request is reported complete
before it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

from discretion.background import run_alongside
from discretion.domain.kit.workflow.lease import LEASE_MS, Checkpoint, Lease, no_checkpoint
from discretion.domain.kit.workflow.poll import attempt_logged, poll
from discretion.domain.kit.workflow.retry import Backoff
from discretion.domain.kit.workflow.step import StepAction
from discretion.domain.kit.workflow.step_outcome import StepWaiting
from discretion.errors import Conflict, DiscretionError
from discretion.store.requests import RequestStore
from discretion.store.subject_request import RequestStep, SubjectRequest
from discretion.store.transactions import Session

CheckRequest = Callable[[SubjectRequest], Awaitable[SubjectRequest | None]]
"""Returns the request that may be carried out now, called before each step; None if it may not."""

RequireSameReach = Callable[[SubjectRequest, Session], Awaitable[None]]
"""Raises Conflict unless the same may still be carried out, in the transaction of a step's first write."""

EndRequest = Callable[[SubjectRequest], SubjectRequest]
"""Returns a request as it is when its last step is done."""

BACKOFF = Backoff(min_ms=1_000, max_ms=3_600_000)
"""The waits before a failed step is attempted again. A step is retried without end."""

POLL_S = 1.0
MAX_CONCURRENT = 20
"""Requests that one process runs concurrently."""

_log = logging.getLogger(__name__)


async def admit_request(request: SubjectRequest) -> SubjectRequest:
    """Return the request: nothing forbids to carry it out."""
    return request


async def require_nothing(_request: SubjectRequest, _session: Session) -> None:
    """Require nothing: nothing forbids to carry the request out."""


class WorkflowRunner:
    """Runs due requests; ``step_actions`` maps the stored name of each step to its action.

    Whoever sets ``wake_event`` wakes the runner.
    """

    def __init__(
        self,
        requests: RequestStore,
        step_actions: Mapping[str, StepAction],
        end_request: EndRequest,
        now_ms: Callable[[], int],
        on_checkpoint: Checkpoint = no_checkpoint,
        *,
        check_request: CheckRequest = admit_request,
        require_same_reach: RequireSameReach = require_nothing,
        wake_event: asyncio.Event | None = None,
    ) -> None:
        self._requests = requests
        self._step_actions = step_actions
        self._check_request = check_request
        self._require_same_reach = require_same_reach
        self._end_request = end_request
        self._now_ms = now_ms
        self._on_checkpoint = on_checkpoint
        self._wake_event = wake_event or asyncio.Event()
        self._running_tasks: dict[bytes, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Look for due requests now, instead of after ``POLL_S``."""
        self._wake_event.set()

    async def run_due(self) -> int:
        """Run the requests that are due now, as far as possible, and return how many there were."""
        requests = await self._take_due(MAX_CONCURRENT)
        await asyncio.gather(*(self._run_leased(request) for request in requests))
        return len(requests)

    async def run_request(self, request: bytes) -> None:
        """Run one request as far as possible, unless it is not due or another process holds its lease."""
        now = self._now_ms()
        leased = await self._requests.take(now, now + LEASE_MS, request)
        if leased is not None:
            await self._run_leased(leased)

    async def _take_due(self, limit: int) -> Sequence[SubjectRequest]:
        """Lease due requests that do not run in this process."""
        now = self._now_ms()
        # Running requests are excluded. A step that outlasts its lease would otherwise be started a second
        # time here, under a fence that shuts out the first run.
        return await self._requests.take_due(now, now + LEASE_MS, limit, list(self._running_tasks))

    async def _run_leased(self, request: SubjectRequest) -> None:
        """Run a leased request as far as possible."""
        lease = Lease(
            self._requests,
            request.id,
            request.fence,
            self._now_ms,
            self._on_checkpoint,
            request.right.value,
        )
        try:
            await self._run_steps(request, lease)
        except Conflict as conflict:
            if conflict.code != "LEASE_LOST":
                raise
            _log.info("a request was taken over by another process")  # its new holder continues

    async def _run_steps(self, request: SubjectRequest, lease: Lease) -> None:
        for index, step in enumerate(request.steps):
            if step.is_done:
                continue
            admitted = await self._check_request(request)
            if admitted is None:
                return
            request = admitted
            lease.enter_step(
                index, f"{request.right.value}.{step.name}", partial(self._require_same_reach, request)
            )
            lease.checkpoint("begin")
            if not await self._run_step(request, step, lease):
                return
            lease.checkpoint("end")
            # The step may have changed the request, and an erasure may have deleted it. Under another fence
            # it belongs to another process, or somebody decided otherwise about it.
            reloaded = await self._requests.find(request.id)
            if reloaded is None or reloaded.fence != request.fence:
                return
            request = reloaded
        # The final state and the end of the lease are one write. After a crash before it, the next worker
        # finds every step done and repeats only this write.
        await lease.finish(request, self._end_request(request))
        lease.checkpoint("ended")

    async def _run_step(self, request: SubjectRequest, step: RequestStep, lease: Lease) -> bool:
        """Run one step and record its outcome; return whether the step is done."""
        try:
            outcome = await self._step_actions[step.name](request, lease)
            lease.checkpoint("acted")
            if isinstance(outcome, StepWaiting):
                await lease.postpone_step(step.attempts, outcome.reason, outcome.retry_after_ms)
                return False
            # A step that changes data has completed itself in its own transaction. A second
            # completion would overwrite its result.
            if not lease.completed:
                await lease.complete_step(outcome.result)
        except Conflict as conflict:
            if conflict.code == "LEASE_LOST":
                # A worker without the lease records no failure: the request belongs to another worker now.
                raise
            await _record_failure(lease, step, conflict.code)
            return False
        except Exception as error:  # noqa: BLE001 - an error in one request must not stop the others
            # Only the code is logged and stored: the text of an error may contain personal data.
            code = error.code if isinstance(error, DiscretionError) else type(error).__name__
            _log.error("step %s of a request failed: %s", step.name, code)
            await _record_failure(lease, step, code)
            return False
        return True

    async def run_forever(self) -> None:
        """Run due requests until cancelled; each runs in its own task, so a long one delays no other."""
        try:
            await poll("looking for due requests", self._start_due, POLL_S, self._wake_event)
        finally:
            # A cancelled step does not release its lease. Another process continues when the lease has
            # expired, after `LEASE_MS` at most.
            tasks = list(self._running_tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _start_due(self) -> None:
        """Start due requests that are not running in this process, up to ``MAX_CONCURRENT``."""
        for request in await self._take_due(MAX_CONCURRENT - len(self._running_tasks)):
            # An error of one request does not affect the others.
            work = attempt_logged("carrying out a request", self._run_leased(request))
            task = asyncio.create_task(work)
            self._running_tasks[request.id] = task
            task.add_done_callback(partial(self._release_slot, request.id))

    def _release_slot(self, request_id: bytes, _task: asyncio.Task[None]) -> None:
        """Remove a finished task; if all slots were taken, look for waiting requests at once."""
        was_full = len(self._running_tasks) == MAX_CONCURRENT
        del self._running_tasks[request_id]
        if was_full:
            self.wake()


async def _record_failure(lease: Lease, step: RequestStep, code: str) -> None:
    attempts = step.attempts + 1
    await lease.postpone_step(attempts, code, BACKOFF.compute_delay(attempts))


@asynccontextmanager
async def run_workflows(runner: WorkflowRunner) -> AsyncIterator[None]:
    """Run requests in the background while the block is active; interrupted steps run again later."""
    async with run_alongside(runner.run_forever()):
        yield
