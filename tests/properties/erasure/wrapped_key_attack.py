"""Tries old wrapped data keys against the present bucket keys, as an attacker who stole both would.

Written from the description of the formats, without the code that uses them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"discretion/keyfile/v1"
KEY_BYTES = 32
NONCE_BYTES = 12
HEADER_BYTES = 7  # format, bucket, generation


def list_candidate_keys(path: Path, root: bytes) -> set[bytes]:
    """Return all sequences of 32 bytes in a key file, at any position: each may be a key."""
    info = f"discretion/file/{path.name}/v1".encode()
    key = HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=info).derive(root)
    body = path.read_bytes()[len(MAGIC) :]
    content = AESGCM(key).decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], MAGIC)
    return {content[offset : offset + KEY_BYTES] for offset in range(len(content) - KEY_BYTES + 1)}


def can_unwrap(wrapped: bytes, customer: bytes, keys: Iterable[bytes]) -> bool:
    """Return whether any of these keys decrypts a wrapped data key."""
    header, nonce, ciphertext = (
        wrapped[:HEADER_BYTES],
        wrapped[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES],
        wrapped[HEADER_BYTES + NONCE_BYTES :],
    )
    for key in keys:
        try:
            AESGCM(key).decrypt(nonce, ciphertext, header + customer)
        except InvalidTag:
            continue
        return True
    return False
