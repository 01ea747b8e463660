"""Personal data in requests, encrypted under the key of the customer.

When the key is destroyed, the data cannot be decrypted any more. Each value is bound to its place by the
additional authenticated data of AES-GCM. Only ``reveal`` decrypts it, and records that as a disclosure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.errors import NotFound
from discretion.seal.bucket_keys import BucketKeys
from discretion.seal.cell import encrypt_cell
from discretion.seal.key_files import NONCE_BYTES
from discretion.store.people import PeopleStore


@dataclass(frozen=True, slots=True)
class RequestSealer:
    """Encrypts values of requests."""

    people: PeopleStore
    buckets: BucketKeys
    entropy: Callable[[int], bytes] = field(repr=False)
    now_ms: Callable[[], int]

    async def seal(self, customer: bytes, key: str, value: object) -> tuple[bytes, bytes]:
        """Encrypt a value under the key of a customer.

        Args:
            customer: Current or former id of the customer.
            key: What the value is bound to, such as ``REQUEST_CHANGES_KEY``.
            value: Any JSON value.

        Returns:
            The current id of the customer, and the encrypted cell.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``.
        """
        owner = await self.people.current(customer)
        if owner is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        cipher = AESGCM(self.buckets.unwrap(owner.id, owner.wrapped_key))
        cell = encrypt_cell(cipher, owner.id, key.encode(), self.now_ms(), self.entropy(NONCE_BYTES), value)
        return owner.id, cell

    async def find_nobody(self) -> None:
        """Make the query of ``seal``: the time must not show that an address has led to no customer."""
        await self.people.current(b"")
