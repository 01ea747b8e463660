"""A town whose people are erased while others live on, and everything that could give them away searched for.

MongoDB writes its files uncompressed here, so that they can be searched as they are.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from discretion.domain.requests.model import Asked, Asker, Assurance, Kind
from discretion.law.jurisdiction import Right
from discretion.store.driver.database import connect
from discretion.store.embedded import mongo_server as embedded
from tests.fixtures.mongo import FAILPOINTS, Commands
from tests.fixtures.platform import House, build

UNCOMPRESSED = (
    *("--wiredTigerCollectionBlockCompressor", "none"),
    *("--wiredTigerJournalCompressor", "none"),
    *("--wiredTigerIndexPrefixCompression", "false"),
)
Told = tuple[str, dict[str, Any]]
"""A source and a message of its."""

HAPPENED = "2026-11-01T10:00:00Z"
TOGETHER = 50
"""People who are told of, or ask to be erased, at once."""

ROUNDS = 4_000


@dataclass(frozen=True)
class Person:
    """Somebody, and every value of theirs that was ever told."""

    name: str
    values: tuple[str, ...] = field(repr=False)
    messages: tuple[tuple[str, dict[str, Any]], ...] = field(repr=False)


def person(number: int) -> Person:
    """Somebody whose every value is theirs alone, and none a placeholder, as a number of noughts would be."""
    one = f"{number:06d}{secrets.token_hex(4)}"
    mail, phone = f"Mail.{one}@Shop.example", f"+4930{number + 1:06d}{number % 10_000:04d}"
    told = {
        "firstName": f"Given{one}",
        "lastName": f"Family{one}",
        "company": f"Company{one}",
        "address": {"street": f"Street {one} 12", "city": f"City{one}", "country": "DE"},
    }
    user, cookie, device, loyalty = f"user-{one}", f"cookie-{one}", f"device-{one}", f"loyalty-{one}"
    # The coupon belongs to no invoice: no law keeps it.
    order = {"order_id": f"order-{one}", "total": 12.5, "currency": "EUR", "coupon": f"coupon-{one}"}
    looked = {"product_id": f"product-{one}", "name": f"Seen{one}"}
    messages: list[tuple[str, dict[str, Any]]] = [
        ("web-shop", {"type": "page", "anonymousId": cookie, "properties": {"path": f"/path-{one}"}}),
        (
            "web-shop",
            {"type": "identify", "userId": user, "anonymousId": cookie, "traits": {**told, "email": mail}},
        ),
        ("web-shop", {"type": "track", "userId": user, "event": "Product Viewed", "properties": looked}),
        ("web-shop", {"type": "track", "userId": user, "event": "Order Completed", "properties": order}),
        ("ios-app", {"type": "identify", "anonymousId": device, "traits": {"email": mail, "phone": phone}}),
        ("tills", {"type": "identify", "userId": loyalty, "traits": {"phone": phone}}),
    ]
    # Long before anybody is erased: a message that comes late says when it happened.
    happened = [(source, {**one_told, "timestamp": HAPPENED}) for source, one_told in messages]
    named = renamed(happened, f"m{number}")
    values = (
        *(mail, phone, user, cookie, device, loyalty, f"Given{one}", f"Family{one}", f"Company{one}"),
        *(f"Street {one} 12", f"City{one}", f"/path-{one}", f"order-{one}", f"product-{one}", f"Seen{one}"),
        f"coupon-{one}",
    )
    return Person(one, values, named)


def renamed(
    messages: Sequence[tuple[str, dict[str, Any]]], name: str
) -> tuple[tuple[str, dict[str, Any]], ...]:
    """The same messages under ids of their own."""
    return tuple((source, {**told, "messageId": f"{name}-{n}"}) for n, (source, told) in enumerate(messages))


@dataclass
class Town:
    """See the module."""

    house: House
    mongo: embedded.EmbeddedMongo
    folder: Path
    late: int = 0

    async def tell(self, people: Sequence[Person]) -> None:
        """Everything there is to tell of some people."""
        for start in range(0, len(people), TOGETHER):
            by_source: dict[str, list[dict[str, Any]]] = {}
            for one in people[start : start + TOGETHER]:
                for source, message in one.messages:
                    by_source.setdefault(source, []).append(message)
            for source, messages in by_source.items():
                heard = await self.house.tell(source, *messages)
                assert heard["refused"] == 0, heard

    async def restart(self) -> None:
        """Another process in place of this one: it remembers nothing but what is kept."""
        commands = Commands()
        await self.house.http.aclose()
        self.house = await build(self.house.platform.database, self.folder / "data", commands)

    async def customer(self, who: Person) -> bytes | None:
        """The customer somebody is."""
        found = await self.house.ask(
            'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }',
            self.house.token("steward"),
            {"v": who.values[0]},
        )
        if found["data"]["customer"] is None:
            return None
        pairwise = self.house.platform.conductor.revealer.pairwise
        return pairwise.open("privacy-office", b"customer", found["data"]["customer"]["id"])

    async def ask_erasure(self, customer: bytes) -> bytes:
        """Somebody's request to be erased."""
        asker = Asker(Kind.PERSON, "self:customer-app", "customer-app", "someone", Assurance.FRESH)
        return (await self.house.platform.rights.file(customer, Asked(Right.ERASURE), asker)).id

    async def erase(self, customers: Sequence[bytes], told: Callable[[int], None]) -> None:
        """Erase people while messages about them and about others keep coming; ``told`` how many are done."""
        for one in customers:
            await self.ask_erasure(one)
        await self.finish(lambda left: told(len(customers) - left))

    async def finish(self, told: Callable[[int], None] = lambda _: None) -> None:
        """Carry every request out; ``told`` how many are left."""
        rights = self.house.platform.rights
        for _ in range(ROUNDS):
            await rights.engine.once()
            left = await rights.requests.count({"state": {"$ne": "fulfilled"}})
            told(left)
            if not left:
                return
            await asyncio.sleep(0.02)
        stuck = await rights.requests.find({"state": {"$ne": "fulfilled"}}, [("_id", 1)], 3)
        raise AssertionError(f"they are not erased: {[one['steps'] for one in stuck]}")

    async def go_on(self, erased: Sequence[Person], others: int, stop: asyncio.Event) -> int:
        """Messages about people being erased, told again and late, among those of others; how many."""
        numbers, sent = count(others), 0
        while not stop.is_set():
            stranger = person(next(numbers))
            again = erased[sent % len(erased)]
            late = [
                (source, {**told, "messageId": f"late{sent}-{n}"})
                for n, (source, told) in enumerate(again.messages)
            ]
            for source, message in (*again.messages[:2], *late, *stranger.messages[:2]):
                await self.house.tell(source, message)
                sent += 1
            await asyncio.sleep(0)
        self.late += sent
        return sent


@asynccontextmanager
async def town(folder: Path) -> AsyncIterator[Town]:
    """A town on a MongoDB of its own."""
    mongo = await embedded.start(folder / "mongo", extra_arguments=(*FAILPOINTS, *UNCOMPRESSED))
    try:
        commands = Commands()
        database = await connect(mongo.url, "town", "pymongo", [commands])
        try:
            house = await build(database, folder / "data", commands)
            async with house.http:
                yield Town(house, mongo, folder)
        finally:
            await database.close()
    finally:
        await mongo.stop()
