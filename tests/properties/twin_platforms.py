"""Two platforms on twin databases that receive the same queries and are compared byte for byte."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from pymongo import AsyncMongoClient

from discretion.app import Platform, build_platform
from discretion.catalogue.model import NON_REFUSABLE_BASES, Catalogue, Form
from discretion.demo.roles import CUSTOMER_CLIENT, SHOWN_ACCOUNT
from discretion.plan.customer_members import FORMER, FORMER_ID, KINDS, WRAPPED_KEY
from discretion.plan.permission_window import WINDOW_FIELDS
from discretion.reveal.revealer import CUSTOMER_ID_KIND, Revealer
from discretion.seal.blind_index import BlindIndex
from discretion.seal.key_files import derive_key
from discretion.seeding.cast import generate_cast_messages
from discretion.settings import Settings
from discretion.store.document import Document, MutableDocument
from discretion.store.driver.connection import connect_database
from discretion.store.driver.database import Database
from discretion.store.events import CUSTOMER
from discretion.store.schema.apply import apply_schema
from discretion.store.source_records import NAMING_MEMBERS
from discretion.token.command import DEFAULT_LOGIN_TYPE
from discretion.token.grant import SELF
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import ROOT_KEY, load_test_configuration, open_platform
from tests.properties.queries import GeneratedQuery, QuerySpace
from tests.properties.twin_databases import (
    ACCOUNT_ADDRESSES,
    CustomerValues,
    TokenHolder,
    TwinMaker,
    read_permitted_bits,
)

PLAIN_FIELDS = {"_id", *WINDOW_FIELDS, KINDS, WRAPPED_KEY, FORMER, f"{FORMER}.{FORMER_ID}"}
"""Fields of a customer document that hold no attribute."""
GRETA = "greta.albrecht@post.example"
"""The e-mail address of the customer who queries her own data."""
UNREADABLE = "no such thing"
"""A text that is no date, time or amount."""


@dataclass(frozen=True)
class BaseDatabase:
    """A database with customers, from which twins are made."""

    mongo_url: str
    name: str
    folder: Path
    catalogue: Catalogue
    now: int
    database: Database
    revealer: Revealer


@dataclass(frozen=True)
class TwinPair:
    """Two platforms that one token holder must not be able to distinguish."""

    holder: TokenHolder
    left: httpx.AsyncClient
    right: httpx.AsyncClient
    commands: CommandRecorder
    token: str
    query_space: QuerySpace
    changed: int
    compared: dict[str, bool]
    """The queries compared so far, and whether they had errors."""

    async def find_difference(self, query: GeneratedQuery) -> str | None:
        """Return how the answers differ, or which fields were queried without justification; else None."""
        for _ in range(3):
            self.commands.clear()
            first, second = [await self._send(platform, query) for platform in (self.left, self.right)]
            self.compared[f"{self.holder.name} {query}"] = "errors" in first.json()
            if format_comparable(first) != format_comparable(second):
                return _find_first_difference(format_comparable(first), format_comparable(second))
            if unjustified := list_unjustified_fields(
                self.holder, self.query_space.catalogue, self.commands.sent
            ):
                return f"MongoDB was queried for {sorted(unjustified)}"
            cursor = _find_end_cursor(first.json())
            if cursor is None:
                return None
            query = query.for_next_page(cursor)
        return None

    async def run_on_both(self, query: GeneratedQuery) -> dict[str, Any]:
        """Run a query on both platforms, so that they stay equal; return the answer of the first."""
        response, _ = [await self._send(platform, query) for platform in (self.left, self.right)]
        answer: dict[str, Any] = response.json()
        return answer

    async def _send(self, platform: httpx.AsyncClient, query: GeneratedQuery) -> httpx.Response:
        headers = {
            "authorization": f"Bearer {self.token}",
            "accept": "application/graphql-response+json",
        }
        return await platform.post(
            "/graphql", json={"query": query.text, "variables": query.variables}, headers=headers
        )


def format_comparable(response: httpx.Response) -> str:
    """Return all parts of a response in order; errors are sorted, since root fields run concurrently."""
    answer = response.json()
    for error in answer.get("errors", ()):
        error["extensions"].pop("correlation", None)
    errors = sorted(json.dumps(error) for error in answer.pop("errors", ()))
    return f"{response.status_code} {list(response.headers.items())} {json.dumps(answer)} {errors}"


def _find_first_difference(first: str, second: str) -> str:
    position = next(
        (index for index, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
        min(len(first), len(second)),
    )
    start = max(position - 80, 0)
    return f"...{first[start : position + 80]}...\n...{second[start : position + 80]}..."


def list_unjustified_fields(
    holder: TokenHolder, catalogue: Catalogue, sent: list[MutableDocument]
) -> set[str]:
    """Return the fields in commands on customers that no use justifies for the holder."""
    allowed = PLAIN_FIELDS | {
        f"{attribute.number}{time}"
        for attribute in catalogue.attributes.values()
        if holder.may_query(attribute)
        for time in ("", "t")
    }
    allowed |= {
        f"n.{kind}"
        for attribute in catalogue.attributes.values()
        if holder.may_query(attribute)
        for kind in attribute.kinds
    }
    # A customer sees their own contested values; other clients see them only for purposes the law requires.
    contested_fields = {
        f"c.{attribute.key}"
        for attribute in catalogue.attributes.values()
        if holder.may_query(attribute)
        and all(
            use.purpose.basis in NON_REFUSABLE_BASES
            for use in holder.list_justified_uses(attribute.category, attribute.uses)
        )
    }
    allowed |= contested_fields | ({"q"} if contested_fields else set())
    allowed |= {
        f"h.{attribute.key}"
        for attribute in catalogue.attributes.values()
        for use in holder.list_justified_uses(attribute.category, attribute.uses)
        if ACCOUNT_ADDRESSES.get(attribute.path) == use.purpose.key
    }
    allowed |= {
        f"p.{attribute.key}"
        for attribute in catalogue.attributes.values()
        if holder.may_query(attribute, Form.CLEAR)
    }
    named_fields: set[str] = set()
    for command in sent:
        if command.get("find", command.get("aggregate", command.get("count"))) != "customers":
            continue
        if "find" in command:
            named_fields |= set(command.get("projection") or {"the whole document"})
        named_fields |= set(
            _list_fields([command.get(part) or {} for part in ("filter", "query", "sort", "pipeline")])
        )
    return named_fields - allowed


def _list_fields(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, inner in part.items():
            if not name.startswith("$") and name not in {"n", "count"}:
                yield name
            if name != "$group":
                yield from _list_fields(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _list_fields(inner)


def _find_end_cursor(response: dict[str, Any]) -> str | None:
    """Return the end cursor of the first connection that has a next page."""
    for root in (response.get("data") or {}).values():
        page = root.get("pageInfo") if isinstance(root, dict) else None
        if page and page["hasNextPage"]:
            return str(page["endCursor"])
    return None


class EqualEntropy:
    """A source of bytes that is the same in both platforms."""

    def __init__(self) -> None:
        self._drawn = 0

    def __call__(self, size: int) -> bytes:
        """Return the next bytes."""
        self._drawn += 1
        return hashlib.shake_128(self._drawn.to_bytes(8)).digest(size)


@asynccontextmanager
async def open_base(mongo_url: str, folder: Path, now: int) -> AsyncIterator[BaseDatabase]:
    """Open a database with the demo customers, sent through the API; some values are past their retention."""
    async with open_platform(mongo_url, folder) as platform:
        for message in generate_cast_messages(now):
            await platform.send_messages(message.source, dict(message.body))
        catalogue, database = platform.internals.catalogue, platform.internals.database
        for doc in await database.find("customers", {}):
            key = platform.internals.discloser.revealer.buckets.unwrap(doc["_id"], doc[WRAPPED_KEY])
            values = CustomerValues(doc, key)
            for attribute in catalogue.attributes.values():
                value, _ = values.get(attribute)
                if (
                    value is not None
                    and hashlib.sha256(doc["_id"] + attribute.key.encode()).digest()[0] % 6 == 0
                ):
                    values.set(attribute, value, 1_000_000)
            await database.replace_one("customers", {"_id": doc["_id"]}, values.doc)
        yield BaseDatabase(
            mongo_url, database.name, folder, catalogue, now, database, platform.internals.discloser.revealer
        )


@asynccontextmanager
async def open_twins(
    base: BaseDatabase,
    holder: TokenHolder,
    *,
    own_email: str | None = None,
    same_data: bool = False,
    build_right: Callable[..., Platform] = build_platform,
) -> AsyncIterator[TwinPair]:
    """Open two platforms for a token holder; ``own_email`` is the address of the customer they belong to.

    With ``same_data`` both databases are equal, and ``build_right`` builds a platform that may differ.
    """
    client: AsyncMongoClient[MutableDocument] = AsyncMongoClient(base.mongo_url)
    commands, names = CommandRecorder(), [f"twin_{secrets.token_hex(6)}" for _ in range(2)]
    databases = [
        await connect_database(base.mongo_url, name, "pymongo", [listener])
        for name, listener in zip(names, (commands, CommandRecorder()), strict=True)
    ]
    settings = replace(Settings(), data_dir=base.folder, buckets=64)
    configuration = load_test_configuration(base.catalogue)
    platforms = [
        build(settings, configuration, database, ROOT_KEY, None, lambda: base.now, EqualEntropy())
        for build, database in zip((build_platform, build_right), databases, strict=True)
    ]
    revealer = platforms[0].discloser.revealer
    try:
        source = client[base.name]
        if own_email is not None:
            entry = await source["identifiers"].find_one({"type": "email", "_id": _index_email(own_email)})
            assert entry is not None
            record = await source["source_records"].find_one({"_id": _list_naming_records(entry)[0]})
            assert record is not None
            holder = replace(holder, own_customer=record["c"])
        maker = TwinMaker(base.catalogue, revealer, holder, base.now)
        docs = [
            await _copy_database(source, client[names[0]]),
            await _copy_database(source, client[names[1]], None if same_data else maker),
        ]
        for database in databases:
            await apply_schema(
                database,
                [attribute.key for attribute in base.catalogue.indexed_attributes],
            )
        encode_id = revealer.pairwise.encode
        ids = tuple(encode_id(holder.client, CUSTOMER_ID_KIND, doc["_id"]) for doc in docs[0])
        subject = "staff@shop.example" if holder.own_customer is None else SHOWN_ACCOUNT
        grant = (holder.client, subject, (), holder.purposes, holder.categories)
        login_type = None if holder.own_customer is None else DEFAULT_LOGIN_TYPE
        token, right_token = [
            platform.issuer.issue_token(*grant, login_type=login_type) for platform in platforms
        ]
        assert token == right_token
        space = QuerySpace(base.catalogue, ids, EMAILS, _read_open_values(base.catalogue, docs))
        async with _open_http(platforms[0]) as left_http, _open_http(platforms[1]) as right_http:
            yield TwinPair(holder, left_http, right_http, commands, token, space, maker.changed, {})
    finally:
        for database in databases:
            await client.drop_database(database.name)
            await database.close()
        await client.close()


def _read_open_values(
    catalogue: Catalogue, databases: Sequence[Sequence[Document]]
) -> dict[str, tuple[Any, ...]]:
    """Return the values of each open attribute in several databases, sorted, by the path of the attribute."""
    documents = [document for database in databases for document in database]
    return {
        attribute.path: tuple(
            sorted({document.get(attribute.key) for document in documents} - {None, UNREADABLE}, key=str)
        )
        for attribute in catalogue.attributes.values()
        if not attribute.sealed and not attribute.many
    }


EMAILS = (
    "greta.albrecht@post.example",
    "lotte.albrecht@post.example",
    "amara.okafor@inbox.example",
    "nobody@post.example",
)


def _index_email(email: str) -> bytes:
    return BlindIndex(derive_key(ROOT_KEY, "blind")).index("email", email)


def _open_http(platform: Platform) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=platform.app, raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url="http://platform.example")


async def _copy_database(source: Any, target: Any, maker: TwinMaker | None = None) -> list[MutableDocument]:
    """Copy a database; with a ``maker``, everything that the holder may not see is changed."""
    before = await source["customers"].find().to_list()
    customers = [maker.change_customer(doc) for doc in before] if maker else before
    events = await source["events"].find().to_list()
    identifiers = await source["identifiers"].find().to_list()
    # Only what a search by identifiers reads.
    records = await source["source_records"].find({}, dict.fromkeys(NAMING_MEMBERS, 1)).to_list()
    if maker:
        allow = {doc["_id"]: read_permitted_bits(doc, maker.now) for doc in before}
        events = [
            changed for event in events if (changed := maker.change_event(event, allow[event[CUSTOMER]]))
        ]
        hidden = {(doc["_id"], kind) for doc in before for kind in maker.list_hidden_identifiers(doc)}
        for record in records:
            record["i"] = [named for named in record["i"] if (record["c"], named["k"]) not in hidden]
        customer_of = {record["_id"]: record["c"] for record in records}
        identifiers = [
            identifier
            for identifier in identifiers
            if any(
                (customer_of[record], identifier["type"]) not in hidden
                for record in _list_naming_records(identifier)
            )
        ]
    await target["customers"].insert_many(customers)
    copied = {"events": events, "identifiers": identifiers, "source_records": records}
    for name, documents in copied.items():
        if documents:
            await target[name].insert_many(documents)
    return customers


def _list_naming_records(identifier: MutableDocument) -> list[bytes]:
    return [record for name in ("records", "claims", "anonymous") for record in identifier.get(name, ())]


TOKEN_HOLDERS = (
    TokenHolder("frontend", "shop", ("functional.service", "personalize.content")),
    TokenHolder("support", "desk", ("essential.service.operations.support",)),
    TokenHolder("marketing", "mail", ("marketing.communications.email", "marketing.advertising.first_party")),
    TokenHolder("analytics", "reports", ("analytics.reporting",)),
    TokenHolder("partner", "ads", ("marketing.advertising.third_party.targeted",)),
    TokenHolder("customer", CUSTOMER_CLIENT, (SELF,)),
    TokenHolder("contact only", "letters", ("marketing", "essential.service"), ("user.contact", "user.name")),
)
