"""Whether this process can serve: the database answers, and the keys here open what it holds."""

from __future__ import annotations

from collections.abc import Callable

from discretion.errors import Broken, Unavailable
from discretion.seal.bucket_keys import BucketKeys
from discretion.store.driver.database import Database
from discretion.store.wrapped_keys import WrappedKey, WrappedKeyStore

ID_BYTES = 16
SAMPLE_SIZE = 4
"""Customers whose keys are tried each time, from a random id on."""


class ReadinessProbe:
    """Tries the database, and the wrapped keys of a few customers."""

    def __init__(self, database: Database, buckets: BucketKeys, entropy: Callable[[int], bytes]) -> None:
        self._database = database
        self._wrapped_keys = WrappedKeyStore(database)
        self._buckets = buckets
        self._entropy = entropy

    async def check(self) -> None:
        """Return if this process can serve.

        Raises:
            Unavailable: ``STORE_UNAVAILABLE``. ``KEY_UNAVAILABLE``; the key file cannot be read.
                ``KEYS_UNREADABLE``; the keys here do not open the customers of the database, for example
                because an older copy of the folder was put back.
        """
        await self._database.command({"ping": 1})
        self._buckets.reload_if_changed()
        sampled = await self._wrapped_keys.list_from(self._entropy(ID_BYTES), SAMPLE_SIZE)
        codes = [self._try_key(wrapped) for wrapped in sampled]
        # An erasure may have destroyed a single one since it was read.
        if "KEY_BROKEN" in codes or (codes and set(codes) == {"KEY_DESTROYED"}):
            raise Unavailable(
                "KEYS_UNREADABLE", "The bucket keys here do not open the customers of this database."
            )

    def _try_key(self, wrapped: WrappedKey) -> str:
        try:
            self._buckets.unwrap(wrapped.customer, wrapped.key)
        except Broken as broken:
            return broken.code
        return ""
