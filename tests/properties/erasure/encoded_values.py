"""Encodings in which a value may be stored: plain, in other cases, hashed, in base64 at any alignment."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

PREFIX_BYTES = 8
"""Bytes of an encoded value that are searched for first; the rest is compared where they match."""

BLOCK_BYTES = 1 << 22
HASHES = ("sha1", "sha256", "md5")


def encode_forms(value: str) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of each encoding of a value."""
    spellings = {"plain": value, "lower": value.lower(), "upper": value.upper()}
    for name, text in spellings.items():
        raw = text.encode()
        yield name, raw
        for shift in range(3):
            yield f"{name} in base64", find_stable_base64(raw, shift)
    for name, text in (("plain", value), ("lower", value.lower())):
        for kind in HASHES:
            digest = hashlib.new(kind, text.encode(), usedforsecurity=False)
            yield f"{kind} of {name}", digest.digest()
            yield f"{kind} of {name} in hexadecimal", digest.hexdigest().encode()
            yield f"{kind} of {name} in base64", base64.b64encode(digest.digest())[:-2]


def find_stable_base64(raw: bytes, shift: int) -> bytes:
    """Return the part of a text's base64 that bytes around it do not change.

    ``shift`` is the number of bytes between the last base64 boundary and the text.
    """
    encoded = base64.b64encode(b"\0" * shift + raw)
    first = (shift * 8 + 5) // 6
    last = len(encoded) if (shift + len(raw)) % 3 == 0 else ((shift + len(raw)) * 8) // 6
    return encoded[first:last]


class EncodedValues:
    """Searches for many encoded values at once. ``owners`` maps each to the person and the encoding."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self.owners: dict[bytes, tuple[str, str]] = {}
        for owner, texts in values.items():
            for text in texts:
                for form, encoded in encode_forms(text):
                    if len(encoded) >= PREFIX_BYTES:
                        self.owners.setdefault(encoded, (owner, form))
        self._by_prefix: dict[bytes, list[bytes]] = {}
        for encoded in self.owners:
            self._by_prefix.setdefault(encoded[:PREFIX_BYTES], []).append(encoded)
        prefixes = np.frombuffer(b"".join(self._by_prefix), dtype="<u8")
        self._possible_prefixes = np.zeros(1 << 24, dtype=bool)
        self._possible_prefixes[prefixes & 0xFFFFFF] = True

    def find_in(self, content: bytes) -> Iterator[tuple[str, str]]:
        """Yield the owner and the encoding of each value that the content contains."""
        for start in range(0, max(len(content) - PREFIX_BYTES + 1, 0), BLOCK_BYTES):
            yield from self._find_in_block(
                content, start, min(start + BLOCK_BYTES, len(content) - PREFIX_BYTES + 1)
            )

    def _find_in_block(self, content: bytes, start: int, end: int) -> Iterator[tuple[str, str]]:
        block = np.frombuffer(content, dtype=np.uint8, count=end - start + PREFIX_BYTES - 1, offset=start)
        widened = block.astype(np.int64)
        first_three = widened[:-7] | widened[1:-6] << 8 | widened[2:-5] << 16
        for offset in np.flatnonzero(self._possible_prefixes[first_three]):
            position = start + int(offset)
            for encoded in self._by_prefix.get(content[position : position + PREFIX_BYTES], ()):
                if content.startswith(encoded, position):
                    yield self.owners[encoded]
