"""Decryption of a proposed correction.

It is needed when the attribute is stored in the clear, such as a country or a child's birth date.

The value is the person's own statement and goes into their own profile. It is shown to nobody, so no
disclosure is recorded. Only ``domain.correction.correction_step`` may import this module; an import contract
enforces it.
"""

from __future__ import annotations

from typing import Any

from discretion.seal.open import build_cell_decryptor
from discretion.seal.redacted import Redacted


def open_proposed_value(customer: bytes, data_key: bytes, cell: bytes, key: str) -> Redacted[Any]:
    """Decrypt a proposed value of an attribute.

    Args:
        customer: The customer's id.
        data_key: Their unwrapped data key.
        cell: The sealed cell from the request.
        key: The attribute's key.

    Raises:
        Broken: ``SEAL_BROKEN``.
    """
    return Redacted(build_cell_decryptor(customer, data_key)(cell, key.encode()))
