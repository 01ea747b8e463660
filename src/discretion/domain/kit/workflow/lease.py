"""The lease on a request while its steps run (``store.lease`` has the law of leases).

Every write of a step is idempotent, or in a transaction that also updates the request under its fence. So a
process that stalled, lost its lease and resumes cannot change anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from discretion.errors import Conflict
from discretion.store.document import JsonValue
from discretion.store.requests import RequestStore
from discretion.store.subject_request import StepProgress, SubjectRequest
from discretion.store.transactions import Session

LEASE_MS = 60_000
"""How long a lease lasts after its last renewal: longer than a transaction may take."""

Checkpoint = Callable[[str], None]
"""Called with the name of a point that a step has reached; a test ends the process there."""


RequireReach = Callable[[Session], Awaitable[None]]
"""Raises Conflict if the running step must not begin any more; see ``Lease.require_reach``."""


async def admit_step(_session: Session) -> None:
    """Admit a step: nothing forbids it."""


def no_checkpoint(_point: str) -> None:
    """Ignore a checkpoint; the default outside of crash tests."""


class Lease:
    """The lease on one request.

    ``step`` is the index of the step that is running; ``completed`` says that the step has marked itself as
    done.
    """

    def __init__(
        self,
        requests: RequestStore,
        request: bytes,
        fence: int,
        now_ms: Callable[[], int],
        on_checkpoint: Checkpoint,
        step_name: str,
    ) -> None:
        self._requests = requests
        self._request = request
        self._fence = fence
        self._now_ms = now_ms
        self._on_checkpoint = on_checkpoint
        self._step_name = step_name
        self.step = 0
        self.completed = False
        self._require_reach: RequireReach = admit_step

    def enter_step(self, step: int, name: str, require_reach: RequireReach = admit_step) -> None:
        """Begin a step: writes of the lease now concern this step."""
        self.step, self._step_name, self.completed = step, name, False
        self._require_reach = require_reach

    async def require_reach(self, session: Session) -> None:
        """Check again whom the request may be carried out for.

        A step calls it first in the transaction that first changes or copies somebody's data. A check in a
        transaction before it would miss a join in between.

        Raises:
            Conflict: The request is checked again before the next attempt.
        """
        await self._require_reach(session)

    def checkpoint(self, point: str) -> None:
        """Report a point at which a crash is tested."""
        self._on_checkpoint(f"{self._step_name}.{point}")

    async def renew(self, session: Session | None = None) -> None:
        """Renew the lease; in a transaction, abort it if the lease was lost.

        Raises:
            Conflict: ``LEASE_LOST``; another process has taken the request over.
        """
        await self.save(StepProgress(), session)

    async def save(self, progress: StepProgress, session: Session | None = None) -> None:
        """Write what the step has done so far into the request, and renew the lease.

        Raises:
            Conflict: ``LEASE_LOST``; another process has taken the request over.
        """
        until = self._now_ms() + LEASE_MS
        _require_held(
            await self._requests.save_progress(self._request, self._fence, until, progress, session)
        )

    async def complete_step(self, result: Mapping[str, JsonValue], session: Session | None = None) -> None:
        """Mark the step as done, in the transaction of its own writes if a session is given.

        A step that changes data does both in one transaction: a crash then leaves either both or neither.

        Raises:
            Conflict: ``LEASE_LOST``; another process has taken the request over.
        """
        now = self._now_ms()
        _require_held(
            await self._requests.complete_step(
                self._request, self._fence, now + LEASE_MS, self.step, result, now, session
            )
        )
        self.completed = True

    async def postpone_step(self, attempts: int, why: str, after_ms: int) -> None:
        """End the lease, so that any process can attempt the step again after a time.

        Raises:
            Conflict: ``LEASE_LOST``; another process has taken the request over.
        """
        next_run = self._now_ms() + after_ms
        _require_held(
            await self._requests.postpone_step(self._request, self._fence, self.step, attempts, why, next_run)
        )

    async def finish(self, before: SubjectRequest, after: SubjectRequest) -> None:
        """Write the final state of the request and end the lease.

        Raises:
            Conflict: ``LEASE_LOST``; another process has taken the request over.
        """
        _require_held(await self._requests.finish(before, after))


def _require_held(is_held: bool) -> None:
    if not is_held:
        raise Conflict("LEASE_LOST", "Another process carries this request out.")
