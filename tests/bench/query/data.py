"""The same customers for all servers: sent to Discretion, and copied from its answers for the others."""

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

from discretion.app import Platform, open_platform
from discretion.app.clock import now_ms
from discretion.catalogue.model import Catalogue, Form
from discretion.edge.graphql.schema_builder import build_schema
from discretion.seeding.send import send_seed_messages
from discretion.seeding.tpcds import generate_customer_messages
from discretion.serve import open_listening_socket, serve_app
from discretion.settings import Settings
from discretion.store.embedded import mongo_server as embedded
from tests.bench.query.operation import ATTRIBUTES, PURPOSE

ROOT_KEY = bytes(range(32))
PLAIN_DATABASE = "bench_plain"
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class BenchmarkData:
    """The environment of the servers, and the token and customer ids of the queries."""

    environ: dict[str, str]
    token: str
    ids: tuple[str, ...]
    mongod_pid: int


@asynccontextmanager
async def prepare_data(
    folder: Path, customers: int, progress: Callable[[int, int], None]
) -> AsyncIterator[BenchmarkData]:
    """Run a MongoDB that contains the customers twice: as stored by Discretion, and as plain documents."""
    async with embedded.run_embedded_mongo(folder / "mongo") as mongo:
        settings = replace(Settings(), data_dir=folder, mongo_url=mongo.url, root_key=ROOT_KEY)
        listening = open_listening_socket("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with open_platform(settings) as platform, serve_app(platform.app, listening):
            await _send_customers(platform, url, customers, progress)
            token = platform.issuer.issue_token("bench", "bench", (), (PURPOSE,), lifetime_s=24 * 3600)
            people, jwk = await _fetch_people(url, token, platform.catalogue), await _fetch_jwk(url)
        await _insert_plain_copies(mongo.url, people)
        environ = {
            "DISCRETION_MONGO_URL": mongo.url,
            "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT_KEY).decode(),
            "DISCRETION_DATA_DIR": str(folder),
            "BENCH_MONGO_URL": mongo.url,
            "BENCH_DATABASE": PLAIN_DATABASE,
            "BENCH_FIELDS": json.dumps(["refused", *ATTRIBUTES]),
            "BENCH_POLICY": json.dumps(build_policy(platform.catalogue)),
            "BENCH_JWK": json.dumps(jwk),
        }
        yield BenchmarkData(environ, token, tuple(person["id"] for person in people), mongo.pid)


def build_policy(catalogue: Catalogue) -> dict[str, list[str]]:
    """Return the purposes for which the catalogue shows each attribute in clear."""
    attributes = {attribute.path: attribute for attribute in catalogue.attributes.values()}
    return {
        path: [use.purpose.key for use in attributes[path].uses if use.form is Form.CLEAR]
        for path in ATTRIBUTES
    }


async def _fetch_jwk(url: str) -> dict[str, str]:
    async with httpx.AsyncClient(base_url=url) as http:
        (jwk,) = (await http.get("/.well-known/jwks.json")).json()["keys"]
    return dict(jwk)


async def _send_customers(
    platform: Platform, url: str, customers: int, progress: Callable[[int, int], None]
) -> None:
    keys = {source: await platform.write_keys.issue_key(source) for source in platform.catalogue.sources}
    messages = list(generate_customer_messages(customers, now_ms()))
    result = await send_seed_messages(url, keys, messages, lambda sent: progress(sent.total, len(messages)))
    if result.refused:
        raise RuntimeError(f"messages were refused: {dict(result.reasons)}")


def _build_full_selection(object_type: GraphQLObjectType) -> str:
    """Return a selection of all attributes of a customer; a field with arguments is no attribute."""
    selections = []
    for name, field in object_type.fields.items():
        field_type = get_named_type(field.type)
        if not field.args:
            selections.append(
                f"{name} {_build_full_selection(field_type)}" if is_object_type(field_type) else name
            )
    return "{ " + " ".join(selections) + " }"


async def _fetch_people(url: str, token: str, catalogue: Catalogue) -> list[dict[str, Any]]:
    """Return all customers as Discretion answers them, read page by page."""
    customer: Any = build_schema(catalogue)._schema.type_map["Customer"]
    page_query = (
        f"query($after: String) {{ customers(first: {PAGE_SIZE}, after: $after) {{ "
        f"pageInfo {{ hasNextPage endCursor }} nodes {_build_full_selection(customer)} }} }}"
    )
    people: list[dict[str, Any]] = []
    after = None
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        while True:
            response = await http.post(
                "/graphql",
                json={"query": page_query, "variables": {"after": after}},
                headers={"authorization": f"Bearer {token}"},
            )
            page = response.json()["data"]["customers"]
            people += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return people
            after = page["pageInfo"]["endCursor"]


async def _insert_plain_copies(url: str, people: list[dict[str, Any]]) -> None:
    """Insert the answered customers as plain documents, in the order of the answers."""
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        await client.drop_database(PLAIN_DATABASE)
        collection = client[PLAIN_DATABASE]["people"]
        await collection.insert_many(
            [
                {
                    "_id": person["id"],
                    "n": number,
                    "refused": [],
                    **{key: value for key, value in person.items() if key != "id"},
                }
                for number, person in enumerate(people)
            ]
        )
        await collection.create_index("n")
