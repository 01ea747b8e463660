"""Nothing lapses unseen: what nears its deadline is raised before it, what nobody proves comes to its end.

A week before, a day before, and when it is late, once each: in the log, without anything personal, and on
record with the request, where the office sees it. A changed deadline is watched anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from discretion.background import beside
from discretion.domain.requests.decisions import Decide
from discretion.domain.requests.model import Reason, State, turned
from discretion.errors import Conflict, DiscretionError, NotFound
from discretion.store.requests import Requests

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
WARNINGS: Sequence[tuple[str, int]] = (("late", 0), ("day", DAY_MS), ("week", WEEK_MS))
"""What is raised, and how long before the deadline (ms), the nearest first."""

TOGETHER = 100
LOOK_S = 60.0
BY = "watch"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks at every open request that is due soon."""

    requests: Requests
    decide: Decide
    now_ms: Callable[[], int]

    async def once(self) -> int:
        """Raise and expire what is to be; how many requests that changed."""
        return await self._raise() + await self._expire()

    async def _raise(self) -> int:
        now, raised = self.now_ms(), 0
        for name, before in WARNINGS:
            wanted = {
                "due": {"$lte": now + before},
                "ended": {"$exists": False},
                "warned": {"$ne": name},
            }
            found = await self.requests.find(wanted, [("due", 1), ("_id", 1)], TOGETHER)
            for one in found:
                raised += await self._warn(one["_id"], name)
        return raised

    async def _warn(self, request: bytes, name: str) -> bool:
        told: list[tuple[str, int]] = []

        def warned(document: Mapping[str, Any]) -> Mapping[str, Any]:
            now = self.now_ms()
            left = document.get("due", now + WEEK_MS + 1) - now
            due = [one for one, before in WARNINGS if left <= before]
            before = document.get("warned", ())
            told[:] = [] if name in before or name not in due else [(document["right"], left)]
            return {"warned": [*before, *(one for one in due if one not in before)], "raised": now}

        try:
            await self.decide.change(request, warned)
        except (Conflict, NotFound):  # somebody else is at it: the next look sees what came of that
            return False
        for right, left in told:
            hours = left // HOUR_MS
            _log.warning("a request of %s is due in %d h: discretion rights list", right, hours)
        return bool(told)

    async def _expire(self) -> int:
        now = self.now_ms()
        found = await self.requests.find({"expires": {"$lte": now}}, [("expires", 1)], TOGETHER)
        ended = 0
        for one in found:
            try:
                await self.decide.change(one["_id"], lambda document: _expired(document, now))
            except (Conflict, NotFound):
                continue
            ended += 1
        return ended


def _expired(document: Mapping[str, Any], now: int) -> Mapping[str, Any]:
    waits = (document["state"], document.get("reason")) == (State.ACTION_REQUIRED, Reason.IDENTITY)
    if not waits:
        return {"expires": None}
    return {
        **turned(document, State.UNFULFILLED, now, BY, Reason.EXPIRED),
        "expires": None,
        "code": None,
    }


@asynccontextmanager
async def watching(watch: Watch) -> AsyncIterator[None]:
    """Have deadlines watched for as long as the block lasts."""

    async def look() -> None:
        while True:
            try:
                await watch.once()
            except DiscretionError as error:
                _log.error("deadlines could not be watched: %s", error.code)
            await asyncio.sleep(LOOK_S)

    async with beside(look()):
        yield
