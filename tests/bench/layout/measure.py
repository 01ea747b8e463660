"""One release, measured: the sizes of its documents, and MongoDB's time for the queries of its server.

A program of its own, because it runs with the code of each release (PYTHONPATH). It prints a line of JSON
with the sizes, and then one for each line of input, with the costs of one round.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from bson import encode
from pymongo import MongoClient

from tests.bench.query.data import prepare_data
from tests.bench.query.operation import CUSTOMER_PAGE, ONE_CUSTOMER
from tests.bench.query.servers import run_compared_server
from tests.bench.servers import OURS, cpu_seconds

MEASURED_COLLECTIONS = ("customers", "source_records", "events", "disclosures")
COMMAND_MEMBERS = ("find", "filter", "projection", "sort", "limit", "singleBatch", "hint")
"""Members of a recorded command that are repeated; the others belong to its session."""


async def measure_release(customers: int, repeats: int) -> None:
    """Send customers to a server of this release, and measure a round for each line of input."""
    with tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder, contextlib.ExitStack() as stack:
        async with prepare_data(Path(folder), customers, lambda *_: None) as data:
            log = Path(folder) / "servers.log"
            server = stack.enter_context(run_compared_server(OURS, data.environ, log))
            client: MongoClient[dict[str, Any]] = stack.enter_context(
                MongoClient(data.environ["DISCRETION_MONGO_URL"])
            )
            database = client[_find_database(client)]
            recorded = {
                case: _record_commands(database, server.port, data.token, body)
                for case, body in _build_bodies(data.ids).items()
            }
            _report(_measure_sizes(database))
            for _ in sys.stdin:
                costs = {
                    case: _measure_commands(database, commands, data.mongod_pid, repeats)
                    for case, commands in recorded.items()
                }
                _report(costs)


def _report(figures: Any) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


def _find_database(client: MongoClient[dict[str, Any]]) -> str:
    names = client.list_database_names()
    return next(name for name in names if "customers" in client[name].list_collection_names())


def _build_bodies(ids: tuple[str, ...]) -> dict[str, bytes]:
    return {
        "one customer": json.dumps({"query": ONE_CUSTOMER, "variables": {"id": ids[0]}}).encode(),
        "a page of 100": json.dumps({"query": CUSTOMER_PAGE, "variables": {"first": 100}}).encode(),
    }


def _record_commands(database: Any, port: int, token: str, body: bytes) -> list[dict[str, Any]]:
    """Return the queries of customers that the server sends to answer a request."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    database.command({"profile": 0})
    database["system.profile"].drop()
    database.command({"profile": 2})
    response = httpx.post(f"http://127.0.0.1:{port}/graphql", content=body, headers=headers, timeout=60)
    database.command({"profile": 0})
    if "errors" in response.json():
        raise RuntimeError(response.text[:2000])
    commands = [entry["command"] for entry in database["system.profile"].find({"op": "query"}).sort("ts", 1)]
    return [
        {name: command[name] for name in COMMAND_MEMBERS if name in command}
        for command in commands
        if command.get("find") == "customers"
    ]


def _measure_sizes(database: Any) -> dict[str, float]:
    """Return the mean bytes of a document of each collection, and of the indexes of one customer."""
    sizes = {}
    for name in MEASURED_COLLECTIONS:
        pipeline = [{"$group": {"_id": None, "bytes": {"$avg": {"$bsonSize": "$$ROOT"}}}}]
        sizes[name] = next(iter(database[name].aggregate(pipeline)), {"bytes": 0.0})["bytes"]
    page = database["disclosures"].aggregate(
        [{"$group": {"_id": None, "bytes": {"$max": {"$bsonSize": "$$ROOT"}}}}]
    )
    sizes["largest disclosure"] = next(iter(page))["bytes"]
    statistics_of_customers = database.command({"collStats": "customers"})
    sizes["indexes of a customer"] = (
        statistics_of_customers["totalIndexSize"] / statistics_of_customers["count"]
    )
    return sizes


def _measure_commands(
    database: Any, commands: list[dict[str, Any]], mongod_pid: int, repeats: int
) -> dict[str, float]:
    """Return MongoDB's processor time in ms, the time until the answer and the bytes of the answer."""
    size = sum(
        len(encode(document))
        for command in commands
        for document in database.command(command)["cursor"]["firstBatch"]
    )
    latencies = list(_time_commands(database, commands, repeats // 10))
    cpu_before = cpu_seconds(mongod_pid)
    latencies = list(_time_commands(database, commands, repeats))
    cpu = cpu_seconds(mongod_pid) - cpu_before
    return {
        "cpu_ms": cpu * 1000 / repeats,
        "latency_ms": statistics.median(latencies) * 1000,
        "bytes": size,
        "queries": len(commands),
    }


def _time_commands(database: Any, commands: list[dict[str, Any]], repeats: int) -> Iterator[float]:
    for _ in range(repeats):
        started_at = time.perf_counter()
        for command in commands:
            database.command(command)
        yield time.perf_counter() - started_at


if __name__ == "__main__":
    asyncio.run(measure_release(int(sys.argv[1]), int(sys.argv[2])))
