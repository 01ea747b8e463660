"""One process's hold on a request: what it writes counts only while nobody else has taken over.

Every write of a step belongs to a transaction that also writes the request under its fence, or is the same
however often it is done. So a process that was thought dead and wakes up can change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from discretion.errors import Conflict
from discretion.store.driver.database import Session
from discretion.store.requests import Requests

HELD_MS = 60_000
"""How long a request is held after the last write under it: longer than a transaction may take."""

At = Callable[[str], None]
"""Told where a step is, by name; a test ends the process there."""


def nowhere(_point: str) -> None:
    """Nobody watches."""


class Hold:
    """See the module. ``step`` is the position of the step that is being carried out."""

    def __init__(
        self, requests: Requests, request: bytes, fence: int, now_ms: Callable[[], int], at: At, name: str
    ) -> None:
        self._requests = requests
        self._request = request
        self._fence = fence
        self._now_ms = now_ms
        self._at = at
        self._name = name
        self.step = 0
        self.completed = False

    def entering(self, step: int, name: str) -> None:
        """The next step begins."""
        self.step, self._name, self.completed = step, name, False

    def at(self, point: str) -> None:
        """A point at which a step may be cut off."""
        self._at(f"{self._name}.{point}")

    async def save(self, change: Mapping[str, Any], session: Session | None = None) -> None:
        """Write members of the request, by their names in MongoDB, and hold it on.

        Raises:
            Conflict: ``LEASE_LOST``; another process carries the request out.
        """
        until = self._now_ms() + HELD_MS
        if not await self._requests.save(self._request, self._fence, {"until": until, **change}, session):
            raise Conflict("LEASE_LOST", "Another process carries this request out.")

    async def complete(self, told: Mapping[str, Any], session: Session | None = None) -> None:
        """Mark the step as done, in the transaction that did it."""
        await self.save(
            {
                f"steps.{self.step}.state": "done",
                f"steps.{self.step}.at": self._now_ms(),
                f"steps.{self.step}.told": dict(told),
                "next": self._now_ms(),
            },
            session,
        )
        self.completed = True
