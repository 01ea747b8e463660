"""The customers of ``tests.bench.recompute`` with real keys: survivors can be wrapped anew, and read."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.seal.bucket_keys import Buckets
from discretion.seal.cell import event_key, shut
from discretion.seal.key_files import KEY_BYTES, NONCE_BYTES
from tests.bench.recompute.population import DAY_MS, SEED, People

EVENTS = 10
"""Of each of those who are to be erased; every fifth is an order, which some laws keep."""

Document = dict[str, Any]


class Whole:
    """Makes the documents of customers, by collection."""

    def __init__(self, people: People, buckets: Buckets, now_ms: int) -> None:
        self._people = people
        self._buckets = buckets
        self._now = now_ms
        self._dice = Random(SEED + 1)  # with the same seed two people would have one id

    def some(self, count: int, busy: int = 0) -> Iterator[dict[str, list[Document]]]:
        """So many customers; the first ``busy`` of them with events."""
        for number, (customer, records) in enumerate(self._people.some(count)):
            cipher = self._keyed(customer)
            yield {
                "customers": [customer],
                "source_records": records,
                "identifiers": [self._identifier(one) for one in records],
                "events": [self._event(cipher, records[0], one) for one in range(EVENTS)]
                if number < busy
                else [],
            }

    def _keyed(self, customer: Document) -> AESGCM:
        """Give a customer a data key, and values under it."""
        name, key = customer["_id"], self._dice.randbytes(KEY_BYTES)
        cipher = AESGCM(key)
        customer["key"] = self._buckets.wrap(name, key, self._nonce())
        told = {"identity/givenName": "Ada", "contact/email": f"{name.hex()}@shop.example"}
        customer["s"] = {
            attribute: shut(cipher, name, attribute.encode(), customer["t"][attribute], self._nonce(), value)
            for attribute, value in told.items()
        }
        return cipher

    def _identifier(self, record: Document) -> Document:
        (named,) = record["ids"]
        return {
            "_id": named["e"],
            "type": named["k"],
            "records": [record["_id"]],
            "t": named["t"],
            "customer": record["customer"],
        }

    def _event(self, cipher: AESGCM, record: Document, number: int) -> Document:
        name, at = self._dice.randbytes(16), self._now - number * DAY_MS
        kind, props = "Product Viewed", {"product_id": f"p{number}"}
        if number % 5 == 0:
            kind, props = "Order Completed", {"order_id": f"o{number}", "currency": "EUR"}
        under = event_key(name).encode()
        return {
            "_id": name,
            "customer": record["customer"],
            "record": record["_id"],
            "source": record["source"],
            "channel": "web",
            "type": kind,
            "at": at,
            "received": at,
            "props": shut(cipher, record["customer"], under, at, self._nonce(), props),
        }

    def _nonce(self) -> bytes:
        return self._dice.randbytes(NONCE_BYTES)
