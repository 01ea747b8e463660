"""The lease on a request while its steps run (``store.lease`` has the law of leases).

Every write of a step is idempotent, or in a transaction that also updates the request under its fence. So a
process that stalled, lost its lease and resumes cannot change anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from discretion.errors import Conflict
from discretion.store.requests import RequestStore
from discretion.store.transactions import Session

LEASE_MS = 60_000
"""How long a lease lasts after its last renewal: longer than a transaction may take."""

Checkpoint = Callable[[str], None]
"""Called with the name of a point that a step has reached; a test ends the process there."""


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

    def enter_step(self, step: int, name: str) -> None:
        """Begin a step: writes of the lease now concern this step."""
        self.step, self._step_name, self.completed = step, name, False

    def checkpoint(self, point: str) -> None:
        """Report a point at which a crash is tested."""
        self._on_checkpoint(f"{self._step_name}.{point}")

    async def save(self, change: Mapping[str, Any], session: Session | None = None) -> None:
        """Update members of the request, by their paths in MongoDB, and renew the lease.

        Raises:
            Conflict: ``LEASE_LOST``; another process has taken the request over.
        """
        until = self._now_ms() + LEASE_MS
        if not await self._requests.leases.save(
            self._request, self._fence, {"until": until, **change}, session
        ):
            raise Conflict("LEASE_LOST", "Another process carries this request out.")

    async def complete_step(self, result: Mapping[str, Any], session: Session | None = None) -> None:
        """Mark the step as done, in the transaction of its own writes if a session is given.

        A step that changes data does both in one transaction: a crash then leaves either both or neither.

        Raises:
            Conflict: ``LEASE_LOST``; another process has taken the request over.
        """
        await self.save(
            {
                f"steps.{self.step}.state": "done",
                f"steps.{self.step}.at": self._now_ms(),
                f"steps.{self.step}.told": dict(result),
                "next": self._now_ms(),
            },
            session,
        )
        self.completed = True
