"""Pairwise ids: one person has a different id for every client (as in OpenID Connect Core 1.0, section 8.1).

AES-SIV (RFC 5297) is deterministic and authenticated: a client always receives the same id, two clients
cannot join theirs, and an id made for one client is not valid for another.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from discretion.seal.key_files import derive_key

_MAX_CLIENTS = 4096
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class PairwiseIds:
    """Encodes and decodes ids and cursors for one client at a time."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._ciphers: OrderedDict[str, AESSIV] = OrderedDict()

    def __repr__(self) -> str:
        """Return a text without the key."""
        return "PairwiseIds(****)"

    def encode(self, client: str, kind: bytes, content: bytes) -> str:
        """Encode ``content`` as text that only ``client`` can use, in base64url without padding.

        ``kind`` separates uses: an id of one kind is not valid as an id of another.
        """
        return self.build_encoder(client, kind)(content)

    def build_encoder(self, client: str, kind: bytes) -> Callable[[bytes], str]:
        """Return ``encode`` for many contents of one client and kind."""
        encrypt, kinds = self._cipher(client).encrypt, [kind]
        to_base64 = binascii.b2a_base64

        def encode(content: bytes) -> str:
            text = to_base64(encrypt(content, kinds), newline=False)
            return text.translate(_URL_SAFE).rstrip(b"=").decode()

        return encode

    def decode(self, client: str, kind: bytes, text: str) -> bytes | None:
        """Return the encoded content, or None if ``text`` was not made for this client and kind."""
        # The caller chooses the text, so its length is limited before it is decoded.
        if not text.isascii() or len(text) > 4096:
            return None
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            content = self._cipher(client).decrypt(sealed, [kind])
        except (binascii.Error, ValueError, InvalidTag):
            return None
        # base64 has several spellings of some contents. Only the spelling from ``encode`` is accepted, so
        # that an id has one form and can be compared as text.
        return content if self.encode(client, kind, content) == text else None

    def _cipher(self, client: str) -> AESSIV:
        cipher = self._ciphers.get(client)
        if cipher is None:
            cipher = AESSIV(derive_key(self._key, f"pairwise/{client}", 64))
            self._ciphers[client] = cipher
            # The name of a client comes from its token, so the cache must not grow without limit.
            if len(self._ciphers) > _MAX_CLIENTS:
                self._ciphers.popitem(last=False)
        return cipher
