"""Write keys: what a source shows at the door. Made by us, 256 bits, kept as a digest."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from discretion.catalogue.model import Catalogue, Source
from discretion.store.driver.database import Database

COLLECTION = "clients"
REMEMBERED_MS = 10_000
MAX_REMEMBERED = 1_000


class WriteKeys:
    """Issues and recognises the sources' keys; one key per source."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        entropy: Callable[[int], bytes],
        now_ms: Callable[[], int],
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._entropy = entropy
        self._now_ms = now_ms
        self._remembered: dict[bytes, tuple[int, Source]] = {}

    async def issue(self, source: str) -> str:
        """A new key of a source; the one before stops working within ten seconds."""
        key = base64.urlsafe_b64encode(self._entropy(32)).rstrip(b"=").decode()
        await self._database.replace_one(
            COLLECTION,
            {"_id": source},
            {"_id": source, "kind": "source", "source": source, "digest": _digest(key)},
            upsert=True,
        )
        return key

    async def source_of(self, key: str) -> Source | None:
        """The source that holds this key, or None."""
        digest = _digest(key)
        now = self._now_ms()
        remembered = self._remembered.get(digest)
        if remembered is not None and remembered[0] > now:
            return remembered[1]
        found = await self._database.find_one(COLLECTION, {"kind": "source", "digest": digest})
        source = self._catalogue.sources.get(found["source"]) if found else None
        if source is None:
            self._remembered.pop(digest, None)
            return None
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[digest] = (now + REMEMBERED_MS, source)
        return source


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
