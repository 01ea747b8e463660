"""Bucket keys, which live outside MongoDB, and wrapping under them.

Every customer's data key is wrapped by the key of a *bucket*. Erasing a person gives their
bucket a new key, rewraps its survivors and destroys the old one; every older copy of the
wrapped key, in an oplog, a journal or a backup, is then dead. That only works because the
bucket keys never enter the database: deleting a wrapped key there leaves it in the oplog and
the data files, from where it can be inserted again.

Many processes use one file of keys. Each sees within half a second that it changed, and at once when it
meets a generation it does not know. A key that is gone from the file can still be used from memory for
``LINGER_S``: a document that was read before its key was rewrapped opens.
"""

from __future__ import annotations

import asyncio
import logging
import struct
import time
from collections.abc import AsyncIterator, Callable, Collection, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.errors import Broken, DiscretionError, Misconfigured, Unavailable
from discretion.seal.file_lock import Turnstile
from discretion.seal.key_files import KEY_BYTES, NONCE_BYTES
from discretion.seal.key_ring import Bucket, Ring, RingFile

WRAPPED_BYTES = 67
LOOK_EVERY_S = 0.5
LINGER_S = 1.0
HORIZON_MS = 2000
"""That long after a key was destroyed no process has it in memory."""

_WRAPPED = struct.Struct(">BHI")  # format, bucket, generation
_FORMAT = 1
_log = logging.getLogger(__name__)


def span(bucket: int, generation: int) -> tuple[bytes, bytes]:
    """The least key wrapped under a bucket's generation, and the least beyond; MongoDB puts length first."""
    least, beyond = (_WRAPPED.pack(_FORMAT, bucket, one) for one in (generation, generation + 1))
    return least.ljust(WRAPPED_BYTES, b"\0"), beyond.ljust(WRAPPED_BYTES, b"\0")


class Buckets:
    """The bucket keys of this installation, kept at ``path``; see the module."""

    def __init__(self, path: Path, root: bytes, entropy: Callable[[int], bytes]) -> None:
        self.file = RingFile(path, root, entropy)
        self._entropy = entropy
        self._turnstile = Turnstile(path)
        self._ring, self._mark = self.file.read()
        self._ciphers: dict[tuple[int, int], AESGCM] = {}
        self._dying: dict[tuple[int, int], float] = {}
        self._listeners: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        """How many, never which."""
        return f"Buckets({self._ring.count})"

    @classmethod
    def keep(cls, path: Path, root: bytes, count: int, entropy: Callable[[int], bytes]) -> Buckets:
        """Open the bucket keys kept at ``path``, making ``count`` of them the first time.

        Raises:
            Misconfigured: ``BUCKET_COUNT_FIXED`` if the file holds another number: the count
                places every customer, so it is chosen once.
        """
        if not path.exists():
            RingFile(path, root, entropy).make(count)
        buckets = cls(path, root, entropy)
        if buckets.ring.count != count:
            raise Misconfigured(
                "BUCKET_COUNT_FIXED",
                f"{path.name} holds {buckets.ring.count} bucket keys, DISCRETION_BUCKETS says {count}.",
                "The number is fixed when an installation is made; set it back.",
            )
        return buckets

    @property
    def ring(self) -> Ring:
        """The keys as they were when last looked at."""
        return self._ring

    def listen(self, changed: Callable[[], None]) -> None:
        """Have ``changed`` called whenever keys came or went."""
        self._listeners.append(changed)

    def bucket(self, customer: bytes) -> int:
        """The bucket a customer's id falls in; ids are random, so buckets fill evenly."""
        return int.from_bytes(customer[:4]) % self._ring.count

    async def hold(self, ends: MutableMapping[str, Callable[[], None]]) -> None:
        """See that no generation is published until a transaction has ended.

        Whoever wraps a new customer's key holds this first, and until what it wrote is committed or will
        never be: a rotation looks for survivors after it has published, and must not miss one on its way.

        Args:
            ends: What is called when the transaction has ended, by name.
        """
        if "buckets" not in ends:
            ends["buckets"] = await self._turnstile.enter()

    def wrap(self, customer: bytes, key: bytes, nonce: bytes) -> bytes:
        """A customer's data key, shut under the newest key of their bucket; 67 bytes.

        Raises:
            Unavailable: ``KEY_UNAVAILABLE``.
        """
        self.look()
        bucket = self.bucket(customer)
        generation = self._ring[bucket].generation
        head = _WRAPPED.pack(_FORMAT, bucket, generation)
        cipher = self._cipher(bucket, generation)
        assert cipher is not None
        return head + nonce + cipher.encrypt(nonce, key, head + customer)

    def unwrap(self, customer: bytes, wrapped: bytes) -> bytes:
        """The data key inside ``wrapped``.

        Raises:
            Broken: ``KEY_DESTROYED`` if its bucket key is gone, ``KEY_BROKEN`` if it was tampered with.
            Unavailable: ``KEY_UNAVAILABLE``.
        """
        head = wrapped[: _WRAPPED.size]
        try:
            form, bucket, generation = _WRAPPED.unpack(head)
        except struct.error:
            raise Broken("KEY_BROKEN", "A wrapped data key is not in a known form.") from None
        if form != _FORMAT or bucket >= self._ring.count:
            raise Broken("KEY_BROKEN", "A wrapped data key is not in a known form.")
        cipher = self._cipher(bucket, generation)
        if cipher is None and self.look():
            cipher = self._cipher(bucket, generation)
        if cipher is None:
            raise Broken("KEY_DESTROYED", "The bucket key of this data key has been destroyed.")
        start = _WRAPPED.size
        try:
            return cipher.decrypt(
                wrapped[start : start + NONCE_BYTES], wrapped[start + NONCE_BYTES :], head + customer
            )
        except (InvalidTag, ValueError):
            raise Broken("KEY_BROKEN", "A wrapped data key does not open.") from None

    def lives(self, wrapped: bytes) -> bool:
        """Whether the bucket key of a wrapped key is in the file; what lingers is not."""
        try:
            _, bucket, generation = _WRAPPED.unpack_from(wrapped)
        except struct.error:
            return False
        return bucket < self._ring.count and generation in self._ring[bucket].keys

    def look(self) -> bool:
        """Look whether the file is another one than it was, and take it up; whether it was.

        Raises:
            Unavailable: ``KEY_UNAVAILABLE``; the file cannot be read.
        """
        try:
            if self.file.mark() == self._mark:
                return False
            ring, mark = self.file.read()
        except (OSError, Misconfigured) as error:
            reason = error.code if isinstance(error, Misconfigured) else type(error).__name__
            raise Unavailable("KEY_UNAVAILABLE", f"The bucket keys cannot be read ({reason}).") from None
        self._take_up(ring, mark)
        return True

    def let_go(self) -> None:
        """Forget keys that were destroyed ``LINGER_S`` ago."""
        now = time.monotonic()
        over = [which for which, until in self._dying.items() if until <= now]
        for which in over:
            del self._dying[which]
            self._ciphers.pop(which, None)
        if over:
            self._tell()

    async def publish(self, wanted: Collection[int]) -> Ring:
        """Give buckets a new key each; the one they had is being given up from now on.

        Nobody who wraps a new key is under way when this happens, in any process. One caller at a time.

        Raises:
            Unavailable: ``KEYS_BUSY`` or ``KEY_UNAVAILABLE``.
        """
        async with self._turnstile.alone():
            self.look()
            await self._write(
                {
                    one: self._ring[one].followed(self._entropy(KEY_BYTES))
                    for one in wanted
                    if not self._ring[one].retiring
                }
            )
        return self._ring

    async def destroy(self, given_up: Collection[int], now: int) -> Ring:
        """Destroy the keys that these buckets gave up, at ``now`` (ms). One caller at a time."""
        self.look()
        await self._write({one: self._ring[one].rid(now) for one in given_up if self._ring[one].retiring})
        return self._ring

    async def _write(self, changes: dict[int, Bucket]) -> None:
        if not changes:
            return
        try:
            await asyncio.to_thread(self.file.write, self._ring.changed(changes))
        except OSError as error:
            raise Unavailable(
                "KEY_UNAVAILABLE", f"The bucket keys cannot be written ({type(error).__name__})."
            ) from None
        self.look()

    def _take_up(self, ring: Ring, mark: tuple[int, int, int]) -> None:
        until = time.monotonic() + LINGER_S
        for (bucket, generation), key in self._ring.gone(ring).items():
            if generation in ring[bucket].keys:  # other keys were put in place of these
                self._ciphers.pop((bucket, generation), None)
                continue
            self._dying[bucket, generation] = until
            self._ciphers.setdefault((bucket, generation), AESGCM(key))
        self._ring, self._mark = ring, mark
        self._tell()

    def _tell(self) -> None:
        for one in self._listeners:
            one()

    def _cipher(self, bucket: int, generation: int) -> AESGCM | None:
        which = bucket, generation
        cipher = self._ciphers.get(which)
        if cipher is None:
            key = self._ring[bucket].keys.get(generation)
            if key is None:
                return None
            cipher = self._ciphers[which] = AESGCM(key)
        if self._dying and self._dying.get(which, time.monotonic() + 1) <= time.monotonic():
            self.let_go()
            return None
        return cipher


@asynccontextmanager
async def watching(buckets: Buckets) -> AsyncIterator[None]:
    """Look at the file twice a second, and forget what was destroyed."""

    async def look() -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                buckets.look()
            except DiscretionError as error:
                _log.error("the bucket keys cannot be looked at: %s", error.code)
            buckets.let_go()

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
