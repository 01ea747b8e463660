"""Decryption of sealed values.

Only ``reveal`` and ``cell_transfer`` may import this module (import contract).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.errors import Broken
from discretion.seal.bucket_keys import BucketKeys
from discretion.seal.cell import CIPHERTEXT_OFFSET, HEADER_BYTES, derive_ledger_pseudonym
from discretion.seal.dead_letter import CIPHERTEXT_OFFSET as DEAD_LETTER_OFFSET
from discretion.seal.dead_letter import FORMAT

CellDecryptor = Callable[[bytes, bytes], object]
"""``(cell, attribute key) -> value`` for one customer."""


def build_cell_decryptor(customer: bytes, data_key: bytes) -> CellDecryptor:
    """Return a function that decrypts the cells of this customer, and of nobody else."""
    decrypt = AESGCM(data_key).decrypt
    loads = orjson.loads

    def decrypt_cell(cell: bytes, key: bytes) -> object:
        try:
            return loads(
                decrypt(
                    cell[HEADER_BYTES:CIPHERTEXT_OFFSET],
                    cell[CIPHERTEXT_OFFSET:],
                    customer + cell[:HEADER_BYTES] + key,
                )
            )
        except (InvalidTag, ValueError):
            raise Broken(
                "SEAL_BROKEN", "A sealed value cannot be decrypted: it was moved or altered."
            ) from None

    return decrypt_cell


def decrypt_dead_letter(key: bytes, associated_data: bytes, dead_letter: bytes) -> dict[str, object]:
    """Return the message in a sealed dead letter.

    Raises:
        Broken: ``SEAL_BROKEN``.
    """
    try:
        if not dead_letter.startswith(FORMAT):
            raise InvalidTag
        message: dict[str, object] = orjson.loads(
            AESGCM(key).decrypt(
                dead_letter[len(FORMAT) : DEAD_LETTER_OFFSET],
                dead_letter[DEAD_LETTER_OFFSET:],
                FORMAT + associated_data,
            )
        )
        return message
    except (InvalidTag, ValueError):
        raise Broken("SEAL_BROKEN", "A dead letter cannot be decrypted: it was moved or altered.") from None


class CustomerCipher:
    """The functions of one customer's data key.

    Attributes:
        decrypt_cell: Decrypts a cell of the customer.
        decrypt_raw: The bare AES-GCM decryption, for compiled functions that take cells apart themselves.
        pseudonym: The customer's pseudonym in the ledger.
        client_ids: Pairwise ids of the customer as JSON, by client, filled as they are needed.
    """

    __slots__ = ("client_ids", "decrypt_cell", "decrypt_raw", "pseudonym")

    def __init__(self, customer: bytes, data_key: bytes) -> None:
        self.decrypt_cell = build_cell_decryptor(customer, data_key)
        self.decrypt_raw = AESGCM(data_key).decrypt
        self.pseudonym = derive_ledger_pseudonym(data_key)
        self.client_ids: dict[str, bytes] = {}

    def __repr__(self) -> str:
        """Return a text without the key."""
        return "CustomerCipher(****)"


class CipherCache:
    """A cache of unwrapped data keys of recently read customers.

    The bucket keys that unwrap them are in the same memory, so the cache exposes nothing more. It is cleared
    when the bucket keys change, so that a data key does not outlive its bucket key. Decrypted values are
    never cached.
    """

    def __init__(self, buckets: BucketKeys, capacity: int = 10_000) -> None:
        self._buckets = buckets
        # ``lru_cache`` stores no exceptions, so a key that was unavailable is tried again.
        self.get = lru_cache(capacity)(self._build)
        """``(customer, wrapped data key) -> CustomerCipher``; raises what ``BucketKeys.unwrap`` raises."""
        self.clear = self.get.cache_clear
        buckets.add_listener(self.clear)

    def _build(self, customer: bytes, wrapped: bytes) -> CustomerCipher:
        return CustomerCipher(customer, self._buckets.unwrap(customer, wrapped))
