"""Consent events: which of their states permit a purpose, and how their ids are derived."""

from __future__ import annotations

import hashlib

from discretion.store.consent_event import ConsentState

MAX_SIGNAL_CHARS = 4096
"""Most characters of a signal's own text that are stored; longer texts are cut off."""

AGREEING_STATES = frozenset(
    {ConsentState.GIVEN, ConsentState.RENEWED, ConsentState.UNOBJECTED, ConsentState.UNRESTRICTED}
)
"""States in which the person's own statement permits the purpose."""


def build_record_id(message: bytes, purpose: str) -> bytes:
    """Return the id of the event for one purpose of one message; a repeated message has the same id.

    A UUID of version 8 (RFC 9562, section 5.8) over SHA-256.
    """
    uuid_bytes = bytearray(hashlib.sha256(message + b"|" + purpose.encode()).digest()[:16])
    uuid_bytes[6] = uuid_bytes[6] & 0x0F | 0x80
    uuid_bytes[8] = uuid_bytes[8] & 0x3F | 0x80
    return bytes(uuid_bytes)
