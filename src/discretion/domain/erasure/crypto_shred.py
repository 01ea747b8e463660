"""Crypto-shredding: a bucket key is replaced and destroyed, so that old copies of the data are unreadable.

A rotation has these phases:

    publish   write a new key for each bucket; from here on every new data key is wrapped under it
    rewrap    wrap the data keys of the remaining customers in the bucket under the new key
    record    write their wrapped keys beside the key file, for dumps that contain the old ones
    verify    check in one snapshot that no key is wrapped under the old bucket key
    destroy   delete the old bucket key

One rotation runs at a time across all processes (file lock); callers that wait share the next one. If a
process is killed during a rotation, the next rotation completes it first: the key file records which buckets
are being rotated, and every phase can be repeated.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from discretion.domain.kit.workflow.lease import Checkpoint, no_checkpoint
from discretion.errors import Broken, Unavailable
from discretion.seal.bucket_keys import DESTRUCTION_HORIZON_MS, BucketKeys, wrapped_key_range
from discretion.seal.file_lock import hold_exclusive_lock
from discretion.seal.key_files import NONCE_BYTES
from discretion.seal.key_ring import KeyRing
from discretion.seal.rewrapped_keys import RewrappedKeyFiles
from discretion.store.wrapped_keys import KeyRange, WrappedKey, WrappedKeyStore

BUCKET_BATCH = 32
"""Number of buckets that one query covers."""

REWRAP_BATCH = 500
"""Number of documents that are rewrapped in one write."""

VERIFY_ROUNDS = 10
"""Maximum number of search rounds; a key written by a transaction that commits late needs one more round."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ShredResult:
    """Destroyed keys: for each bucket the generation up to which all keys are destroyed.

    ``destroyed_ms`` is when the last of them was destroyed (ms since 1970).
    """

    generations: Mapping[int, int]
    destroyed_ms: int

    @property
    def horizon_ms(self) -> int:
        """The time (ms since 1970) from which no process has a destroyed key in memory."""
        return self.destroyed_ms + DESTRUCTION_HORIZON_MS


class CryptoShredder:
    """Replaces and destroys bucket keys."""

    def __init__(
        self,
        keys: WrappedKeyStore,
        buckets: BucketKeys,
        clock: Callable[[], int],
        entropy: Callable[[int], bytes],
    ) -> None:
        path = buckets.file.path
        self._keys = keys
        self._buckets = buckets
        self._clock = clock
        self._entropy = entropy
        self._rewrapped = RewrappedKeyFiles(path.parent / "rewrapped")
        self._lock_path = path.with_name(path.name + ".rotation")
        self._rotation_turn = asyncio.Lock()
        self._waiting_generations: dict[int, int] = {}

    async def shred(
        self, customers: Collection[bytes], checkpoint: Checkpoint = no_checkpoint
    ) -> ShredResult:
        """Destroy the bucket keys that wrap, or ever wrapped, the data keys of customers.

        The caller has deleted their documents. Data keys that are still found belong to other customers and
        are rewrapped.

        Args:
            customers: Customer ids, former ids of merged customers too.
            checkpoint: Called with the name of each point that is passed.

        Raises:
            Unavailable: ``KEYS_BUSY`` or ``KEY_UNAVAILABLE``: the store or the key folder is unavailable, or
                a transaction does not end. A repeated call continues from there.
        """
        self._buckets.reload_if_changed()
        ring = self._buckets.ring
        generations = {bucket: ring[bucket].generation for bucket in map(self._buckets.bucket_of, customers)}
        self._waiting_generations |= generations
        async with self._rotation_turn:
            self._buckets.reload_if_changed()
            # Another call may have destroyed these keys while this one waited for its turn.
            if _find_live_buckets(self._buckets.ring, generations):
                async with hold_exclusive_lock(self._lock_path):
                    await self._rotate(generations, checkpoint)
        ring = self._buckets.ring
        return ShredResult(
            generations,
            max((ring[bucket].previous_destroyed_at for bucket in generations), default=self._clock()),
        )

    async def _rotate(self, generations: Mapping[int, int], checkpoint: Checkpoint) -> None:
        # The rotation also serves all calls that wait for their turn; they find nothing left to do.
        pending, self._waiting_generations = {**self._waiting_generations, **generations}, {}
        self._buckets.reload_if_changed()
        while True:
            ring = self._buckets.ring
            # Retiring buckets come from a process that was killed in the middle of a rotation.
            live_buckets, retiring_buckets = _find_live_buckets(ring, pending), ring.list_retiring()
            if not live_buckets and not retiring_buckets:
                return
            checkpoint("shred.publish")
            # A retiring bucket has its new key already. Its old key must be destroyed
            # before another one is published.
            await self._buckets.publish_new_keys(live_buckets - retiring_buckets)
            checkpoint("shred.published")
            await self._retire_keys(sorted(self._buckets.ring.list_retiring()), checkpoint)

    async def _retire_keys(self, retiring_buckets: Sequence[int], checkpoint: Checkpoint) -> None:
        """Complete a rotation whose new keys are published, up to the destruction of the old keys."""
        for group in _batch_buckets(retiring_buckets):
            await self._rewrap_survivors(group, checkpoint)
        checkpoint("shred.destroy")
        await self._buckets.destroy_retiring_keys(retiring_buckets, self._clock())
        checkpoint("shred.destroyed")

    async def _rewrap_survivors(self, group: Sequence[int], checkpoint: Checkpoint) -> None:
        """Make sure that no data key is wrapped under the old keys of some buckets.

        Raises:
            Unavailable: ``KEYS_BUSY``; keys are still wrapped under an old key after ``VERIFY_ROUNDS``
                rounds.
        """
        ring = self._buckets.ring
        old_spans = [wrapped_key_range(bucket, ring[bucket].retiring_generation) for bucket in group]
        unreadable: set[WrappedKey] = set()
        # A transaction that began before the new keys were published may still commit a key wrapped under an
        # old one. So the search is repeated until a snapshot read finds none.
        for _ in range(VERIFY_ROUNDS):
            await self._rewrap(old_spans, unreadable, checkpoint)
            checkpoint("shred.rewrapped")
            # Before the old key is destroyed: a dump made earlier needs these keys to be restored.
            await self._record_survivors(group, checkpoint)
            checkpoint("shred.verify")
            if unreadable.issuperset(await self._keys.list_within_snapshot(old_spans, len(unreadable) + 1)):
                return
        raise Unavailable("KEYS_BUSY", "Keys are wrapped under a bucket key that is to be destroyed.")

    async def _rewrap(
        self, old_spans: Sequence[KeyRange], unreadable: set[WrappedKey], checkpoint: Checkpoint
    ) -> None:
        """Rewrap the data keys that are wrapped under old keys; add those no key opens to ``unreadable``."""
        while True:
            # Unreadable keys stay in the range. Without a larger limit they would fill the
            # batch and end the loop early.
            wrapped_keys = await self._keys.list_within(old_spans, REWRAP_BATCH + len(unreadable))
            changes = []
            for wrapped in wrapped_keys:
                try:
                    data_key = self._buckets.unwrap(wrapped.customer, wrapped.key)
                except Broken as error:
                    if wrapped not in unreadable:
                        _log.error("a data key cannot be rewrapped: %s", error.code)
                    unreadable.add(wrapped)
                    continue
                changes.append(
                    (wrapped, self._buckets.wrap(wrapped.customer, data_key, self._entropy(NONCE_BYTES)))
                )
            if not changes:
                return
            checkpoint("shred.rewrap")
            await self._keys.replace(changes)

    async def _record_survivors(self, group: Sequence[int], checkpoint: Checkpoint) -> None:
        ring = self._buckets.ring
        survivors: dict[int, dict[bytes, bytes]] = {bucket: {} for bucket in group}
        for wrapped in await self._keys.list_within(
            [wrapped_key_range(bucket, ring[bucket].generation) for bucket in group]
        ):
            survivors[self._buckets.bucket_of(wrapped.customer)][wrapped.customer] = wrapped.key
        for bucket, keys in survivors.items():
            checkpoint("shred.record")
            try:
                await asyncio.to_thread(self._rewrapped.write, bucket, keys)
            except OSError as error:
                raise Unavailable(
                    "KEY_UNAVAILABLE", f"Rewrapped keys cannot be written ({type(error).__name__})."
                ) from None


def _find_live_buckets(ring: KeyRing, generations: Mapping[int, int]) -> set[int]:
    """Return the buckets with a key of the given generation or an older one that is not destroyed."""
    return {bucket for bucket, generation in generations.items() if min(ring[bucket].keys) <= generation}


def _batch_buckets(buckets: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(buckets), BUCKET_BATCH):
        yield buckets[start : start + BUCKET_BATCH]
