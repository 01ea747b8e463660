"""A population of which some people are erased while others remain customers.

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

from discretion.domain.requests.model import RequestDetails, Requester
from discretion.law.jurisdiction import Right
from discretion.store.driver.connection import connect_database
from discretion.store.embedded import mongo_server as embedded
from discretion.store.request_state import RequesterAssurance, RequesterRole
from tests.fixtures.mongo import FAILPOINTS, CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.fixtures.proofs import confirm_card, verify

UNCOMPRESSED = (
    *("--wiredTigerCollectionBlockCompressor", "none"),
    *("--wiredTigerJournalCompressor", "none"),
    *("--wiredTigerIndexPrefixCompression", "false"),
)
SourcedMessage = tuple[str, dict[str, Any]]
"""A source and a message it sends."""

DATABASE = "population"
OCCURRED_AT = "2026-11-01T10:00:00Z"
BATCH_SIZE = 50
"""People whose messages are sent in one batch."""

MAX_RUNS = 4_000


@dataclass(frozen=True)
class Person:
    """A person, and every value that was ever sent about them."""

    name: str
    values: tuple[str, ...] = field(repr=False)
    messages: tuple[tuple[str, dict[str, Any]], ...] = field(repr=False)


def build_person(number: int) -> Person:
    """Build a person whose values are unique; none is a placeholder such as a number of zeros."""
    unique = f"{number:06d}{secrets.token_hex(4)}"
    email, phone = f"Mail.{unique}@Shop.example", f"+4930{number + 1:06d}{number % 10_000:04d}"
    traits = {
        "firstName": f"Given{unique}",
        "lastName": f"Family{unique}",
        "company": f"Company{unique}",
        "address": {"street": f"Street {unique} 12", "city": f"City{unique}", "country": "DE"},
    }
    user, cookie, device, loyalty = (
        f"user-{unique}",
        f"cookie-{unique}",
        f"device-{unique}",
        f"loyalty-{unique}",
    )
    # The coupon is no part of an invoice: no law requires that it is retained.
    order = {"order_id": f"order-{unique}", "total": 12.5, "currency": "EUR", "coupon": f"coupon-{unique}"}
    viewed_product = {"product_id": f"product-{unique}", "name": f"Seen{unique}"}
    account = {"type": "identify", "userId": user, "traits": {**traits, "email": email}}
    messages: list[tuple[str, dict[str, Any]]] = [
        ("web-shop", {"type": "page", "anonymousId": cookie, "properties": {"path": f"/path-{unique}"}}),
        ("web-shop", confirm_card(verify({**account, "anonymousId": cookie}), loyalty)),
        (
            "web-shop",
            {"type": "track", "userId": user, "event": "Product Viewed", "properties": viewed_product},
        ),
        ("web-shop", {"type": "track", "userId": user, "event": "Order Completed", "properties": order}),
        ("ios-app", {**account, "anonymousId": device, "traits": {"email": email, "phone": phone}}),
        ("tills", {"type": "identify", "userId": loyalty, "traits": {"phone": phone}}),
    ]
    # Long before any erasure: a message that arrives late states when the event occurred.
    dated = [(source, {**body, "timestamp": OCCURRED_AT}) for source, body in messages]
    identified = assign_message_ids(dated, f"m{number}")
    values = (
        *(
            email,
            phone,
            user,
            cookie,
            device,
            loyalty,
            f"Given{unique}",
            f"Family{unique}",
            f"Company{unique}",
        ),
        *(
            f"Street {unique} 12",
            f"City{unique}",
            f"/path-{unique}",
            f"order-{unique}",
            f"product-{unique}",
            f"Seen{unique}",
        ),
        f"coupon-{unique}",
    )
    return Person(unique, values, identified)


def assign_message_ids(
    messages: Sequence[tuple[str, dict[str, Any]]], prefix: str
) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Return the same messages with new message ids."""
    return tuple(
        (source, {**body, "messageId": f"{prefix}-{number}"})
        for number, (source, body) in enumerate(messages)
    )


@dataclass
class ErasurePopulation:
    """A platform with people to erase, on a MongoDB of its own."""

    platform: PlatformUnderTest
    mongo: embedded.EmbeddedMongo
    folder: Path
    late_message_count: int = 0

    async def send_messages(self, people: Sequence[Person]) -> None:
        """Send all messages about some people."""
        for start in range(0, len(people), BATCH_SIZE):
            by_source: dict[str, list[dict[str, Any]]] = {}
            for person in people[start : start + BATCH_SIZE]:
                for source, message in person.messages:
                    by_source.setdefault(source, []).append(message)
            for source, messages in by_source.items():
                outcome = await self.platform.send_messages(source, *messages)
                assert outcome["refused"] == 0, outcome

    async def restart(self) -> None:
        """Replace the platform by a new one, which has nothing in memory but what is stored."""
        commands = CommandRecorder()
        await self.platform.http.aclose()
        self.platform = await build_test_platform(
            self.platform.internals.database, self.folder / "data", commands
        )

    async def find_customer(self, person: Person) -> bytes | None:
        """Return the customer id of a person; None if there is none."""
        answer = await self.platform.query(
            'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }',
            self.platform.issue_token("steward"),
            {"v": person.values[0]},
        )
        if answer["data"]["customer"] is None:
            return None
        pairwise = self.platform.internals.discloser.revealer.pairwise
        return pairwise.decode("privacy-office", b"customer", answer["data"]["customer"]["id"])

    async def request_erasure(self, customer: bytes) -> bytes:
        """Submit the erasure request of a customer; return its id."""
        requester = Requester(
            RequesterRole.PERSON, "self:customer-app", "customer-app", "someone", RequesterAssurance.FRESH
        )
        return (
            await self.platform.internals.requests.submission.submit(
                customer, RequestDetails(Right.ERASURE), requester
            )
        ).id

    async def erase(self, customers: Sequence[bytes], report_erased: Callable[[int], None]) -> None:
        """Erase customers; ``report_erased`` receives the number of erased customers."""
        for customer in customers:
            await self.request_erasure(customer)
        await self.run_until_finished(lambda remaining: report_erased(len(customers) - remaining))

    async def run_until_finished(self, report_remaining: Callable[[int], None] = lambda _: None) -> None:
        """Run all requests to their end; ``report_remaining`` receives the number of unfinished requests."""
        requests, database = self.platform.internals.requests, self.platform.internals.database
        unfulfilled = {"state": {"$ne": "fulfilled"}}
        for _ in range(MAX_RUNS):
            await requests.workflow_runner.run_due()
            remaining = await database.count("requests", unfulfilled)
            report_remaining(remaining)
            if not remaining:
                return
            await asyncio.sleep(0.02)
        stuck = await database.find("requests", unfulfilled, limit=3)
        raise AssertionError(f"these requests do not end: {[document['steps'] for document in stuck]}")

    async def keep_sending(self, erased: Sequence[Person], first_other: int, stop: asyncio.Event) -> int:
        """Send repeated and late messages about people who are being erased, and messages about others.

        Return the number of messages.
        """
        numbers, sent_count = count(first_other), 0
        while not stop.is_set():
            other_person = build_person(next(numbers))
            erased_person = erased[sent_count % len(erased)]
            late_messages = [
                (source, {**body, "messageId": f"late{sent_count}-{position}"})
                for position, (source, body) in enumerate(erased_person.messages)
            ]
            for source, message in (*erased_person.messages[:2], *late_messages, *other_person.messages[:2]):
                await self.platform.send_messages(source, message)
                sent_count += 1
            await asyncio.sleep(0)
        self.late_message_count += sent_count
        return sent_count


@asynccontextmanager
async def open_population(folder: Path) -> AsyncIterator[ErasurePopulation]:
    """Open a population on a MongoDB of its own."""
    mongo = await embedded.start_embedded_mongo(
        folder / "mongo", extra_arguments=(*FAILPOINTS, *UNCOMPRESSED)
    )
    try:
        commands = CommandRecorder()
        database = await connect_database(mongo.url, DATABASE, "pymongo", [commands])
        try:
            platform = await build_test_platform(database, folder / "data", commands)
            async with platform.http:
                yield ErasurePopulation(platform, mongo, folder)
        finally:
            await database.close()
    finally:
        await mongo.stop()
