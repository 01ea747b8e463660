"""Blind indexes: an identifier can be found again without being readable."""

from __future__ import annotations

import hmac


class BlindIndex:
    """HMAC-SHA-256 over type and normalised text, cut to 16 bytes.

    Keyed, so that a stolen database cannot be searched for a known address without the key.
    Equal identifiers have equal entries; that is its purpose and its leak, so only identifiers
    go through it, never a low-entropy attribute such as a country.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        """Without the key."""
        return "BlindIndex(****)"

    def of(self, *parts: str) -> bytes:
        """The entry of ``parts``, length-prefixed so that no two lists share one."""
        text = b"".join(len(raw).to_bytes(4) + raw for raw in (part.encode() for part in parts))
        return hmac.digest(self._key, text, "sha256")[:16]
