"""The ingest queue: a bounded queue in memory that groups facts of concurrent requests into batches.

Concurrent requests share transactions, so a single message costs little more than one in a batch, and two
requests do not wait for each other's locks. Beyond the bound a request is refused before any of its facts is
processed, so the sender can repeat it safely.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from discretion.domain.ingest.message import Fact, MessageOutcome
from discretion.errors import Broken, DiscretionError, TooMany, Unavailable

MAX_WAITING = 10_000
"""The most facts in the queue: some seconds of work."""

MAX_OF_ONE_SOURCE = 6_000
"""The most facts of one source in the queue, so that a flooding source leaves room for the others."""

ProcessFacts = Callable[[Sequence[Fact]], Awaitable[list[MessageOutcome]]]
"""Ingests facts and returns their outcomes in the same order, once all are durable."""


@dataclass(slots=True)
class _QueuedRequest:
    """The facts of one request, the outcomes so far, and the future its caller waits for."""

    facts: Sequence[Fact]
    completion: asyncio.Future[list[MessageOutcome]]
    started: int = 0
    outcomes: list[MessageOutcome] = field(default_factory=list)

    def take_part(self, limit: int) -> Sequence[Fact]:
        """Return the next facts that were not handed out, at most ``limit``."""
        start, self.started = self.started, min(len(self.facts), self.started + limit)
        return self.facts[start : self.started]


class IngestQueue:
    """A bounded queue in front of ``process_facts``, which gets at most ``batch_size`` facts at a time."""

    def __init__(self, process_facts: ProcessFacts, batch_size: int) -> None:
        self._process_facts = process_facts
        self._batch_size = batch_size
        self._pending: deque[_QueuedRequest] = deque()
        self._queued_by_source: Counter[str] = Counter()
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, facts: Sequence[Fact]) -> list[MessageOutcome]:
        """Queue the facts of one source and return their outcomes once all are durable.

        Raises:
            TooMany: ``SOURCE_TOO_FAST``; no fact was processed.
            Unavailable: ``INTAKE_FULL``; no fact was processed. Or as ``process_facts`` raises; some facts
                may have been ingested.
        """
        if not facts:
            return []
        source = facts[0].source.key
        self._check_capacity(source, len(facts))
        # No await lies between the check and this line, so concurrent requests
        # cannot exceed the bound together.
        self._queued_by_source[source] += len(facts)
        request = _QueuedRequest(facts, asyncio.get_running_loop().create_future())
        self._pending.append(request)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        try:
            return await request.completion
        finally:
            # Also after an error or a disconnect: a count that stays would refuse the source forever.
            self._queued_by_source[source] -= len(facts)

    def _check_capacity(self, source: str, fact_count: int) -> None:
        """Raise if the queue has no room; an empty queue accepts a request of any size."""
        queued = self._queued_by_source[source]
        if queued and queued + fact_count > MAX_OF_ONE_SOURCE:
            raise TooMany("SOURCE_TOO_FAST", "Too many messages of this source are waiting.", _RETRY_ADVICE)
        total = self._queued_by_source.total()
        if total and total + fact_count > MAX_WAITING:
            raise Unavailable("INTAKE_FULL", "Too many messages are waiting.", _RETRY_ADVICE)

    async def _work(self) -> None:
        try:
            while self._pending:
                if parts := self._take_batch():
                    await self._process_batch(parts)
        finally:
            # No await lies between the last check of `_pending` and this line: a later
            # request starts a new worker.
            self._worker = None

    def _take_batch(self) -> list[tuple[_QueuedRequest, Sequence[Fact]]]:
        """Take up to ``batch_size`` facts from the requests that have waited longest."""
        parts: list[tuple[_QueuedRequest, Sequence[Fact]]] = []
        room = self._batch_size
        while self._pending and room:
            request = self._pending[0]
            if request.completion.done():
                # The client disconnected: no work is done for it, and its room goes to the others.
                self._pending.popleft()
                continue
            part = request.take_part(room)
            parts.append((request, part))
            room -= len(part)
            if request.started == len(request.facts):
                self._pending.popleft()
        return parts

    async def _process_batch(self, parts: Sequence[tuple[_QueuedRequest, Sequence[Fact]]]) -> None:
        try:
            outcomes = iter(await self._process_facts([fact for _, part in parts for fact in part]))
        except Unavailable as unavailable:
            for request, _ in parts:
                self._fail_request(request, unavailable)
        except Exception as error:  # noqa: BLE001 - every error is passed on to the callers that wait
            if len(parts) == 1:
                self._fail_request(parts[0][0], error)
                return
            # Retry each part alone: a fact that one request brought must not fail the others. Facts that
            # the failed call already committed are recognised as duplicates.
            for request_part in parts:
                await self._process_batch([request_part])
        except asyncio.CancelledError:
            for request, _ in parts:
                # Callers wait for their futures and would wait forever without a result.
                self._fail_request(request, Unavailable("STOPPING", "The server stops."))
            raise
        else:
            for request, part in parts:
                request.outcomes += [next(outcomes) for _ in part]
                if len(request.outcomes) == len(request.facts) and not request.completion.done():
                    request.completion.set_result(request.outcomes)

    def _fail_request(self, request: _QueuedRequest, error: Exception) -> None:
        """Fail a request and skip its remaining facts: the sender sends all of them again.

        The request is still first in the queue if some of its facts were not handed out.
        """
        if self._pending and self._pending[0] is request:
            self._pending.popleft()
        if not request.completion.done():
            is_expected = isinstance(error, DiscretionError)
            request.completion.set_exception(error if is_expected else _build_unexpected_error(error))


def _build_unexpected_error(cause: Exception) -> Broken:
    wrapped = Broken("INTAKE_BROKEN", "Messages could not be taken in.")
    wrapped.__cause__ = cause
    return wrapped


_RETRY_ADVICE = "Send the same again after the time in Retry-After."
