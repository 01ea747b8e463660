"""The workflow runner: runs the steps of requests in order, under a lease, and retries failed steps.

One process at a time holds the lease on a request. A process that takes it over gets the next fence and
continues with the first step that is not done. A failed step is retried without end, at growing intervals:
the operator sees the step, the number of attempts and the error code, and no request is reported complete
before it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from discretion.background import run_alongside
from discretion.domain.kit.workflow.lease import LEASE_MS, Checkpoint, Lease, no_checkpoint
from discretion.domain.kit.workflow.poll import attempt_logged, poll
from discretion.domain.kit.workflow.retry import Backoff
from discretion.domain.kit.workflow.step import StepAction
from discretion.domain.kit.workflow.step_outcome import StepWaiting
from discretion.errors import Conflict, DiscretionError
from discretion.store.document import Document
from discretion.store.requests import RequestStore

BuildFinalMembers = Callable[[Document], Mapping[str, Any]]
"""Returns the members to set in the request's document when its last step is done."""

BACKOFF = Backoff(min_ms=1_000, max_ms=3_600_000)
"""The waits before a failed step is attempted again. A step is retried without end."""

POLL_S = 1.0
MAX_CONCURRENT = 20
"""Requests that one process runs concurrently."""

_log = logging.getLogger(__name__)


class WorkflowRunner:
    """Runs due requests; ``step_actions`` maps the stored name of each step to its action."""

    def __init__(
        self,
        requests: RequestStore,
        step_actions: Mapping[str, StepAction],
        build_final_members: BuildFinalMembers,
        now_ms: Callable[[], int],
        on_checkpoint: Checkpoint = no_checkpoint,
    ) -> None:
        self._requests = requests
        self._step_actions = step_actions
        self._build_final_members = build_final_members
        self._now_ms = now_ms
        self._on_checkpoint = on_checkpoint
        self._wake_event = asyncio.Event()
        self._running_tasks: dict[bytes, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Look for due requests now, instead of after ``POLL_S``."""
        self._wake_event.set()

    async def run_due(self) -> int:
        """Run the requests that are due now, as far as possible, and return how many there were."""
        documents = await self._take_due(MAX_CONCURRENT)
        await asyncio.gather(*(self._run_leased(document) for document in documents))
        return len(documents)

    async def run_request(self, request: bytes) -> None:
        """Run one request as far as possible, unless it is not due or another process holds its lease."""
        now = self._now_ms()
        document = await self._requests.leases.take(now, now + LEASE_MS, document_id=request)
        if document is not None:
            await self._run_leased(document)

    async def _take_due(self, limit: int) -> Sequence[Document]:
        """Lease due requests that do not run in this process."""
        now = self._now_ms()
        # Running requests are excluded. A step that outlasts its lease would otherwise be started a second
        # time here, under a fence that shuts out the first run.
        return await self._requests.leases.take_due(now, now + LEASE_MS, limit, list(self._running_tasks))

    async def _run_leased(self, document: Document) -> None:
        """Run a leased request as far as possible."""
        lease = Lease(
            self._requests,
            document["_id"],
            document["fence"],
            self._now_ms,
            self._on_checkpoint,
            document["right"],
        )
        try:
            await self._run_steps(document, lease)
        except Conflict as conflict:
            if conflict.code != "LEASE_LOST":
                raise
            _log.info("a request was taken over by another process")  # its new holder continues

    async def _run_steps(self, document: Document, lease: Lease) -> None:
        for step, step_record in enumerate(document["steps"]):
            if step_record["state"] == "done":
                continue
            lease.enter_step(step, f"{document['right']}.{step_record['name']}")
            lease.checkpoint("begin")
            if not await self._run_step(document, step_record, lease):
                return
            lease.checkpoint("end")
            # The step may have changed the request, and an erasure may have deleted it. Under another fence
            # it belongs to another process, or somebody decided otherwise about it.
            reloaded = await self._requests.find(document["_id"])
            if reloaded is None or reloaded["fence"] != document["fence"]:
                return
            document = reloaded
        # The final state and the end of the lease are one write. After a crash before it, the next worker
        # finds every step done and repeats only this write.
        await lease.save({**self._build_final_members(document), "until": 0, "next": None})
        lease.checkpoint("ended")

    async def _run_step(self, document: Document, step_record: Document, lease: Lease) -> bool:
        """Run one step and record its outcome; return whether the step is done."""
        try:
            outcome = await self._step_actions[step_record["name"]](document, lease)
            lease.checkpoint("acted")
            if isinstance(outcome, StepWaiting):
                await self._schedule_retry(
                    lease, step_record, outcome.retry_after_ms, outcome.reason, failed=False
                )
                return False
            # A step that changes data has completed itself in its own transaction. A second
            # completion would overwrite its result.
            if not lease.completed:
                await lease.complete_step(outcome.result)
        except Conflict as conflict:
            if conflict.code == "LEASE_LOST":
                # A worker without the lease records no failure: the request belongs to another worker now.
                raise
            await self._record_failure(lease, step_record, conflict.code)
            return False
        except Exception as error:  # noqa: BLE001 - an error in one request must not stop the others
            # Only the code is logged and stored: the text of an error may contain personal data.
            code = error.code if isinstance(error, DiscretionError) else type(error).__name__
            _log.error("step %s of a request failed: %s", step_record["name"], code)
            await self._record_failure(lease, step_record, code)
            return False
        return True

    async def _record_failure(self, lease: Lease, step_record: Document, code: str) -> None:
        await self._schedule_retry(
            lease, step_record, BACKOFF.compute_delay(step_record["attempts"] + 1), code, failed=True
        )

    async def _schedule_retry(
        self, lease: Lease, step_record: Document, after_ms: int, reason: str, *, failed: bool
    ) -> None:
        # The lease ends with this write, so that any process can make the next attempt.
        step = f"steps.{lease.step}"
        await lease.save(
            {
                f"{step}.why": reason,
                f"{step}.attempts": step_record["attempts"] + failed,
                "next": self._now_ms() + after_ms,
                "until": 0,
            }
        )

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
        for document in await self._take_due(MAX_CONCURRENT - len(self._running_tasks)):
            request = document["_id"]
            # An error of one request does not affect the others.
            work = attempt_logged("carrying out a request", self._run_leased(document))
            task = asyncio.create_task(work)
            self._running_tasks[request] = task
            task.add_done_callback(partial(self._release_slot, request))

    def _release_slot(self, request_id: bytes, _task: asyncio.Task[None]) -> None:
        """Remove a finished task; if all slots were taken, look for waiting requests at once."""
        was_full = len(self._running_tasks) == MAX_CONCURRENT
        del self._running_tasks[request_id]
        if was_full:
            self.wake()


@asynccontextmanager
async def run_workflows(runner: WorkflowRunner) -> AsyncIterator[None]:
    """Run requests in the background while the block is active; interrupted steps run again later."""
    async with run_alongside(runner.run_forever()):
        yield
