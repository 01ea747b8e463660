"""Personal data in requests, encrypted under the key of the customer.

When the key is destroyed, the data cannot be decrypted any more. Each value is bound to its place by the
additional authenticated data of AES-GCM. Only ``reveal`` decrypts it, and records that as a disclosure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.errors import NotFound
from discretion.seal.bucket_keys import BucketKeys
from discretion.seal.cell import encrypt_cell
from discretion.seal.key_files import NONCE_BYTES
from discretion.store.driver.database import Database

CHANGES_KEY = "request/changes"
"""Binding of proposed corrections, in place of an attribute's key."""

MESSAGE_KEY = "request/message"
"""Binding of a message between the person and the privacy office."""


@dataclass(frozen=True, slots=True)
class RequestSealer:
    """Encrypts values of requests."""

    database: Database
    buckets: BucketKeys
    entropy: Callable[[int], bytes] = field(repr=False)
    now_ms: Callable[[], int]

    async def seal(self, customer: bytes, key: str, value: Any) -> tuple[bytes, bytes]:
        """Encrypt a value under the key of a customer.

        Args:
            customer: Current or former id of the customer.
            key: What the value is bound to, such as ``CHANGES_KEY``.
            value: Any JSON value.

        Returns:
            The current id of the customer, and the encrypted cell.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``.
        """
        customer_query = {"$or": [{"_id": customer}, {"merged.id": customer}]}
        customer_document = await self.database.find_one("customers", customer_query, {"key": 1})
        if customer_document is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        owner: bytes = customer_document["_id"]
        cipher = AESGCM(self.buckets.unwrap(owner, customer_document["key"]))
        cell = encrypt_cell(cipher, owner, key.encode(), self.now_ms(), self.entropy(NONCE_BYTES), value)
        return owner, cell
