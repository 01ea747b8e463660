"""Blind indexes: an identifier can be looked up without being readable."""

from __future__ import annotations

import hmac


class BlindIndex:
    """HMAC-SHA-256 over type and normalised text, truncated to 16 bytes.

    The hash is keyed, so a stolen database cannot be searched for a known address without the key. Equal
    identifiers have equal entries; that is the purpose of the index and also its leak. Therefore only
    identifiers are indexed, never a low-entropy attribute such as a country.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        """Return a text without the key."""
        return "BlindIndex(****)"

    def index(self, *parts: str) -> bytes:
        """Return the 16-byte entry of ``parts``."""
        # Each part has its length before it, so that ("ab", "c") and ("a", "bc") have different entries.
        text = b""
        for part in parts:
            raw = part.encode()
            text += len(raw).to_bytes(4) + raw
        # With 128 bits, two identifiers are not expected to collide below about 2^64 entries.
        return hmac.digest(self._key, text, "sha256")[:16]
