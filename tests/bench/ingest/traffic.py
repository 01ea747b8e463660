"""Generated traffic of a retailer: unique messages about known customers in three channels."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from discretion.seeding.message import APP, DAY_MS, TILLS, WEB, format_time

SOURCES = (WEB, APP, TILLS)
MIXES = ((6, 3, 1), (3, 6, 1), (4, 3, 3), (2, 2, 6))
"""The share of each source in the batches of each sender; the fifth sender is like the first."""
IDENTIFY_SHARE = 0.05
ORDER_SHARE = 0.15
STEP_MS = 20
"""Time between messages, so that a day has more than four million of them."""
LATE_MS = 60_000
"""Average delay of a message, so that some arrive out of order."""
SEED = 20_260_525

FIRST_NAMES = (
    "Ada",
    "Ben",
    "Chloé",
    "Deniz",
    "Emil",
    "Fatma",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Katya",
    "Luis",
)
LAST_NAMES = ("Albrecht", "Bauer", "Costa", "Dubois", "Evans", "Fischer", "García", "Haddad", "Ito", "Jansen")
COUNTRIES = ("DE", "FR", "GB", "NL", "US")
STORES = ("berlin-mitte", "lyon", "manchester", "denver")
PRODUCTS = 500

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one source in one request."""

    source: str
    messages: tuple[Message, ...]

    @property
    def event_count(self) -> int:
        """The number of messages that are stored as events."""
        return sum(message["type"] != "identify" for message in self.messages)


class Traffic:
    """Messages about a number of customers; the same seed generates the same messages."""

    def __init__(self, customers: int, now_ms: int, seed: int = SEED) -> None:
        self._customers = customers
        self._now_ms = now_ms
        self._random = random.Random(seed)
        self._numbers = itertools.count(1)  # shared by several threads; each number is drawn once

    def generate_introductions(self, size: int) -> Iterator[Batch]:
        """Yield identify messages of all customers in every channel; accounts confirm their cards."""
        for start in range(0, self._customers, size):
            customer_numbers = range(start, min(start + size, self._customers))
            for source in SOURCES:
                yield Batch(
                    source, tuple(self._build_identify(source, customer) for customer in customer_numbers)
                )

    def generate_batches(self, sender: int, size: int, parts: int = 1) -> Iterator[Batch]:
        """Yield batches of a sender without end; with ``parts``, about its share of the customers only."""
        mix = MIXES[sender % len(MIXES)]
        customer_numbers = range(sender % parts, self._customers, parts) or range(self._customers)
        while True:
            (source,) = self._random.choices(SOURCES, mix)
            yield Batch(
                source,
                tuple(
                    self._build_message(source, self._random.choice(customer_numbers)) for _ in range(size)
                ),
            )

    def _build_message(self, source: str, customer: int) -> Message:
        drawn = self._random.random()
        if drawn < IDENTIFY_SHARE:
            return self._build_identify(source, customer)
        if source == TILLS or drawn < IDENTIFY_SHARE + ORDER_SHARE:
            return self._build_envelope(source, customer) | self._build_order(source)
        return self._build_envelope(source, customer) | self._build_browsing(source)

    def _build_envelope(self, source: str, customer: int) -> Message:
        number = next(self._numbers)
        sent_ms = self._now_ms - DAY_MS + number * STEP_MS - int(self._random.expovariate(1 / LATE_MS))
        ids = {"userId": _name_user(source, customer)}
        if source != TILLS:
            ids["anonymousId"] = f"device-{source}-{customer:07}"
        return {**ids, "messageId": f"m-{number:010}", "timestamp": format_time(sent_ms)}

    def _build_identify(self, source: str, customer: int) -> Message:
        customer_random = random.Random(customer)
        first_name, last_name = customer_random.choice(FIRST_NAMES), customer_random.choice(LAST_NAMES)
        country, street = customer_random.choice(COUNTRIES), customer_random.randrange(200)
        traits = {
            "firstName": first_name,
            "lastName": last_name,
            "email": f"customer.{customer}@post.example",  # a name that is not ASCII would link nobody
            "address": {"street": f"{street} High Street", "city": "Springfield", "country": country},
            "language": self._random.choice(("de-DE", "en-GB", "fr-FR", "nl-NL")),
        }
        identify = {**self._build_envelope(source, customer), "type": "identify", "traits": traits}
        if source == TILLS:
            return identify
        card = {"id": _name_user(TILLS, customer), "type": "loyalty_id", "collection": "users"}
        return identify | {"context": {"externalIds": [{**card, "encoding": "none", "assurance": "proven"}]}}

    def _build_order(self, source: str) -> Message:
        product_ids = [self._draw_product() for _ in range(self._random.randint(1, 4))]
        properties = {
            "order_id": f"o-{next(self._numbers):010}",
            "total": round(self._random.uniform(5, 250), 2),
            "currency": "EUR",
            "quantity": len(product_ids),
            "product_ids": product_ids,
            "payment_method": self._random.choice(("card", "invoice", "wallet")),
        }
        if source == TILLS:
            properties["storeId"] = self._random.choice(STORES)
        return {"type": "track", "event": "Order Completed", "properties": properties}

    def _build_browsing(self, source: str) -> Message:
        if self._random.random() < 0.5:
            properties = {
                "product_id": self._draw_product(),
                "category": "shoes",
                "price": 79.9,
                "currency": "EUR",
            }
            return {"type": "track", "event": "Product Viewed", "properties": properties}
        if source == WEB:
            return {"type": "page", "name": "Product", "properties": {"path": f"/p/{self._draw_product()}"}}
        return {"type": "screen", "name": "Product", "properties": {}}

    def _draw_product(self) -> str:
        return f"P-{self._random.randrange(PRODUCTS):05}"


def _name_user(source: str, customer: int) -> str:
    """Return the loyalty number of a customer, or the account number, which web shop and app share."""
    return f"{'card' if source == TILLS else 'account'}-{customer:07}"
