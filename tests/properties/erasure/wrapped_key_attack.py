"""Tries wrapped data keys of the past against the bucket keys of today, as whoever stole both would.

Written from the description of the formats, not with the code that uses them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"discretion/keyfile/v1"
KEY = 32
NONCE = 12
HEAD = 7  # format, bucket, generation


def candidates(path: Path, root: bytes) -> set[bytes]:
    """Every 32 bytes in a key file that may be a key, wherever they stand in it."""
    info = f"discretion/file/{path.name}/v1".encode()
    key = HKDF(hashes.SHA256(), KEY, salt=None, info=info).derive(root)
    body = path.read_bytes()[len(MAGIC) :]
    content = AESGCM(key).decrypt(body[:NONCE], body[NONCE:], MAGIC)
    return {content[at : at + KEY] for at in range(len(content) - KEY + 1)}


def opens(wrapped: bytes, customer: bytes, keys: Iterable[bytes]) -> bool:
    """Whether any of these keys opens a wrapped data key."""
    head, nonce, sealed = wrapped[:HEAD], wrapped[HEAD : HEAD + NONCE], wrapped[HEAD + NONCE :]
    for key in keys:
        try:
            AESGCM(key).decrypt(nonce, sealed, head + customer)
        except InvalidTag:
            continue
        return True
    return False
