"""Opening a seal. Only ``reveal`` may import this module; an import contract says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.errors import Broken
from discretion.seal.cell import BODY_AT, HEAD_BYTES

Opener = Callable[[bytes, bytes], Any]
"""``(cell, attribute key) -> value`` for one customer."""


def opener(customer: bytes, data_key: bytes) -> Opener:
    """A function that opens this customer's cells, and nobody else's."""
    decrypt = AESGCM(data_key).decrypt
    loads = orjson.loads

    def open_cell(cell: bytes, key: bytes) -> Any:
        try:
            return loads(
                decrypt(cell[HEAD_BYTES:BODY_AT], cell[BODY_AT:], customer + cell[:HEAD_BYTES] + key)
            )
        except (InvalidTag, ValueError):
            raise Broken("SEAL_BROKEN", "A sealed value does not open: it was moved or altered.") from None

    return open_cell
