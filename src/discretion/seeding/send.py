"""Sending of messages through Segment's HTTP API, with the write keys of the sources."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import httpx
import orjson

from discretion.errors import Broken, Misconfigured, Unavailable
from discretion.seeding.message import SeedMessage

MAX_ITEMS = 500
MAX_BYTES = 480_000
"""Segment's API accepts 500 KB per request; the rest is room for the enclosing JSON."""
CONCURRENCY = 3
MAX_ATTEMPTS = 8
RETRY_MIN_S = 0.25
RETRY_MAX_S = 30.0

_RETRY_STATUSES = frozenset({429, 502, 503, 504})
_OPEN, _SEPARATOR, _CLOSE = b'{"batch":[', b",", b"]}"


@dataclass(frozen=True, slots=True)
class SeedingProgress:
    """The outcomes of the messages sent so far; ``reasons`` counts refusals by code and place."""

    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """The number of messages with an outcome."""
        return self.accepted + self.duplicate + self.refused


@dataclass(frozen=True, slots=True)
class SeedBatch:
    """Messages of one source, encoded, within the limits of one request."""

    source: str
    items: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        """The body of the request."""
        return _OPEN + _SEPARATOR.join(self.items) + _CLOSE


SeedRound = tuple[SeedBatch, ...]
"""Batches with all messages of some people. No person is in two rounds, so they can be sent concurrently."""


async def send_seed_messages(
    url: str,
    write_keys: Mapping[str, str],
    messages: Iterable[SeedMessage],
    progress: Callable[[SeedingProgress], None],
    *,
    concurrency: int = CONCURRENCY,
    transport: httpx.AsyncBaseTransport | None = None,
) -> SeedingProgress:
    """Send ``messages`` to the platform at ``url`` and return their outcomes.

    ``write_keys`` maps sources to keys. ``progress`` is called after every request. Sending the same messages
    again changes nothing.

    Raises:
        Misconfigured: ``WRITE_KEY_REFUSED``.
        Unavailable: ``SOWING_UNANSWERED``.
        Broken: ``SOWING_REFUSED`` for a whole batch.
    """
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()

    def current_progress() -> SeedingProgress:
        return SeedingProgress(counts["accepted"], counts["duplicate"], counts["refused"], dict(reasons))

    async def send_rounds(client: httpx.AsyncClient) -> None:
        while True:
            # An async generator may be advanced by one task at a time.
            async with round_lock:
                batches = await anext(pending_rounds, None)
            if batches is None:
                return
            for batch in batches:
                for result in await _post_batch(client, batch, write_keys[batch.source]):
                    counts[str(result["status"])] += 1
                    if result["status"] == "refused":
                        reasons[f"{result.get('code', '')} {result.get('place', '')}".strip()] += 1
                progress(current_progress())

    pending_rounds, round_lock = _generate_rounds(group_rounds(messages)), asyncio.Lock()
    client = httpx.AsyncClient(base_url=url, timeout=60, trust_env=False, transport=transport)
    try:
        async with client, asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(send_rounds(client))
    except ExceptionGroup as group_error:
        raise group_error.exceptions[0] from None
    return current_progress()


def group_rounds(messages: Iterable[SeedMessage]) -> Iterator[SeedRound]:
    """Group the messages of whole people, as many as fit into one batch for each source.

    A person whose messages do not fit gets a round with several batches.
    """
    pending: dict[str, list[bytes]] = {}
    for _, person_messages in itertools.groupby(messages, key=lambda message: message.person_id):
        encoded_by_source: dict[str, list[bytes]] = {}
        for message in person_messages:
            encoded_by_source.setdefault(message.source, []).append(orjson.dumps(message.body))
        if pending and any(
            not _fits([*pending.get(source, ()), *items]) for source, items in encoded_by_source.items()
        ):
            yield _build_batches(pending)
            pending = {}
        for source, items in encoded_by_source.items():
            pending.setdefault(source, []).extend(items)
    if pending:
        yield _build_batches(pending)


def _build_batches(pending: Mapping[str, list[bytes]]) -> SeedRound:
    batches: list[SeedBatch] = []
    for source, items in pending.items():
        start = 0
        while start < len(items):
            end = start + 1
            while end < len(items) and _fits(items[start : end + 1]):
                end += 1
            batches.append(SeedBatch(source, tuple(items[start:end])))
            start = end
    return tuple(batches)


def _fits(items: list[bytes]) -> bool:
    size = sum(map(len, items)) + len(items) + len(_OPEN) + len(_CLOSE)
    return len(items) <= MAX_ITEMS and size <= MAX_BYTES


async def _generate_rounds(rounds: Iterator[SeedRound]) -> AsyncIterator[SeedRound]:
    """Yield rounds that are generated in a thread, because generating blocks for seconds."""
    while (batches := await asyncio.to_thread(next, rounds, None)) is not None:
        yield batches


async def _post_batch(client: httpx.AsyncClient, batch: SeedBatch, write_key: str) -> list[dict[str, object]]:
    pause = RETRY_MIN_S
    for attempt in range(MAX_ATTEMPTS):
        try:
            response = await client.post(
                "/v1/batch",
                content=batch.body,
                auth=(write_key, ""),
                headers={"content-type": "application/json", "prefer": "return=representation"},
            )
        except httpx.TransportError:
            # Sending the batch again is safe: messages that arrived before the
            # connection broke are duplicates by id.
            retry_after = None
        else:
            if response.status_code not in _RETRY_STATUSES:
                return _read_results(response, batch)
            retry_after = _retry_after(response)
        if attempt < MAX_ATTEMPTS - 1:
            await asyncio.sleep(min(pause if retry_after is None else retry_after, RETRY_MAX_S))
            pause *= 2
    raise Unavailable("SOWING_UNANSWERED", f"No answer from {client.base_url} after {MAX_ATTEMPTS} attempts.")


def _read_results(response: httpx.Response, batch: SeedBatch) -> list[dict[str, object]]:
    if response.status_code == httpx.codes.UNAUTHORIZED:
        raise Misconfigured(
            "WRITE_KEY_REFUSED",
            f"The platform refuses the write key of {batch.source}.",
            "Make one with: discretion source key",
        )
    if response.status_code != httpx.codes.OK:
        raise Broken("SOWING_REFUSED", f"A batch of {batch.source} got status {response.status_code}.")
    results: list[dict[str, object]] = orjson.loads(response.content)["results"]
    if len(results) != len(batch.items):
        raise Broken("SOWING_REFUSED", f"{len(batch.items)} messages got {len(results)} results.")
    return results


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds of Retry-After (RFC 9110, section 10.2.3); its form as a date is ignored."""
    header = response.headers.get("retry-after", "")
    return float(header) if header.isascii() and header.isdigit() else None
