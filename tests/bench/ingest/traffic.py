"""Messages as shops send them, from a seed: known customers in three channels, every message another."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from discretion.seeding.message import APP, DAY_MS, TILLS, WEB, iso

SOURCES = (WEB, APP, TILLS)
MIXES = ((6, 3, 1), (3, 6, 1), (4, 3, 3), (2, 2, 6))
"""How much each sender says as each source; a fifth sender is like the first."""
IDENTIFY_SHARE = 0.05
ORDER_SHARE = 0.15
STEP_MS = 20
"""From one message to the next, so that a day has more than four million."""
LATE_MS = 60_000
"""How late a message is on average; some are overtaken by others."""
SEED = 20_260_525

FIRST = ("Ada", "Ben", "Chloé", "Deniz", "Emil", "Fatma", "Greta", "Hugo", "Ines", "Jonas", "Katya", "Luis")
LAST = ("Albrecht", "Bauer", "Costa", "Dubois", "Evans", "Fischer", "García", "Haddad", "Ito", "Jansen")
COUNTRIES = ("DE", "FR", "GB", "NL", "US")
STORES = ("berlin-mitte", "lyon", "manchester", "denver")
PRODUCTS = 500

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one source, to be sent together."""

    source: str
    messages: tuple[Message, ...]

    @property
    def events(self) -> int:
        """How many of them are kept as events."""
        return sum(one["type"] != "identify" for one in self.messages)


class Traffic:
    """What is said about ``customers`` people; the same seed says the same."""

    def __init__(self, customers: int, now_ms: int, seed: int = SEED) -> None:
        self._customers = customers
        self._now = now_ms
        self._dice = random.Random(seed)
        self._numbers = itertools.count(1)  # several threads draw from it, and no two the same

    def introductions(self, size: int) -> Iterator[Batch]:
        """Everybody is identified in every channel; their e-mail address says that they are one."""
        for start in range(0, self._customers, size):
            known = range(start, min(start + size, self._customers))
            for source in SOURCES:
                yield Batch(source, tuple(self._identify(source, one) for one in known))

    def batches(self, sender: int, size: int, parts: int = 1) -> Iterator[Batch]:
        """What a sender says next, for ever; with ``parts``, about its share of the customers only."""
        mix = MIXES[sender % len(MIXES)]
        known = range(sender % parts, self._customers, parts) or range(self._customers)
        while True:
            (source,) = self._dice.choices(SOURCES, mix)
            yield Batch(source, tuple(self._message(source, self._dice.choice(known)) for _ in range(size)))

    def _message(self, source: str, customer: int) -> Message:
        kind = self._dice.random()
        if kind < IDENTIFY_SHARE:
            return self._identify(source, customer)
        if source == TILLS or kind < IDENTIFY_SHARE + ORDER_SHARE:
            return self._envelope(source, customer) | self._order(source)
        return self._envelope(source, customer) | self._browsing(source)

    def _envelope(self, source: str, customer: int) -> Message:
        number = next(self._numbers)
        at = self._now - DAY_MS + number * STEP_MS - int(self._dice.expovariate(1 / LATE_MS))
        ids = {"userId": f"{source}-{customer:07}"}
        if source != TILLS:
            ids["anonymousId"] = f"device-{source}-{customer:07}"
        return {**ids, "messageId": f"m-{number:010}", "timestamp": iso(at)}

    def _identify(self, source: str, customer: int) -> Message:
        about = random.Random(customer)
        first, last = about.choice(FIRST), about.choice(LAST)
        country, street = about.choice(COUNTRIES), about.randrange(200)
        traits = {
            "firstName": first,
            "lastName": last,
            "email": f"{first}.{last}.{customer}@post.example".lower(),
            "address": {"street": f"{street} High Street", "city": "Springfield", "country": country},
            "language": self._dice.choice(("de-DE", "en-GB", "fr-FR", "nl-NL")),
        }
        return {**self._envelope(source, customer), "type": "identify", "traits": traits}

    def _order(self, source: str) -> Message:
        bought = [self._product() for _ in range(self._dice.randint(1, 4))]
        properties = {
            "order_id": f"o-{next(self._numbers):010}",
            "total": round(self._dice.uniform(5, 250), 2),
            "currency": "EUR",
            "quantity": len(bought),
            "product_ids": bought,
            "payment_method": self._dice.choice(("card", "invoice", "wallet")),
        }
        if source == TILLS:
            properties["storeId"] = self._dice.choice(STORES)
        return {"type": "track", "event": "Order Completed", "properties": properties}

    def _browsing(self, source: str) -> Message:
        if self._dice.random() < 0.5:
            viewed = {"product_id": self._product(), "category": "shoes", "price": 79.9, "currency": "EUR"}
            return {"type": "track", "event": "Product Viewed", "properties": viewed}
        if source == WEB:
            return {"type": "page", "name": "Product", "properties": {"path": f"/p/{self._product()}"}}
        return {"type": "screen", "name": "Product", "properties": {}}

    def _product(self) -> str:
        return f"P-{self._dice.randrange(PRODUCTS):05}"
