"""The customers of ``tests.bench.recompute`` with real keys, so that rewrapped keys decrypt their values."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.plan.customer_members import CREATED, WRAPPED_KEY
from discretion.seal.blind_index import BlindIndex
from discretion.seal.bucket_keys import BucketKeys
from discretion.seal.cell import encrypt_cell, event_cell_key
from discretion.seal.key_files import KEY_BYTES, NONCE_BYTES
from discretion.store import events
from discretion.store import source_record_codec as codec
from discretion.store.document import MutableDocument
from tests.bench.recompute.population import DAY_MS, SEED, CustomerGenerator
from tests.fixtures.attribute_keys import KEYS

EVENTS_PER_CUSTOMER = 10
"""Events of each customer to be erased; every fifth is an order, which some laws require to retain."""


def name_account(customer: bytes) -> str:
    """Return the account number of a customer, with which they log in."""
    return f"account-{customer.hex()}"


class CustomerDocumentGenerator:
    """Generates the documents of customers by collection."""

    def __init__(
        self, generator: CustomerGenerator, buckets: BucketKeys, blind_index: BlindIndex, now_ms: int
    ) -> None:
        self._generator = generator
        self._buckets = buckets
        self._blind_index = blind_index
        self._now_ms = now_ms
        self._random = Random(SEED + 1)  # with the same seed two customers would have one id

    def generate_documents(
        self, count: int, with_events: int = 0
    ) -> Iterator[dict[str, list[MutableDocument]]]:
        """Yield the documents of customers by collection; the first ``with_events`` of them have events."""
        for number, (customer, records) in enumerate(self._generator.generate_customers(count)):
            cipher = self._encrypt_customer(customer)
            (identifier,) = records[0][codec.IDENTIFIERS]
            account = self._blind_index.index("user_id", name_account(customer["_id"]))
            records[0][codec.IDENTIFIERS] = [{**identifier, "e": account, "k": "user_id"}]
            yield {
                "customers": [customer],
                "source_records": records,
                "identifiers": [self._build_identifier(record) for record in records],
                "events": [
                    self._build_event(cipher, records[0], index) for index in range(EVENTS_PER_CUSTOMER)
                ]
                if number < with_events
                else [],
            }

    def _encrypt_customer(self, customer: MutableDocument) -> AESGCM:
        """Set a wrapped data key and values encrypted under it, and return the cipher of the key."""
        customer_id, key = customer["_id"], self._random.randbytes(KEY_BYTES)
        cipher = AESGCM(key)
        customer[WRAPPED_KEY] = self._buckets.wrap(customer_id, key, self._draw_nonce())
        values = {
            KEYS["identity.givenName"]: "Ada",
            KEYS["contact.email"]: f"{customer_id.hex()}@shop.example",
        }
        customer |= {
            attribute: encrypt_cell(
                cipher, customer_id, attribute.encode(), customer[CREATED], self._draw_nonce(), value
            )
            for attribute, value in values.items()
        }
        return cipher

    def _build_identifier(self, record: MutableDocument) -> MutableDocument:
        (identifier,) = record[codec.IDENTIFIERS]
        return {
            "_id": identifier["e"],
            "type": identifier["k"],
            "records": [record["_id"]],
            "t": identifier["p"],
        }

    def _build_event(self, cipher: AESGCM, record: MutableDocument, number: int) -> MutableDocument:
        event_id, occurred_ms = self._random.randbytes(16), self._now_ms - number * DAY_MS
        event_type, properties = "Product Viewed", {"product_id": f"p{number}"}
        if number % 5 == 0:
            event_type, properties = "Order Completed", {"order_id": f"o{number}", "currency": "EUR"}
        cell_key = event_cell_key(event_id).encode()
        return {
            "_id": event_id,
            events.CUSTOMER: record[codec.CUSTOMER],
            events.RECORD: record["_id"],
            events.SOURCE: record[codec.SOURCE],
            events.CHANNEL: "web",
            events.TYPE: event_type,
            events.AT: occurred_ms,
            events.RECEIVED: occurred_ms,
            events.PROPERTIES: encrypt_cell(
                cipher,
                record[codec.CUSTOMER],
                cell_key,
                occurred_ms,
                self._draw_nonce(),
                properties,
            ),
        }

    def _draw_nonce(self) -> bytes:
        return self._random.randbytes(NONCE_BYTES)
