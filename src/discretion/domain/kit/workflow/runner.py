"""Carries requests out: step by step, each under a lease, again after a while where one fails.

A request is held by one process at a time. Whoever takes it over from one that died has the next fence, and
goes on with the first step that is not done. A step that fails is tried again later and later, for ever: an
operator sees which, how often and why, and nothing says complete before it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from discretion.background import beside
from discretion.domain.kit.workflow.lease import HELD_MS, At, Hold, nowhere
from discretion.domain.kit.workflow.step_outcome import Later, Outcome
from discretion.errors import Conflict, DiscretionError
from discretion.store.requests import Requests

Document = Mapping[str, Any]
Act = Callable[[Document, Hold], Awaitable[Outcome]]
"""Carries out one step of a request, given as it stands in MongoDB. A second time it changes nothing."""

End = Callable[[Document], Mapping[str, Any]]
"""What a request becomes when its last step is done: members to be set."""

FIRST_MS, LONGEST_MS = 1_000, 3_600_000
"""After the first failure, and at most, until a step is tried again."""

LOOK_S = 1.0
TOGETHER = 20
"""Requests that are carried out side by side."""

_log = logging.getLogger(__name__)


class Engine:
    """See the module. ``acts`` has every step by its name."""

    def __init__(
        self,
        requests: Requests,
        acts: Mapping[str, Act],
        end: End,
        now_ms: Callable[[], int],
        at: At = nowhere,
    ) -> None:
        self._requests = requests
        self._acts = acts
        self._end = end
        self._now_ms = now_ms
        self._at = at
        self._kicked = asyncio.Event()
        self._under_way: dict[bytes, asyncio.Task[None]] = {}

    def kick(self) -> None:
        """There is something to do."""
        self._kicked.set()

    async def once(self) -> int:
        """Carry out everything that is due now, as far as it goes; how many requests that were."""
        found = await self._requests.waiting(self._now_ms(), TOGETHER)
        await asyncio.gather(*(self.carry(one["_id"]) for one in found))
        return len(found)

    async def carry(self, request: bytes) -> None:
        """Carry one request out as far as it goes now, unless another process is at it."""
        now = self._now_ms()
        document = await self._requests.take(request, now, now + HELD_MS)
        if document is None:
            return
        hold = Hold(self._requests, request, document["fence"], self._now_ms, self._at, document["right"])
        try:
            await self._carry(document, hold)
        except Conflict as lost:
            if lost.code != "LEASE_LOST":
                raise
            _log.info("a request was taken over by another process")

    async def _carry(self, document: Document, hold: Hold) -> None:
        for step, told in enumerate(document["steps"]):
            if told["state"] == "done":
                continue
            hold.entering(step, f"{document['right']}.{told['name']}")
            hold.at("begin")
            if not await self._step(document, told, hold):
                return
            hold.at("end")
            fresh = await self._requests.get(document["_id"])
            if fresh is None:
                return
            document = fresh
        await hold.save({**self._end(document), "until": 0, "next": None})
        hold.at("ended")

    async def _step(self, document: Document, told: Document, hold: Hold) -> bool:
        """Whether the step is over."""
        try:
            outcome = await self._acts[told["name"]](document, hold)
            hold.at("acted")
            if isinstance(outcome, Later):
                await self._wait(hold, told, outcome.after_ms, outcome.why, failed=False)
                return False
            if not hold.completed:
                await hold.complete(outcome.told)
        except Conflict as conflict:
            if conflict.code == "LEASE_LOST":
                raise
            await self._failed(hold, told, conflict.code)
            return False
        except Exception as error:  # noqa: BLE001 - one request's failure is not the others'
            code = error.code if isinstance(error, DiscretionError) else type(error).__name__
            _log.error("step %s of a request failed: %s", told["name"], code)
            await self._failed(hold, told, code)
            return False
        return True

    async def _failed(self, hold: Hold, told: Document, code: str) -> None:
        await self._wait(hold, told, backoff(told["attempts"]), code, failed=True)

    async def _wait(self, hold: Hold, told: Document, after_ms: int, why: str, *, failed: bool) -> None:
        step = f"steps.{hold.step}"
        await hold.save(
            {
                f"{step}.why": why,
                f"{step}.attempts": told["attempts"] + failed,
                "next": self._now_ms() + after_ms,
                "until": 0,
            }
        )

    async def work(self) -> None:
        """Carry out what is due, again and again: what takes long keeps nothing else waiting."""
        try:
            while True:
                self._kicked.clear()
                try:
                    await self._begin()
                except DiscretionError as error:
                    _log.error("requests could not be carried out: %s", error.code)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._kicked.wait()
        finally:
            tasks = list(self._under_way.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(self) -> None:
        """Begin with what is due and is not under way here, as far as there is room."""
        room = TOGETHER - len(self._under_way)
        if room <= 0:
            return
        for one in await self._requests.waiting(self._now_ms(), room, list(self._under_way)):
            name = one["_id"]
            task = asyncio.create_task(self._quietly(name))
            self._under_way[name] = task
            task.add_done_callback(partial(self._ended, name))

    def _ended(self, name: bytes, _task: asyncio.Task[None]) -> None:
        """There is room again; whoever waited for it is not left until the next look."""
        full = len(self._under_way) == TOGETHER
        del self._under_way[name]
        if full:
            self.kick()

    async def _quietly(self, request: bytes) -> None:
        """Carry one out; what is wrong with it is nobody else's."""
        try:
            await self.carry(request)
        except DiscretionError as error:
            _log.error("a request could not be carried out: %s", error.code)
        except Exception as error:  # noqa: BLE001 - one request's failure is not the others'
            _log.error("a request could not be carried out: %s", type(error).__name__)


@asynccontextmanager
async def carrying(engine: Engine) -> AsyncIterator[None]:
    """Have requests carried out for as long as the block lasts; what is cut off then goes on at the next."""
    async with beside(engine.work()):
        yield


def backoff(attempts: int) -> int:
    """How long to wait after so many failures and one more, in ms."""
    return int(min(FIRST_MS * 2 ** min(attempts, 30), LONGEST_MS))
