"""The upper limit: an ASGI application without GraphQL, tokens or checks that sends the same documents."""

from __future__ import annotations

import json
import os
from typing import Any

import orjson
import uvicorn
from pymongo import AsyncMongoClient

_client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(os.environ["BENCH_MONGO_URL"])
_fields = [field for field in json.loads(os.environ["BENCH_FIELDS"]) if field != "refused"]
_people = _client[os.environ["BENCH_DATABASE"]]["people"]


async def app(_scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer a POST request like the GraphQL servers, based on its variables only."""
    variables = orjson.loads((await receive())["body"])["variables"]
    if "id" in variables:
        document = await _people.find_one({"_id": variables["id"]}, _fields)
        data: Any = {"customer": _rename_id(document or {})}
    else:
        cursor = _people.find({}, _fields, sort=[("n", 1)], limit=variables["first"])
        data = {"customers": {"nodes": [_rename_id(person) for person in await cursor.to_list(None)]}}
    body = orjson.dumps({"data": data})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _rename_id(document: dict[str, Any]) -> dict[str, Any]:
    document["id"] = document.pop("_id")
    return document


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["BENCH_PORT"]),
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
