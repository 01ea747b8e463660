"""Shredding: the key of a bucket is replaced and destroyed, so that old copies of what it wrapped are dead.

    publish   a new key for each bucket; from here on everything new is wrapped under it
    rewrap    whoever is left in the bucket
    record    their wrapped keys beside the key file, for dumps that have the old ones
    verify    that at one moment nothing is wrapped under the old key
    destroy   the old key

One rotation at a time, of whatever process; those who wait for theirs share the next one. What a process
did not finish when it was killed, the next rotation finishes before its own: the key file says what is
under way, and every step does nothing the second time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from discretion.errors import Broken, Unavailable
from discretion.seal.bucket_keys import HORIZON_MS, Buckets, span
from discretion.seal.file_lock import alone
from discretion.seal.key_files import NONCE_BYTES
from discretion.seal.key_ring import Ring
from discretion.seal.rewrapped_keys import Rewrapped
from discretion.store.driver.database import Database
from discretion.store.wrapped_keys import Span, Wrapped, WrappedKeys

TOGETHER = 32
"""Buckets that are looked at in one query."""

AT_ONCE = 500
"""Documents that are rewrapped in one go."""

ROUNDS = 10
"""How often survivors are looked for; a key that was moved in the last moment takes one more."""

At = Callable[[str], None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shredded:
    """What a certificate says: of which buckets the keys up to which generation are destroyed.

    ``destroyed`` is when the last of them was (ms); from ``horizon`` (ms) on no process has one in memory.
    """

    buckets: Mapping[int, int]
    destroyed: int

    @property
    def horizon(self) -> int:
        """See the class."""
        return self.destroyed + HORIZON_MS


class Shred:
    """Replaces bucket keys; see the module."""

    def __init__(
        self,
        database: Database,
        buckets: Buckets,
        clock: Callable[[], int],
        entropy: Callable[[int], bytes],
    ) -> None:
        path = buckets.file.path
        self._keys = WrappedKeys(database)
        self._buckets = buckets
        self._clock = clock
        self._entropy = entropy
        self._rewrapped = Rewrapped(path.parent / "rewrapped")
        self._lock = path.with_name(path.name + ".rotation")
        self._turn = asyncio.Lock()
        self._waiting: dict[int, int] = {}

    async def __call__(self, customers: Collection[bytes], at: At = lambda _: None) -> Shredded:
        """Destroy the bucket keys that wrap, or ever wrapped, the data keys of customers.

        Their documents are gone when this is called; documents that are there are survivors.

        Args:
            customers: Ids, former ones of merged customers too.
            at: Told the name of each point that is passed.

        Raises:
            Unavailable: the store or the folder of keys is away, or a transaction hangs; asking again goes on
                from there.
        """
        self._buckets.look()
        ring = self._buckets.ring
        wanted = {one: ring[one].generation for one in map(self._buckets.bucket, customers)}
        self._waiting |= wanted
        async with self._turn:
            self._buckets.look()
            if _alive(self._buckets.ring, wanted):
                async with alone(self._lock):
                    await self._rotate(wanted, at)
        ring = self._buckets.ring
        return Shredded(wanted, max((ring[one].since for one in wanted), default=self._clock()))

    async def _rotate(self, wanted: Mapping[int, int], at: At) -> None:
        together, self._waiting = {**self._waiting, **wanted}, {}
        self._buckets.look()
        while True:
            ring = self._buckets.ring
            alive, retiring = _alive(ring, together), ring.retiring()
            if not alive and not retiring:
                return
            at("shred.publish")
            await self._buckets.publish(alive - retiring)
            at("shred.published")
            await self._finish(sorted(self._buckets.ring.retiring()), at)

    async def _finish(self, retiring: Sequence[int], at: At) -> None:
        """From the new keys in the file to the old ones out of it."""
        for group in _groups(retiring):
            await self._rid(group, at)
        at("shred.destroy")
        await self._buckets.destroy(retiring, self._clock())
        at("shred.destroyed")

    async def _rid(self, group: Sequence[int], at: At) -> None:
        """See that nothing is wrapped under the old keys of some buckets any more."""
        ring = self._buckets.ring
        old = [span(one, ring[one].retiring) for one in group]
        lost: set[Wrapped] = set()
        for _ in range(ROUNDS):
            await self._rewrap(old, lost, at)
            at("shred.rewrapped")
            await self._record(group, at)
            at("shred.verify")
            if lost.issuperset(await self._keys.left(old, len(lost) + 1)):
                return
        raise Unavailable("KEYS_BUSY", "Keys are wrapped under a bucket key that is to be destroyed.")

    async def _rewrap(self, old: Sequence[Span], lost: set[Wrapped], at: At) -> None:
        """Wrap whoever is left under the new keys. What opens under no key is ``lost`` already."""
        while True:
            found = await self._keys.within(old, AT_ONCE + len(lost))
            changes = []
            for one in found:
                try:
                    key = self._buckets.unwrap(one.customer, one.key)
                except Broken as broken:
                    if one not in lost:
                        _log.error("a data key cannot be wrapped anew: %s", broken.code)
                    lost.add(one)
                    continue
                changes.append((one, self._buckets.wrap(one.customer, key, self._entropy(NONCE_BYTES))))
            if not changes:
                return
            at("shred.rewrap")
            await self._keys.replace(changes)

    async def _record(self, group: Sequence[int], at: At) -> None:
        ring = self._buckets.ring
        survivors: dict[int, dict[bytes, bytes]] = {one: {} for one in group}
        for one in await self._keys.within([span(bucket, ring[bucket].generation) for bucket in group]):
            survivors[self._buckets.bucket(one.customer)][one.customer] = one.key
        for bucket, keys in survivors.items():
            at("shred.record")
            try:
                await asyncio.to_thread(self._rewrapped.write, bucket, keys)
            except OSError as error:
                raise Unavailable(
                    "KEY_UNAVAILABLE", f"Wrapped keys cannot be kept ({type(error).__name__})."
                ) from None


def _alive(ring: Ring, wanted: Mapping[int, int]) -> set[int]:
    """Buckets of which a generation up to the one wanted is not destroyed."""
    return {bucket for bucket, generation in wanted.items() if min(ring[bucket].keys) <= generation}


def _groups(buckets: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(buckets), TOGETHER):
        yield buckets[start : start + TOGETHER]
