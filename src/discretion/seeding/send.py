"""Sending messages through the front door: Segment's HTTP API, with the sources' write keys."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from discretion.errors import Broken, Misconfigured, Unavailable
from discretion.seeding.message import Message

MAX_ITEMS = 500
MAX_BYTES = 480_000
"""Segment takes 500 KB a request; the rest is room for what wraps the messages."""
CONCURRENCY = 3
ATTEMPTS = 8
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0

_BUSY = frozenset({429, 502, 503, 504})
_OPEN, _SEPARATOR, _CLOSE = b'{"batch":[', b",", b"]}"


@dataclass(frozen=True, slots=True)
class Sown:
    """What has become of the messages sent so far; ``reasons`` counts refusals by code and place."""

    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Messages answered."""
        return self.accepted + self.duplicate + self.refused


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one source, encoded, within the limits of one request."""

    source: str
    items: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        """The request's body."""
        return _OPEN + _SEPARATOR.join(self.items) + _CLOSE


Round = tuple[Batch, ...]
"""Batches with all messages of some people. Rounds share nobody, so they can be sent side by side."""


async def sow(
    url: str,
    write_keys: Mapping[str, str],
    messages: Iterable[Message],
    progress: Callable[[Sown], None],
    *,
    concurrency: int = CONCURRENCY,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Sown:
    """Send ``messages`` to the platform at ``url`` and say what became of them.

    ``write_keys`` maps sources to keys. ``progress`` is told after every request. Sending
    the same messages again changes nothing.

    Raises:
        Misconfigured: ``WRITE_KEY_REFUSED``; Unavailable: ``SOWING_UNANSWERED``; Broken:
            ``SOWING_REFUSED`` for a whole batch.
    """
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()

    def so_far() -> Sown:
        return Sown(counts["accepted"], counts["duplicate"], counts["refused"], dict(reasons))

    async def work(client: httpx.AsyncClient) -> None:
        while True:
            async with turn:
                batches = await anext(made, None)
            if batches is None:
                return
            for batch in batches:
                for result in await _post(client, batch, write_keys[batch.source]):
                    counts[result["status"]] += 1
                    if result["status"] == "refused":
                        reasons[f"{result.get('code', '')} {result.get('place', '')}".strip()] += 1
                progress(so_far())

    made, turn = _made(rounds(messages)), asyncio.Lock()
    client = httpx.AsyncClient(base_url=url, timeout=60, trust_env=False, transport=transport)
    try:
        async with client, asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work(client))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return so_far()


def rounds(messages: Iterable[Message]) -> Iterator[Round]:
    """Whole people, as many as fit into one batch for each source; someone larger gets several."""
    waiting: dict[str, list[bytes]] = {}
    for _, told in itertools.groupby(messages, key=lambda message: message.person):
        person: dict[str, list[bytes]] = {}
        for message in told:
            person.setdefault(message.source, []).append(orjson.dumps(message.body))
        if waiting and any(not _fit([*waiting.get(source, ()), *items]) for source, items in person.items()):
            yield _batches(waiting)
            waiting = {}
        for source, items in person.items():
            waiting.setdefault(source, []).extend(items)
    if waiting:
        yield _batches(waiting)


def _batches(waiting: Mapping[str, list[bytes]]) -> Round:
    made: list[Batch] = []
    for source, items in waiting.items():
        start = 0
        while start < len(items):
            end = start + 1
            while end < len(items) and _fit(items[start : end + 1]):
                end += 1
            made.append(Batch(source, tuple(items[start:end])))
            start = end
    return tuple(made)


def _fit(items: list[bytes]) -> bool:
    size = sum(map(len, items)) + len(items) + len(_OPEN) + len(_CLOSE)
    return len(items) <= MAX_ITEMS and size <= MAX_BYTES


async def _made(made: Iterator[Round]) -> AsyncIterator[Round]:
    """Rounds, made in a thread: generating takes the processor for seconds."""
    while (batches := await asyncio.to_thread(next, made, None)) is not None:
        yield batches


async def _post(client: httpx.AsyncClient, batch: Batch, write_key: str) -> list[dict[str, Any]]:
    pause = FIRST_PAUSE_S
    for attempt in range(ATTEMPTS):
        try:
            response = await client.post(
                "/v1/batch",
                content=batch.body,
                auth=(write_key, ""),
                headers={"content-type": "application/json", "prefer": "return=representation"},
            )
        except httpx.TransportError:
            wanted = None
        else:
            if response.status_code not in _BUSY:
                return _results(response, batch)
            wanted = _retry_after(response)
        if attempt < ATTEMPTS - 1:
            await asyncio.sleep(min(pause if wanted is None else wanted, LONGEST_PAUSE_S))
            pause *= 2
    raise Unavailable("SOWING_UNANSWERED", f"No answer from {client.base_url} after {ATTEMPTS} attempts.")


def _results(response: httpx.Response, batch: Batch) -> list[dict[str, Any]]:
    if response.status_code == httpx.codes.UNAUTHORIZED:
        raise Misconfigured(
            "WRITE_KEY_REFUSED",
            f"The platform refuses the write key of {batch.source}.",
            "Make one with: discretion source key",
        )
    if response.status_code != httpx.codes.OK:
        raise Broken("SOWING_REFUSED", f"A batch of {batch.source} was answered {response.status_code}.")
    results: list[dict[str, Any]] = orjson.loads(response.content)["results"]
    if len(results) != len(batch.items):
        raise Broken("SOWING_REFUSED", f"{len(batch.items)} messages got {len(results)} results.")
    return results


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds the server asks for (RFC 9110, section 10.2.3); dates are left aside."""
    given = response.headers.get("retry-after", "")
    return float(given) if given.isascii() and given.isdigit() else None
