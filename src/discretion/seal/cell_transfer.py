"""Moving sealed values between two keys: when records are merged, or kept apart from a customer.

The value is open for the length of one expression and never handed to a caller.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.seal.cell import HEAD_BYTES, shut
from discretion.seal.open import opener

Owner = tuple[bytes, bytes]
"""``(customer id, data key)``"""


def move(cell: bytes, key: bytes, origin: Owner, goal: Owner, nonce: bytes) -> bytes:
    """The same value and date, shut under another customer's key."""
    return carry(cell, key, origin, key, goal, nonce)


def carry(
    cell: bytes,
    key: bytes,
    origin: Owner,
    under: bytes,
    goal: Owner,
    nonce: bytes,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
) -> bytes:
    """The same value and date under another key and name.

    Of an event's properties those alone that are in ``only``, unless it is None, and not in ``without``.
    """
    observed = int.from_bytes(cell[1:HEAD_BYTES])
    customer, data_key = goal
    value = _part(opener(*origin)(cell, key), only, without)
    return shut(AESGCM(data_key), customer, under, observed, nonce, value)


def _part(value: Any, only: Collection[str] | None, without: Collection[str]) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {
        name: one for name, one in value.items() if (only is None or name in only) and name not in without
    }
