"""Two ways in for the same batches: our front door, and MongoDB's ``insert_many``."""

from __future__ import annotations

import base64
import itertools
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import orjson
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.write_concern import WriteConcern

from tests.bench.ingest.traffic import Batch, Message
from tests.bench.load import Load, request, send

PLAIN = "bench_plain"
DURABLE = WriteConcern("majority", j=True)
SPARE = 1.5
"""How many times what a run is expected to need is made before its time begins."""

_COUNTS = re.compile(rb'"accepted":(\d+),"duplicate":(\d+),"refused":0,"dropped":0')

T = TypeVar("T")


class Supply:
    """What one sender has to say: made as it is needed, the same for everybody who asks from the start."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self._made: list[Batch] = []

    def turn(self, ready: Callable[[Batch], T], expected: int) -> Iterator[T]:
        """The batches from the first, each made ready to be sent; ``expected`` of them beforehand."""
        told = map(ready, self._all())
        beforehand = list(itertools.islice(told, int(expected * SPARE)))
        return itertools.chain(beforehand, told)

    def _all(self) -> Iterator[Batch]:
        for number in itertools.count():
            if number == len(self._made):
                self._made.append(next(self._batches))
            yield self._made[number]


def encoded(port: int, keys: Mapping[str, str]) -> Callable[[Batch], bytes]:
    """Makes a batch a request of our tracking API."""
    credentials = {
        source: "Basic " + base64.b64encode(f"{key}:".encode()).decode() for source, key in keys.items()
    }

    def ready(batch: Batch) -> bytes:
        body = orjson.dumps({"batch": batch.messages})
        return request(port, "/v1/batch", body, credentials[batch.source])

    return ready


def ours(port: int, turns: Sequence[Iterator[bytes]], seconds: float, size: int) -> Load:
    """Send until the time is over.

    Raises:
        RuntimeError: not all ``size`` messages of a batch were accepted, or are there from its first sending.
    """

    def wrong(answer: bytearray, again: bool) -> bool:
        found = _COUNTS.search(answer)
        accepted, duplicate = map(int, found.groups()) if found else (0, 0)
        return accepted + duplicate != size or (duplicate > 0 and not again)

    return send(port, turns, seconds, wrong)


def documents(batch: Batch) -> list[Message]:
    """Makes a batch plain documents, each message known by its id."""
    return [
        {"_id": f"{batch.source}:{one['messageId']}", "source": batch.source, **one} for one in batch.messages
    ]


def plain(url: str, turns: Sequence[Iterable[list[Message]]], seconds: float) -> Load:
    """Insert until the time is over, a thread for each of ``turns``; durable as ours are."""
    with MongoClient[dict[str, Any]](url) as client, ThreadPoolExecutor(len(turns)) as pool:
        client.drop_database(PLAIN)
        collection = client[PLAIN].get_collection("messages", write_concern=DURABLE)
        collection.insert_one({"_id": ""})  # makes the collection, before the time begins
        started = time.perf_counter()
        working = [pool.submit(_insert, collection, turn, started + seconds) for turn in turns]
        latencies = sorted(latency for one in working for latency in one.result())
        took = time.perf_counter() - started
        client.drop_database(PLAIN)
    return Load(took, tuple(latencies))


def _insert(
    collection: Collection[dict[str, Any]], turn: Iterable[list[Message]], until: float
) -> list[float]:
    latencies = []
    for batch in turn:
        began = time.perf_counter()
        collection.insert_many(batch, ordered=False)
        now = time.perf_counter()
        latencies.append(now - began)
        if now >= until:
            break
    return latencies
