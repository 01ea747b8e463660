"""Pairwise ids: one person has another id for every client (as OpenID Connect Core 1.0, section 8.1).

AES-SIV (RFC 5297) is deterministic and authenticated: a client always meets the same id, two
clients cannot join theirs, and an id made for one client is not an id to another.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from discretion.seal.key_files import derive

_CLIENTS_MAX = 4096
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Pairwise:
    """Shuts and opens ids and cursors for one client at a time."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._ciphers: OrderedDict[str, AESSIV] = OrderedDict()

    def __repr__(self) -> str:
        """Without the key."""
        return "Pairwise(****)"

    def shut(self, client: str, kind: bytes, content: bytes) -> str:
        """``content`` as text only ``client`` can hand back, in base64url without padding."""
        return self.shutter(client, kind)(content)

    def shutter(self, client: str, kind: bytes) -> Callable[[bytes], str]:
        """``shut`` for many contents of one client and kind."""
        encrypt, kinds = self._cipher(client).encrypt, [kind]
        to_base64 = binascii.b2a_base64

        def shut(content: bytes) -> str:
            text = to_base64(encrypt(content, kinds), newline=False)
            return text.translate(_URL_SAFE).rstrip(b"=").decode()

        return shut

    def open(self, client: str, kind: bytes, text: str) -> bytes | None:
        """What ``shut`` was given, or None if ``text`` was not made for this client and kind."""
        if not text.isascii() or len(text) > 4096:
            return None
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            content = self._cipher(client).decrypt(sealed, [kind])
        except (binascii.Error, ValueError, InvalidTag):
            return None
        # base64 has several spellings of some texts; only the one we wrote is an id.
        return content if self.shut(client, kind, content) == text else None

    def _cipher(self, client: str) -> AESSIV:
        cipher = self._ciphers.get(client)
        if cipher is None:
            cipher = AESSIV(derive(self._key, f"pairwise/{client}", 64))
            self._ciphers[client] = cipher
            if len(self._ciphers) > _CLIENTS_MAX:
                self._ciphers.popitem(last=False)
        return cipher
