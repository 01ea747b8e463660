"""The same people for everybody: sown into Discretion, and copied from its answers for the others."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from graphql import GraphQLObjectType, get_named_type, is_object_type
from pymongo import AsyncMongoClient

from discretion.app import Platform, platform
from discretion.app.clock import now_ms
from discretion.catalogue.model import Catalogue, Form
from discretion.edge.graphql.schema_builder import build_schema
from discretion.seeding.send import sow
from discretion.seeding.tpcds import shoppers
from discretion.serve import listen, serving
from discretion.settings import Settings
from discretion.store.embedded import mongo_server as embedded
from tests.bench.query.operation import ATTRIBUTES, PURPOSE

ROOT = bytes(range(32))
PLAIN = "bench_plain"
PAGE = 100


@dataclass(frozen=True, slots=True)
class Data:
    """What the servers are told, and what they are asked with."""

    environ: dict[str, str]
    token: str
    ids: tuple[str, ...]
    mongod: int


@asynccontextmanager
async def prepared(folder: Path, customers: int, progress: Callable[[int, int], None]) -> AsyncIterator[Data]:
    """MongoDB with everybody in it twice: as Discretion keeps them, and plain."""
    async with embedded.running(folder / "mongo") as mongo:
        settings = replace(Settings(), data_dir=folder, mongo_url=mongo.url, root_key=ROOT)
        listening = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with platform(settings) as ours, serving(ours.app, listening):
            await _sow(ours, url, customers, progress)
            token = ours.issuer.issue("bench", "bench", (), (PURPOSE,), lifetime_s=24 * 3600)
            people, jwk = await _answers(url, token, ours.catalogue), await _jwk(url)
        await _copy(mongo.url, people)
        environ = {
            "DISCRETION_MONGO_URL": mongo.url,
            "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT).decode(),
            "DISCRETION_DATA_DIR": str(folder),
            "BENCH_MONGO_URL": mongo.url,
            "BENCH_DATABASE": PLAIN,
            "BENCH_FIELDS": json.dumps(["refused", *ATTRIBUTES]),
            "BENCH_POLICY": json.dumps(policy(ours.catalogue)),
            "BENCH_JWK": json.dumps(jwk),
        }
        yield Data(environ, token, tuple(one["id"] for one in people), mongo.pid)


def policy(catalogue: Catalogue) -> dict[str, list[str]]:
    """The purposes for which each attribute is shown, as the catalogue has them."""
    attributes = {one.path: one for one in catalogue.attributes.values()}
    return {
        path: [use.purpose.key for use in attributes[path].uses if use.form is Form.CLEAR]
        for path in ATTRIBUTES
    }


async def _jwk(url: str) -> dict[str, str]:
    async with httpx.AsyncClient(base_url=url) as http:
        (jwk,) = (await http.get("/.well-known/jwks.json")).json()["keys"]
    return dict(jwk)


async def _sow(ours: Platform, url: str, customers: int, progress: Callable[[int, int], None]) -> None:
    keys = {one: await ours.write_keys.issue(one) for one in ours.catalogue.sources}
    made = list(shoppers(customers, now_ms()))
    sown = await sow(url, keys, made, lambda so_far: progress(so_far.total, len(made)))
    if sown.refused:
        raise RuntimeError(f"messages were refused: {dict(sown.reasons)}")


def _everything(kind: GraphQLObjectType) -> str:
    """A selection of all that is known of a customer; what takes arguments is no attribute."""
    chosen = []
    for name, one in kind.fields.items():
        inner = get_named_type(one.type)
        if not one.args:
            chosen.append(f"{name} {_everything(inner)}" if is_object_type(inner) else name)
    return "{ " + " ".join(chosen) + " }"


async def _answers(url: str, token: str, catalogue: Catalogue) -> list[dict[str, Any]]:
    """Everybody, page by page, as Discretion shows them."""
    customer: Any = build_schema(catalogue)._schema.type_map["Customer"]
    paged = (
        f"query($after: String) {{ customers(first: {PAGE}, after: $after) {{ "
        f"pageInfo {{ hasNextPage endCursor }} nodes {_everything(customer)} }} }}"
    )
    people: list[dict[str, Any]] = []
    after = None
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        while True:
            response = await http.post(
                "/graphql",
                json={"query": paged, "variables": {"after": after}},
                headers={"authorization": f"Bearer {token}"},
            )
            page = response.json()["data"]["customers"]
            people += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return people
            after = page["pageInfo"]["endCursor"]


async def _copy(url: str, people: list[dict[str, Any]]) -> None:
    """Plain documents of what was answered, in its order."""
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        await client.drop_database(PLAIN)
        collection = client[PLAIN]["people"]
        await collection.insert_many(
            [
                {"_id": one["id"], "n": number, "refused": [], **{k: v for k, v in one.items() if k != "id"}}
                for number, one in enumerate(people)
            ]
        )
        await collection.create_index("n")
