"""Every way in which a value may lie about: as it is, in other cases, hashed, in base64 at any alignment."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

PREFIX = 8
"""Bytes of a needle that are looked for at once; the rest is compared where those were found."""

BLOCK = 1 << 22
HASHES = ("sha1", "sha256", "md5")


def forms(value: str) -> Iterator[tuple[str, bytes]]:
    """The name of each form, and its bytes."""
    spelled = {"plain": value, "lower": value.lower(), "upper": value.upper()}
    for name, text in spelled.items():
        raw = text.encode()
        yield name, raw
        for shift in range(3):
            yield f"{name} in base64", inner(raw, shift)
    for name, text in (("plain", value), ("lower", value.lower())):
        for kind in HASHES:
            digest = hashlib.new(kind, text.encode(), usedforsecurity=False)
            yield f"{kind} of {name}", digest.digest()
            yield f"{kind} of {name} in hexadecimal", digest.hexdigest().encode()
            yield f"{kind} of {name} in base64", base64.b64encode(digest.digest())[:-2]


def inner(raw: bytes, shift: int) -> bytes:
    """What a text has in base64 whatever stands around it, ``shift`` bytes after a boundary."""
    encoded = base64.b64encode(b"\0" * shift + raw)
    first = (shift * 8 + 5) // 6
    last = len(encoded) if (shift + len(raw)) % 3 == 0 else ((shift + len(raw)) * 8) // 6
    return encoded[first:last]


class Needles:
    """Many needles at once. ``owners`` says of each whose it is and in which form."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self.owners: dict[bytes, tuple[str, str]] = {}
        for owner, texts in values.items():
            for text in texts:
                for form, needle in forms(text):
                    if len(needle) >= PREFIX:
                        self.owners.setdefault(needle, (owner, form))
        self._by_prefix: dict[bytes, list[bytes]] = {}
        for needle in self.owners:
            self._by_prefix.setdefault(needle[:PREFIX], []).append(needle)
        prefixes = np.frombuffer(b"".join(self._by_prefix), dtype="<u8")
        self._possible = np.zeros(1 << 24, dtype=bool)
        self._possible[prefixes & 0xFFFFFF] = True

    def found_in(self, haystack: bytes) -> Iterator[tuple[str, str]]:
        """Whose value is in there, and in which form."""
        for start in range(0, max(len(haystack) - PREFIX + 1, 0), BLOCK):
            yield from self._found(haystack, start, min(start + BLOCK, len(haystack) - PREFIX + 1))

    def _found(self, haystack: bytes, start: int, end: int) -> Iterator[tuple[str, str]]:
        raw = np.frombuffer(haystack, dtype=np.uint8, count=end - start + PREFIX - 1, offset=start)
        wide = raw.astype(np.int64)
        first_three = wide[:-7] | wide[1:-6] << 8 | wide[2:-5] << 16
        for place in np.flatnonzero(self._possible[first_three]):
            at = start + int(place)
            for needle in self._by_prefix.get(haystack[at : at + PREFIX], ()):
                if haystack.startswith(needle, at):
                    yield self.owners[needle]
