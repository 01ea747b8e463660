"""Write keys: the credentials of sources; 256 random bits, stored as a SHA-256 digest."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from discretion.catalogue.model import Catalogue, Source
from discretion.store.write_keys import WriteKeyStore

CACHE_MS = 10_000
MAX_CACHED_KEYS = 1_000


class WriteKeys:
    """The write keys of all sources; a source has one key at a time."""

    def __init__(
        self,
        store: WriteKeyStore,
        catalogue: Catalogue,
        entropy: Callable[[int], bytes],
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._entropy = entropy
        self._now_ms = now_ms
        self._cached_sources: dict[bytes, tuple[int, Source]] = {}

    async def issue_key(self, source: str) -> str:
        """Issue a new key for a source and return it; the earlier key stops working within ten seconds."""
        key = base64.urlsafe_b64encode(self._entropy(32)).rstrip(b"=").decode()
        await self._store.replace(source, _digest_key(key))
        return key

    async def find_source(self, key: str) -> Source | None:
        """Return the source that holds this key, or None."""
        digest = _digest_key(key)
        now = self._now_ms()
        cached = self._cached_sources.get(digest)
        if cached is not None and cached[0] > now:
            return cached[1]
        source_key = await self._store.find_source(digest)
        source = None if source_key is None else self._catalogue.sources.get(source_key)
        if source is None:
            self._cached_sources.pop(digest, None)
            return None
        # Only valid keys are cached, so a caller cannot fill the cache with invented ones.
        if len(self._cached_sources) >= MAX_CACHED_KEYS:
            self._cached_sources.clear()
        self._cached_sources[digest] = (now + CACHE_MS, source)
        return source


def _digest_key(key: str) -> bytes:
    # "surrogatepass": text with lone surrogates matches no key, but must not raise an error.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
