"""One sealed value: AES-256-GCM under its customer's own key.

    byte 0       format, now 1
    bytes 1-8    when the value was observed, big-endian milliseconds since 1970
    bytes 9-20   nonce
    bytes 21-    ciphertext of the value as JSON, and the tag

The associated data are the customer's id, the nine bytes above and the attribute's key: a cell
copied to another customer or another attribute, or given a younger date, does not open. This
layout is a promise: cells outlive releases.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HEAD_BYTES = 9
BODY_AT = 21
_FORMAT = b"\x01"
_LEDGER = b"discretion/led/1"


def head(observed: int) -> bytes:
    """The nine clear bytes before the nonce; they sort by time."""
    return _FORMAT + max(observed, 0).to_bytes(8)


def shut(cipher: AESGCM, customer: bytes, key: bytes, observed: int, nonce: bytes, value: Any) -> bytes:
    """Seal ``value`` as the attribute stored under ``key``."""
    front = head(observed)
    return front + nonce + cipher.encrypt(nonce, orjson.dumps(value), customer + front + key)


def event_key(event: bytes) -> str:
    """What an event's sealed properties are bound to, in place of an attribute's key."""
    return f"event/{event.hex()}"


def identifier_key(entry: bytes) -> str:
    """What the value of an identifier is bound to: its blind index, in place of an attribute's key."""
    return f"identifier/{entry.hex()}"


def pseudonym(data_key: bytes) -> bytes:
    """What the ledger calls a person: a keyed BLAKE2b (RFC 7693), 16 bytes that die with their data key."""
    return hashlib.blake2b(key=data_key, digest_size=16, person=_LEDGER).digest()
