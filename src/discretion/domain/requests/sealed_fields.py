"""What of a request is personal, shut under the key of whom it is about: it dies with them.

It is bound to where it stands. Only ``reveal`` opens it, and that is a disclosure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.errors import NotFound
from discretion.seal.bucket_keys import Buckets
from discretion.seal.cell import shut
from discretion.seal.key_files import NONCE_BYTES
from discretion.store.driver.database import Database

CHANGES = "request/changes"
"""What proposed corrections are bound to, in place of an attribute's key."""

MESSAGE = "request/message"
"""What a message between the person and the office is bound to."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """Shuts values of requests."""

    database: Database
    buckets: Buckets
    entropy: Callable[[int], bytes] = field(repr=False)
    now_ms: Callable[[], int]

    async def __call__(self, customer: bytes, key: str, value: Any) -> tuple[bytes, bytes]:
        """A value, shut, and the customer under whose key it is now.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``; nobody is there to seal it for.
        """
        wanted = {"$or": [{"_id": customer}, {"merged.id": customer}]}
        found = await self.database.find_one("customers", wanted, {"key": 1})
        if found is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        here: bytes = found["_id"]
        cipher = AESGCM(self.buckets.unwrap(here, found["key"]))
        cell = shut(cipher, here, key.encode(), self.now_ms(), self.entropy(NONCE_BYTES), value)
        return here, cell
