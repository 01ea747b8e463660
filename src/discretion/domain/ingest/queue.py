"""Facts wait their turn: few wait long, many go together, and who finds the queue full is told to come again.

Requests that come at the same time share transactions, so single messages cost little more than
batches, and two of them never wait for each other's locks. What waits is bounded: beyond the bound a
sender is refused before anything of theirs is begun, which they can repeat without harm.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from discretion.domain.ingest.message import Fact, Outcome
from discretion.errors import Broken, DiscretionError, TooMany, Unavailable

MAX_WAITING = 10_000
"""Facts that may wait: some seconds of work."""

MAX_OF_ONE_SOURCE = 6_000
"""Facts of one source that may wait, so that one that floods leaves room for the others."""

Take = Callable[[Sequence[Fact]], Awaitable[list[Outcome]]]


@dataclass(slots=True)
class _Request:
    """Facts of one request, what became of those that were taken, and who waits for it."""

    facts: Sequence[Fact]
    done: asyncio.Future[list[Outcome]]
    begun: int = 0
    outcomes: list[Outcome] = field(default_factory=list)

    def part(self, most: int) -> Sequence[Fact]:
        """The next facts, at most so many."""
        start, self.begun = self.begun, min(len(self.facts), self.begun + most)
        return self.facts[start : self.begun]


class Flow:
    """A bounded queue before ``take``, emptied ``together`` facts at a time."""

    def __init__(self, take: Take, together: int) -> None:
        self._take = take
        self._together = together
        self._waiting: deque[_Request] = deque()
        self._held: Counter[str] = Counter()
        self._worker: asyncio.Task[None] | None = None

    async def take(self, facts: Sequence[Fact]) -> list[Outcome]:
        """What becomes of facts of one source, when all of it is durable.

        Raises:
            TooMany: ``SOURCE_TOO_FAST``; Unavailable: ``INTAKE_FULL``. Nothing was begun.
            Unavailable: as ``take`` says; some may have been taken in.
        """
        if not facts:
            return []
        source = facts[0].source.key
        self._admit(source, len(facts))
        self._held[source] += len(facts)
        request = _Request(facts, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        try:
            return await request.done
        finally:
            self._held[source] -= len(facts)

    def _admit(self, source: str, more: int) -> None:
        """A queue that is empty takes any request whole; one that is not takes what it has room for."""
        held = self._held[source]
        if held and held + more > MAX_OF_ONE_SOURCE:
            raise TooMany("SOURCE_TOO_FAST", "Too many messages of this source are waiting.", _LATER)
        total = self._held.total()
        if total and total + more > MAX_WAITING:
            raise Unavailable("INTAKE_FULL", "Too many messages are waiting.", _LATER)

    async def _work(self) -> None:
        try:
            while self._waiting:
                if parts := self._next():
                    await self._round(parts)
        finally:
            self._worker = None

    def _next(self) -> list[tuple[_Request, Sequence[Fact]]]:
        """Parts of the requests that waited longest."""
        parts: list[tuple[_Request, Sequence[Fact]]] = []
        room = self._together
        while self._waiting and room:
            request = self._waiting[0]
            if request.done.done():  # whoever hangs up gives their room to others, so nothing is done for it
                self._waiting.popleft()
                continue
            part = request.part(room)
            parts.append((request, part))
            room -= len(part)
            if request.begun == len(request.facts):
                self._waiting.popleft()
        return parts

    async def _round(self, parts: Sequence[tuple[_Request, Sequence[Fact]]]) -> None:
        try:
            outcomes = iter(await self._take([fact for _, part in parts for fact in part]))
        except Unavailable as away:
            for request, _ in parts:
                self._fail(request, away)
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait
            if len(parts) == 1:
                self._fail(parts[0][0], error)
                return
            for one in parts:  # what one of them brought must not be the others' harm
                await self._round([one])
        except asyncio.CancelledError:
            for request, _ in parts:
                self._fail(request, Unavailable("STOPPING", "The server stops."))
            raise
        else:
            for request, part in parts:
                request.outcomes += [next(outcomes) for _ in part]
                if len(request.outcomes) == len(request.facts) and not request.done.done():
                    request.done.set_result(request.outcomes)

    def _fail(self, request: _Request, error: Exception) -> None:
        """What is left of a request is not begun: its sender sends all of it again."""
        if self._waiting and self._waiting[0] is request:
            self._waiting.popleft()
        if not request.done.done():
            known = isinstance(error, DiscretionError)
            request.done.set_exception(error if known else _broken(error))


def _broken(cause: Exception) -> Broken:
    broken = Broken("INTAKE_BROKEN", "Messages could not be taken in.")
    broken.__cause__ = cause
    return broken


_LATER = "Send the same again after the time in Retry-After."
