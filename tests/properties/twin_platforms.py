"""Two houses on twin databases, asked the same and compared byte for byte."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from pymongo import AsyncMongoClient

from discretion.app import Platform, assemble
from discretion.catalogue.model import DEMANDED, Catalogue, Form
from discretion.demo.roles import CUSTOMER_CLIENT
from discretion.law.load import load as load_law
from discretion.reveal.revealer import CUSTOMER_KIND, Revealer
from discretion.seal.blind_index import BlindIndex
from discretion.seal.key_files import derive
from discretion.seeding.cast import cast
from discretion.settings import Settings
from discretion.store.driver.database import Database, connect
from discretion.store.schema.apply import prepare
from discretion.token.grant import SELF
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import ROOT, open_house
from tests.properties.queries import Asked, World
from tests.properties.twin_databases import Asker, Document, Values, Withheld, bits

KEPT = {"_id", "allow", "until", "later", "rules", "kinds", "key", "merged", "merged.id"}
"""Fields of a customer document that hold no attribute."""
GRETA = "greta.albrecht@post.example"
"""The e-mail address of the customer who asks about herself."""
UNREADABLE = "no such thing"
"""What no date, time or amount looks like."""


@dataclass(frozen=True)
class Base:
    """A database with people in it, from which twins are made."""

    mongo_url: str
    name: str
    folder: Path
    catalogue: Catalogue
    now: int
    database: Database
    revealer: Revealer


@dataclass(frozen=True)
class Pair:
    """Two houses that one asker must not be able to tell apart."""

    asker: Asker
    left: httpx.AsyncClient
    right: httpx.AsyncClient
    commands: Commands
    token: str
    world: World
    changed: int
    met: dict[str, bool]
    """What was asked so far, and whether there were errors."""

    async def differs(self, asked: Asked) -> str | None:
        """How the twins' answers differ, or what MongoDB was asked for that it must not be; else None."""
        for _ in range(3):
            self.commands.clear()
            one, two = [await self._ask(house, asked) for house in (self.left, self.right)]
            self.met[f"{self.asker.name} {asked}"] = "errors" in one.json()
            if comparable(one) != comparable(two):
                return _first_difference(comparable(one), comparable(two))
            if unjustified := beyond(self.asker, self.world.catalogue, self.commands.sent):
                return f"MongoDB was asked for {sorted(unjustified)}"
            cursor = _end(one.json())
            if cursor is None:
                return None
            asked = asked.after(cursor)
        return None

    async def answer(self, asked: Asked) -> dict[str, Any]:
        """What one of the houses says; both, so that they stay alike."""
        one, _ = [await self._ask(house, asked) for house in (self.left, self.right)]
        answer: dict[str, Any] = one.json()
        return answer

    async def _ask(self, house: httpx.AsyncClient, asked: Asked) -> httpx.Response:
        headers = {
            "authorization": f"Bearer {self.token}",
            "accept": "application/graphql-response+json",
        }
        return await house.post(
            "/graphql", json={"query": asked.text, "variables": asked.variables}, headers=headers
        )


def comparable(response: httpx.Response) -> str:
    """Everything of a response, in its order; only errors have none, for roots run side by side."""
    answer = response.json()
    for error in answer.get("errors", ()):
        error["extensions"].pop("correlation", None)
    errors = sorted(json.dumps(error) for error in answer.pop("errors", ()))
    return f"{response.status_code} {list(response.headers.items())} {json.dumps(answer)} {errors}"


def _first_difference(one: str, two: str) -> str:
    at = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    start = max(at - 80, 0)
    return f"...{one[start : at + 80]}...\n...{two[start : at + 80]}..."


def beyond(asker: Asker, catalogue: Catalogue, sent: list[Document]) -> set[str]:
    """What commands on customers name that nothing could justify for the asker."""
    may = KEPT | {
        f"{part}.{one.key}" for one in catalogue.attributes.values() if asker.askable(one) for part in "sot"
    }
    may |= {
        f"kinds.{kind}" for one in catalogue.attributes.values() if asker.askable(one) for kind in one.kinds
    }
    # What somebody denies is theirs to see, and anybody else's only for what the law demands.
    may |= {
        f"contested.{one.key}"
        for one in catalogue.attributes.values()
        if asker.askable(one)
        and all(use.purpose.basis in DEMANDED for use in asker.justified(one.category, one.uses))
    }
    may |= {f"p.{one.key}" for one in catalogue.attributes.values() if asker.askable(one, Form.CLEAR)}
    named: set[str] = set()
    for command in sent:
        if command.get("find", command.get("aggregate", command.get("count"))) != "customers":
            continue
        if "find" in command:
            named |= set(command.get("projection") or {"the whole document"})
        named |= set(_fields([command.get(part) or {} for part in ("filter", "query", "sort", "pipeline")]))
    return named - may


def _fields(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, inner in part.items():
            if not name.startswith("$") and name not in {"n", "count"}:
                yield name
            if name != "$group":
                yield from _fields(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _fields(inner)


def _end(response: dict[str, Any]) -> str | None:
    """Where the first connection of an answer that goes on ends."""
    for root in (response.get("data") or {}).values():
        page = root.get("pageInfo") if isinstance(root, dict) else None
        if page and page["hasNextPage"]:
            return str(page["endCursor"])
    return None


class Chance:
    """Entropy that is the same in both houses."""

    def __init__(self) -> None:
        self._drawn = 0

    def __call__(self, size: int) -> bytes:
        """The next bytes."""
        self._drawn += 1
        return hashlib.shake_128(self._drawn.to_bytes(8)).digest(size)


@asynccontextmanager
async def people(mongo_url: str, folder: Path, now: int) -> AsyncIterator[Base]:
    """The cast, told through the front door; some of what is known of them is long past its retention."""
    async with open_house(mongo_url, folder) as house:
        for message in cast(now):
            await house.tell(message.source, dict(message.body))
        catalogue, database = house.platform.catalogue, house.platform.database
        for doc in await database.find("customers", {}):
            key = house.platform.conductor.revealer.buckets.unwrap(doc["_id"], doc["key"])
            held = Values(doc, key)
            for attribute in catalogue.attributes.values():
                value, _ = held.get(attribute)
                if (
                    value is not None
                    and hashlib.sha256(doc["_id"] + attribute.key.encode()).digest()[0] % 6 == 0
                ):
                    held.set(attribute, value, 1_000_000)
            await database.replace_one("customers", {"_id": doc["_id"]}, held.doc)
        yield Base(
            mongo_url, database.name, folder, catalogue, now, database, house.platform.conductor.revealer
        )


@asynccontextmanager
async def twins(
    base: Base,
    asker: Asker,
    *,
    own: str | None = None,
    alike: bool = False,
    right: Callable[..., Platform] = assemble,
) -> AsyncIterator[Pair]:
    """Two houses for an asker; ``own`` is the e-mail address of the customer they are.

    If the databases are ``alike``, the houses may differ: ``right`` builds the second one.
    """
    client: AsyncMongoClient[Document] = AsyncMongoClient(base.mongo_url)
    commands, names = Commands(), [f"twin_{secrets.token_hex(6)}" for _ in range(2)]
    databases = [
        await connect(base.mongo_url, name, "pymongo", [listener])
        for name, listener in zip(names, (commands, Commands()), strict=True)
    ]
    settings = replace(Settings(), data_dir=base.folder, buckets=64)
    lawbook = load_law(None, base.catalogue)
    houses = [
        build(settings, base.catalogue, lawbook, database, ROOT, None, lambda: base.now, Chance())
        for build, database in zip((assemble, right), databases, strict=True)
    ]
    revealer = houses[0].conductor.revealer
    try:
        source = client[base.name]
        if own is not None:
            entry = await source["identifiers"].find_one({"type": "email", "_id": _blind(own)})
            assert entry is not None
            asker = replace(asker, own=entry["customer"])
        maker = Withheld(base.catalogue, revealer, asker, base.now)
        docs = [
            await _copy(source, client[names[0]]),
            await _copy(source, client[names[1]], None if alike else maker),
        ]
        for database in databases:
            await prepare(database, [one.key for one in base.catalogue.attributes.values() if one.ordered])
        values = {
            one.path: tuple(
                {v for half in docs for doc in half if (v := doc["o"].get(one.key)) not in {None, UNREADABLE}}
            )
            for one in base.catalogue.attributes.values()
            if not one.sealed and not one.many
        }
        name = revealer.pairwise.shut
        ids = tuple(name(asker.client, CUSTOMER_KIND, doc["_id"]) for doc in docs[0])
        subject = name(asker.client, CUSTOMER_KIND, asker.own) if asker.own else "staff@shop.example"
        grant = (asker.client, subject, (), asker.purposes, asker.categories)
        token, same = [house.issuer.issue(*grant) for house in houses]
        assert token == same
        world = World(base.catalogue, ids, EMAILS, {k: tuple(sorted(v, key=str)) for k, v in values.items()})
        async with _knock(houses[0]) as one, _knock(houses[1]) as two:
            yield Pair(asker, one, two, commands, token, world, maker.changed, {})
    finally:
        for database in databases:
            await client.drop_database(database.name)
            await database.close()
        await client.close()


EMAILS = (
    "greta.albrecht@post.example",
    "lotte.albrecht@post.example",
    "amara.okafor@inbox.example",
    "nobody@post.example",
)


def _blind(email: str) -> bytes:
    return BlindIndex(derive(ROOT, "blind")).of("email", email)


def _knock(house: Platform) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=house.app, raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url="http://house.example")


async def _copy(source: Any, target: Any, maker: Withheld | None = None) -> list[Document]:
    """Copy a database; with a ``maker``, all that the asker may not see becomes something else."""
    before = await source["customers"].find().to_list()
    customers = [maker.customer(doc) for doc in before] if maker else before
    events = await source["events"].find().to_list()
    identifiers = await source["identifiers"].find().to_list()
    if maker:
        allow = {doc["_id"]: bits(doc, maker.now) for doc in before}
        events = [one for event in events if (one := maker.event(event, allow[event["customer"]]))]
        hidden = {(doc["_id"], kind) for doc in before for kind in maker.hidden_identifiers(doc)}
        identifiers = [one for one in identifiers if (one["customer"], one["type"]) not in hidden]
    await target["customers"].insert_many(customers)
    for name, found in (("events", events), ("identifiers", identifiers)):
        if found:
            await target[name].insert_many(found)
    return customers


ASKERS = (
    Asker("frontend", "shop", ("functional.service", "personalize.content")),
    Asker("support", "desk", ("essential.service.operations.support",)),
    Asker("marketing", "mail", ("marketing.communications.email", "marketing.advertising.first_party")),
    Asker("analytics", "reports", ("analytics.reporting",)),
    Asker("partner", "ads", ("marketing.advertising.third_party.targeted",)),
    Asker("customer", CUSTOMER_CLIENT, (SELF,)),
    Asker("contact only", "letters", ("marketing", "essential.service"), ("user.contact", "user.name")),
)
