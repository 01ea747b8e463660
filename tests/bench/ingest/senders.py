"""Two ways to store the same batches: Discretion's tracking API and MongoDB's ``insert_many``."""

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
from tests.bench.load import LoadResult, encode_post, run_load

PLAIN_DATABASE = "bench_plain"
DURABLE_WRITE = WriteConcern("majority", j=True)
PREPARED_FACTOR = 1.5
"""How many times the expected number of batches is prepared before the measured time begins."""

_COUNTS_PATTERN = re.compile(rb'"accepted":(\d+),"duplicate":(\d+),"refused":0,"dropped":0')

T = TypeVar("T")


class BatchSupply:
    """The batches of one sender, generated on demand. Each stream starts with the same batches."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self._generated: list[Batch] = []

    def start_stream(self, prepare: Callable[[Batch], T], expected: int) -> Iterator[T]:
        """Return the prepared batches from the first one on; ``expected`` or more are prepared in advance."""
        prepared_batches = map(prepare, self._iterate_batches())
        first_batches = list(itertools.islice(prepared_batches, int(expected * PREPARED_FACTOR)))
        return itertools.chain(first_batches, prepared_batches)

    def _iterate_batches(self) -> Iterator[Batch]:
        for number in itertools.count():
            if number == len(self._generated):
                self._generated.append(next(self._batches))
            yield self._generated[number]


def build_encoder(port: int, keys: Mapping[str, str]) -> Callable[[Batch], bytes]:
    """Return a function that encodes a batch as a request of the tracking API."""
    credentials = {
        source: "Basic " + base64.b64encode(f"{key}:".encode()).decode() for source, key in keys.items()
    }

    def encode_batch(batch: Batch) -> bytes:
        body = orjson.dumps({"batch": batch.messages})
        return encode_post(port, "/v1/batch", body, credentials[batch.source])

    return encode_batch


def send_to_discretion(
    port: int, request_streams: Sequence[Iterator[bytes]], seconds: float, size: int
) -> LoadResult:
    """Send requests to Discretion until the time is over.

    Raises:
        RuntimeError: of the ``size`` messages of a batch, some were neither accepted nor duplicates of
            an earlier attempt to send the same batch.
    """

    def is_wrong(answer: bytearray, is_repeated: bool) -> bool:
        counts = _COUNTS_PATTERN.search(answer)
        accepted, duplicate = map(int, counts.groups()) if counts else (0, 0)
        return accepted + duplicate != size or (duplicate > 0 and not is_repeated)

    return run_load(port, request_streams, seconds, is_wrong)


def build_documents(batch: Batch) -> list[Message]:
    """Return the plain documents of a batch, identified by source and message id."""
    return [
        {"_id": f"{batch.source}:{message['messageId']}", "source": batch.source, **message}
        for message in batch.messages
    ]


def insert_plain(url: str, document_streams: Sequence[Iterable[list[Message]]], seconds: float) -> LoadResult:
    """Insert documents until the time is over, with one thread per stream and Discretion's durability."""
    with MongoClient[dict[str, Any]](url) as client, ThreadPoolExecutor(len(document_streams)) as pool:
        client.drop_database(PLAIN_DATABASE)
        collection = client[PLAIN_DATABASE].get_collection("messages", write_concern=DURABLE_WRITE)
        collection.insert_one({"_id": ""})  # creates the collection before the measured time begins
        started = time.perf_counter()
        workers = [
            pool.submit(_insert_stream, collection, stream, started + seconds) for stream in document_streams
        ]
        latencies = sorted(latency for worker in workers for latency in worker.result())
        elapsed_s = time.perf_counter() - started
        client.drop_database(PLAIN_DATABASE)
    return LoadResult(elapsed_s, tuple(latencies))


def _insert_stream(
    collection: Collection[dict[str, Any]], stream: Iterable[list[Message]], deadline: float
) -> list[float]:
    latencies = []
    for batch in stream:
        started_at = time.perf_counter()
        collection.insert_many(batch, ordered=False)
        now = time.perf_counter()
        latencies.append(now - started_at)
        if now >= deadline:
            break
    return latencies
