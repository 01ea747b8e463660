"""Bucket keys, which are stored outside MongoDB, and the wrapping of data keys under them.

Every customer's data key is wrapped by the key of a *bucket*. An erasure gives the bucket a new key, rewraps
the data keys of its surviving customers and destroys the old bucket key. Every older copy of the wrapped key,
in an oplog, a journal or a backup, is then useless. This works only because bucket keys never enter the
database: a deleted wrapped key stays in the oplog and the data files, from where it can be inserted again.

Many processes use one key file. Each process notices a change within half a second, and immediately when it
reads a generation that it does not know. A key that was removed from the file can still be used from memory
for ``GRACE_S``, so that a document that was read before its key was rewrapped can be decrypted.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable, Collection, MutableMapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.errors import Broken, Misconfigured, Unavailable
from discretion.seal.file_lock import SharedExclusiveLock
from discretion.seal.key_files import KEY_BYTES, NONCE_BYTES
from discretion.seal.key_ring import BucketRecord, KeyRing, KeyRingFile

WRAPPED_BYTES = 67
"""Length of a wrapped data key: header 7, nonce 12, key 32, authentication tag 16."""
POLL_S = 0.5
"""Seconds between two checks of the key file."""
GRACE_S = 1.0
"""Seconds for which a destroyed key stays usable in memory."""
DESTRUCTION_HORIZON_MS = 2000
"""Time (ms) after which no process has a destroyed key in memory: ``POLL_S + GRACE_S`` and a margin."""

_HEADER = struct.Struct(">BHI")  # format, bucket, generation
_FORMAT = 1


def wrapped_key_range(bucket: int, generation: int) -> tuple[bytes, bytes]:
    """Return the lowest wrapped key of a bucket's generation, and the lowest beyond it.

    MongoDB orders binary data by length first, so both bounds are padded to the length of a wrapped key.
    """
    least, beyond = (_HEADER.pack(_FORMAT, bucket, bound) for bound in (generation, generation + 1))
    return least.ljust(WRAPPED_BYTES, b"\0"), beyond.ljust(WRAPPED_BYTES, b"\0")


class BucketKeys:
    """The bucket keys of this installation, stored in the file at ``path``.

    The module docstring describes wrapping, rotation and the grace period.
    """

    def __init__(self, path: Path, root: bytes, entropy: Callable[[int], bytes]) -> None:
        self.file = KeyRingFile(path, root, entropy)
        self._entropy = entropy
        self._rotation_lock = SharedExclusiveLock(path)
        self._ring, self._stamp = self.file.read()
        self._ciphers: dict[tuple[int, int], AESGCM] = {}
        self._destroyed_until: dict[tuple[int, int], float] = {}
        self._listeners: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        """Return a text with the number of keys and without the keys."""
        return f"BucketKeys({self._ring.count})"

    @classmethod
    def open_or_create(
        cls, path: Path, root: bytes, count: int, entropy: Callable[[int], bytes]
    ) -> BucketKeys:
        """Open the bucket keys stored at ``path``; the first time, create ``count`` of them.

        Raises:
            Misconfigured: ``BUCKET_COUNT_FIXED`` if the file holds another number. The number determines the
                bucket of every customer, so it cannot change later.
        """
        # Two processes may both find no file; ``create`` lets one of them win and both then read the same
        # file.
        if not path.exists():
            KeyRingFile(path, root, entropy).create(count)
        buckets = cls(path, root, entropy)
        if buckets.ring.count != count:
            raise Misconfigured(
                "BUCKET_COUNT_FIXED",
                f"{path.name} holds {buckets.ring.count} bucket keys, DISCRETION_BUCKETS says {count}.",
                "The number is fixed when an installation is created; restore the earlier value.",
            )
        return buckets

    @property
    def ring(self) -> KeyRing:
        """The keys as they were at the last check of the file."""
        return self._ring

    def add_listener(self, on_change: Callable[[], None]) -> None:
        """Register a callback that is called whenever keys were added or removed."""
        self._listeners.append(on_change)

    def bucket_of(self, customer: bytes) -> int:
        """Return the bucket of a customer. Ids are random, so buckets fill evenly."""
        return int.from_bytes(customer[:4]) % self._ring.count

    async def block_rotation(self, end_callbacks: MutableMapping[str, Callable[[], None]]) -> None:
        """Prevent the publication of a new generation until a transaction has ended.

        A process that wraps a new customer's key acquires this first, and keeps it until its write is
        committed or can no longer be committed. A rotation searches for surviving customers after it has
        published new keys; without this lock it would miss a customer whose transaction is still in flight,
        and destroy their key.

        Args:
            end_callbacks: Callbacks that run when the transaction has ended, by name
            (``Database.end_callbacks``).
        """
        # A second acquisition by one transaction could wait behind an exclusive caller, who waits for the
        # first one.
        if "buckets" not in end_callbacks:
            end_callbacks["buckets"] = await self._rotation_lock.acquire_shared()

    def wrap(self, customer: bytes, key: bytes, nonce: bytes) -> bytes:
        """Wrap a customer's data key under the newest key of their bucket.

        Returns:
            67 bytes: format, bucket, generation, nonce, encrypted key and tag.

        Raises:
            Unavailable: ``KEY_UNAVAILABLE``.
        """
        # A new key must not be wrapped under a generation that another process is giving up.
        self.reload_if_changed()
        bucket = self.bucket_of(customer)
        generation = self._ring[bucket].generation
        header = _HEADER.pack(_FORMAT, bucket, generation)
        cipher = self._cipher(bucket, generation)
        assert cipher is not None
        # The customer is authenticated too: a wrapped key that is copied to another customer cannot be
        # unwrapped.
        return header + nonce + cipher.encrypt(nonce, key, header + customer)

    def unwrap(self, customer: bytes, wrapped: bytes) -> bytes:
        """Return the data key inside a wrapped key.

        Raises:
            Broken: ``KEY_DESTROYED`` if its bucket key no longer exists, ``KEY_BROKEN`` if it was altered.
            Unavailable: ``KEY_UNAVAILABLE``.
        """
        header = wrapped[: _HEADER.size]
        try:
            format_version, bucket, generation = _HEADER.unpack(header)
        except struct.error:
            raise Broken("KEY_BROKEN", "A wrapped data key is not in a known form.") from None
        if format_version != _FORMAT or bucket >= self._ring.count:
            raise Broken("KEY_BROKEN", "A wrapped data key is not in a known form.")
        cipher = self._cipher(bucket, generation)
        # Another process may have published this generation since the last check.
        if cipher is None and self.reload_if_changed():
            cipher = self._cipher(bucket, generation)
        if cipher is None:
            raise Broken("KEY_DESTROYED", "The bucket key of this data key has been destroyed.")
        start = _HEADER.size
        try:
            return cipher.decrypt(
                wrapped[start : start + NONCE_BYTES], wrapped[start + NONCE_BYTES :], header + customer
            )
        except (InvalidTag, ValueError):
            raise Broken("KEY_BROKEN", "A wrapped data key cannot be unwrapped: it was altered.") from None

    def is_key_live(self, wrapped: bytes) -> bool:
        """Return whether the bucket key of a wrapped key is in the file; a key in its grace period is not."""
        try:
            _, bucket, generation = _HEADER.unpack_from(wrapped)
        except struct.error:
            return False
        return bucket < self._ring.count and generation in self._ring[bucket].keys

    def reload_if_changed(self) -> bool:
        """Reload the key file if it has changed, and return whether it had.

        Raises:
            Unavailable: ``KEY_UNAVAILABLE``; the file cannot be read.
        """
        try:
            if self.file.read_stamp() == self._stamp:
                return False
            ring, stamp = self.file.read()
        except (OSError, Misconfigured) as error:
            reason = error.code if isinstance(error, Misconfigured) else type(error).__name__
            raise Unavailable("KEY_UNAVAILABLE", f"The bucket keys cannot be read ({reason}).") from None
        self._replace_ring(ring, stamp)
        return True

    def forget_destroyed_keys(self) -> None:
        """Remove keys from memory that were destroyed ``GRACE_S`` ago."""
        now = time.monotonic()
        expired = [
            bucket_generation for bucket_generation, until in self._destroyed_until.items() if until <= now
        ]
        for bucket_generation in expired:
            del self._destroyed_until[bucket_generation]
            self._ciphers.pop(bucket_generation, None)
        if expired:
            self._notify_listeners()

    async def publish_new_keys(self, rotated: Collection[int]) -> KeyRing:
        """Give buckets a new key each; the present key of each becomes the retiring one.

        No process has a transaction with a newly wrapped key in flight at that moment (``block_rotation``).
        Only one caller at a time may call this.

        Raises:
            Unavailable: ``KEYS_BUSY`` or ``KEY_UNAVAILABLE``.
        """
        async with self._rotation_lock.hold_exclusive():
            self.reload_if_changed()
            await self._write_changes(
                {
                    bucket: self._ring[bucket].with_new_key(self._entropy(KEY_BYTES))
                    for bucket in rotated
                    # A rotation that was interrupted is continued: its retiring key is still there and has to
                    # be destroyed first.
                    if not self._ring[bucket].retiring_generation
                }
            )
        return self._ring

    async def destroy_retiring_keys(self, retired: Collection[int], now: int) -> KeyRing:
        """Destroy the retiring keys of these buckets; ``now`` is in ms.

        Only one caller at a time may call this.
        """
        self.reload_if_changed()
        await self._write_changes(
            {
                bucket: self._ring[bucket].without_retiring_key(now)
                for bucket in retired
                if self._ring[bucket].retiring_generation
            }
        )
        return self._ring

    async def _write_changes(self, changes: dict[int, BucketRecord]) -> None:
        if not changes:
            return
        try:
            # The write flushes to disk several times, so it runs in a thread and does not block the event
            # loop.
            await asyncio.to_thread(self.file.write, self._ring.with_changes(changes))
        except OSError as error:
            raise Unavailable(
                "KEY_UNAVAILABLE", f"The bucket keys cannot be written ({type(error).__name__})."
            ) from None
        self.reload_if_changed()

    def _replace_ring(self, ring: KeyRing, stamp: tuple[int, int, int]) -> None:
        # Monotonic: a wall clock that is set back would prolong the life of a destroyed key.
        until = time.monotonic() + GRACE_S
        for (bucket, generation), key in self._ring.list_removed_keys(ring).items():
            # The same generation with another key: the file was replaced, for example by a restored backup.
            if generation in ring[bucket].keys:
                self._ciphers.pop((bucket, generation), None)
                continue
            # Documents that were read before their key was rewrapped must still be decrypted for a moment.
            self._destroyed_until[bucket, generation] = until
            self._ciphers.setdefault((bucket, generation), AESGCM(key))
        self._ring, self._stamp = ring, stamp
        self._notify_listeners()

    def _notify_listeners(self) -> None:
        for listener in self._listeners:
            listener()

    def _cipher(self, bucket: int, generation: int) -> AESGCM | None:
        bucket_generation = bucket, generation
        cipher = self._ciphers.get(bucket_generation)
        if cipher is None:
            key = self._ring[bucket].keys.get(generation)
            if key is None:
                return None
            cipher = self._ciphers[bucket_generation] = AESGCM(key)
        # The grace period ends on time, even if the polling task has not removed the key yet.
        if (
            self._destroyed_until
            and self._destroyed_until.get(bucket_generation, time.monotonic() + 1) <= time.monotonic()
        ):
            self.forget_destroyed_keys()
            return None
        return cipher
