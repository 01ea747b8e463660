"""Consent events: which of their states permit a purpose, and how their ids are derived."""

from __future__ import annotations

import hashlib

from discretion.catalogue.model import Catalogue
from discretion.store.consent_event import ConsentEvent, ConsentState

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


def explain_set_aside(catalogue: Catalogue, event: ConsentEvent) -> str | None:
    """Return why an acceptance that a source reported counts no longer; None if it was not set aside."""
    kind, _, source_key = event.by.partition(":")
    source = catalogue.sources.get(source_key) if kind == "source" else None
    if source is None or event.state not in AGREEING_STATES:
        return None
    set_aside = source.consent.find_set_aside(event.at, event.at)
    return None if set_aside is None else set_aside.reason
