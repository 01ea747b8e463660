"""Moving sealed values between two customers' keys, when records are merged.

The value is open for the length of one expression and never handed to a caller.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.seal.cell import HEAD_BYTES, shut
from discretion.seal.open import opener


def move(
    cell: bytes, key: bytes, origin: tuple[bytes, bytes], goal: tuple[bytes, bytes], nonce: bytes
) -> bytes:
    """The same value and date, shut under another customer's key.

    ``origin`` and ``goal`` are ``(customer id, data key)``.
    """
    observed = int.from_bytes(cell[1:HEAD_BYTES])
    customer, data_key = goal
    return shut(AESGCM(data_key), customer, key, observed, nonce, opener(*origin)(cell, key))
