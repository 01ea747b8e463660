"""A sealed letter: a refused message under the key of the day it came.

    byte 0       format, now 1
    bytes 1-12   nonce
    bytes 13-    ciphertext of the message as JSON, and the tag

The associated data are the letter's id, when it came (big-endian ms since 1970) and its source: a letter
given another sender or another time does not open.
"""

from __future__ import annotations

from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

BODY_AT = 13
FORMAT = b"\x01"


def bound(letter: bytes, source: str, received: int) -> bytes:
    """What a letter is bound to."""
    return letter + received.to_bytes(8) + source.encode()


def shut_letter(key: bytes, bound_to: bytes, nonce: bytes, message: Any) -> bytes:
    """Seal a message under the key of its day."""
    return FORMAT + nonce + AESGCM(key).encrypt(nonce, orjson.dumps(message), FORMAT + bound_to)
