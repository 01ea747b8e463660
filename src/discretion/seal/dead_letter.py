"""The format of a sealed dead letter: a refused message under the key of the day it was received.

    byte 0       format, 1 at present
    bytes 1-12   nonce
    bytes 13-    ciphertext of the message as JSON, and the authentication tag

The associated data are the letter's id, when it was received (big-endian ms since 1970) and its source. A
letter that is given another sender or another time cannot be decrypted.
"""

from __future__ import annotations

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CIPHERTEXT_OFFSET = 13
FORMAT = b"\x01"


def build_associated_data(dead_letter: bytes, source: str, received: int) -> bytes:
    """Return the associated data of a dead letter."""
    return dead_letter + received.to_bytes(8) + source.encode()


def encrypt_dead_letter(key: bytes, associated_data: bytes, nonce: bytes, message: object) -> bytes:
    """Encrypt a refused message under the key of its day."""
    return FORMAT + nonce + AESGCM(key).encrypt(nonce, orjson.dumps(message), FORMAT + associated_data)
