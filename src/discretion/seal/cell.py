"""The format of one sealed value: AES-256-GCM under its customer's data key.

    byte 0       format, 1 at present
    bytes 1-8    when the value was observed, big-endian milliseconds since 1970
    bytes 9-20   nonce
    bytes 21-    ciphertext of the value as JSON, and the authentication tag

The associated data are the customer's id, the nine header bytes and the attribute's key. A cell that is
copied to another customer or another attribute, or given a later date, cannot be decrypted. The layout is a
stable format: cells outlive releases.
"""

from __future__ import annotations

import hashlib

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HEADER_BYTES = 9
CIPHERTEXT_OFFSET = 21
_FORMAT = b"\x01"
# BLAKE2b takes at most 16 bytes of personalisation (RFC 7693). Another text would give every customer another
# pseudonym, and entries in the ledger would no longer be found.
_PSEUDONYM_PERSONALISATION = b"discretion/led/1"


def build_cell_header(observed: int) -> bytes:
    """Return the nine unencrypted bytes before the nonce. As bytes they sort by time."""
    # Times before 1970 become 0, because the bytes are unsigned so that headers sort by time.
    return _FORMAT + max(observed, 0).to_bytes(8)


def encrypt_cell(
    cipher: AESGCM, customer: bytes, key: bytes, observed: int, nonce: bytes, value: object
) -> bytes:
    """Encrypt ``value`` as the attribute that is stored under ``key``.

    Args:
        cipher: The customer's cipher.
        customer: Their id.
        key: The attribute's key; for other data see ``event_cell_key`` and ``identifier_cell_key``.
        observed: When the value was observed (ms since 1970).
        nonce: 12 random bytes, never used twice under one key.
        value: A JSON value.
    """
    header = build_cell_header(observed)
    return header + nonce + cipher.encrypt(nonce, orjson.dumps(value), customer + header + key)


REQUEST_CHANGES_KEY = "request/changes"
"""What proposed corrections in a rights request are bound to, in place of an attribute's key."""

REQUEST_MESSAGE_KEY = "request/message"
"""What messages between a person and the privacy office are bound to."""


def event_cell_key(event: bytes) -> str:
    """Return the key that an event's sealed properties are bound to, in place of an attribute's key."""
    return f"event/{event.hex()}"


def identifier_cell_key(entry: bytes) -> str:
    """Return the key that an identifier's value is bound to in place of an attribute's key.

    The result contains the blind index of the identifier.
    """
    return f"identifier/{entry.hex()}"


def derive_ledger_pseudonym(data_key: bytes) -> bytes:
    """Return the pseudonym of a customer in the ledger.

    It is a keyed BLAKE2b hash (RFC 7693) of 16 bytes. Without the data key it cannot be linked to the
    customer.
    """
    return hashlib.blake2b(key=data_key, digest_size=16, person=_PSEUDONYM_PERSONALISATION).digest()
