"""The root key, what is derived from it, and the bucket keys that live outside MongoDB.

Every customer's data key is wrapped by the key of a *bucket*. Erasing a person gives their
bucket a new key, rewraps its survivors and destroys the old one; every older copy of the
wrapped key, in an oplog, a journal or a backup, is then dead. That only works because the
bucket keys never enter the database: deleting a wrapped key there leaves it in the oplog and
the data files, from where it can be inserted again.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from discretion.errors import Broken, Misconfigured

KEY_BYTES = 32
NONCE_BYTES = 12
_MAGIC = b"discretion/keyfile/v1"
_WRAPPED = struct.Struct(">BHI")  # format, bucket, generation
_FORMAT = 1


def derive(root: bytes, use: str, length: int = KEY_BYTES) -> bytes:
    """A key for one use only (HKDF-SHA-256, RFC 5869), so that no key does two things."""
    return HKDF(hashes.SHA256(), length, salt=None, info=f"discretion/{use}/v1".encode()).derive(root)


def seal_file(path: Path, root: bytes, content: bytes, entropy: Callable[[int], bytes]) -> None:
    """Write ``content`` under the root key: whole or not at all, flushed before it is renamed."""
    write_private(path, sealed_for(path.name, root, content, entropy))


def sealed_for(name: str, root: bytes, content: bytes, entropy: Callable[[int], bytes]) -> bytes:
    """What a sealed file of this name holds."""
    nonce = entropy(NONCE_BYTES)
    return _MAGIC + nonce + AESGCM(derive(root, f"file/{name}")).encrypt(nonce, content, _MAGIC)


def open_file(path: Path, root: bytes) -> bytes:
    """Read what ``seal_file`` wrote.

    Raises:
        Misconfigured: ``KEY_FILE_UNREADABLE``, the root key is another one or the file is damaged.
    """
    body = path.read_bytes()
    start = len(_MAGIC)
    try:
        if not body.startswith(_MAGIC):
            raise InvalidTag
        nonce, sealed = body[start : start + NONCE_BYTES], body[start + NONCE_BYTES :]
        return AESGCM(derive(root, f"file/{path.name}")).decrypt(nonce, sealed, _MAGIC)
    except (InvalidTag, ValueError):
        raise Misconfigured(
            "KEY_FILE_UNREADABLE",
            f"{path.name} does not open with this root key.",
            "Use the root key it was written with, or start on another data folder.",
        ) from None


def write_private(path: Path, body: bytes) -> None:
    """Write a file only its owner can read, atomically and durably."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    flush(path.parent)


def flush(folder: Path) -> None:
    """Have the names in a folder survive a crash, those that are gone too."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Buckets:
    """The bucket keys of this installation, and wrapping under them."""

    def __init__(self, keys: tuple[bytes, ...], generations: tuple[int, ...]) -> None:
        self._generations = generations
        self._ciphers = tuple(AESGCM(key) for key in keys)

    def __repr__(self) -> str:
        """How many, never which."""
        return f"Buckets({len(self._ciphers)})"

    @classmethod
    def keep(cls, path: Path, root: bytes, count: int, entropy: Callable[[int], bytes]) -> Buckets:
        """Open the bucket keys kept at ``path``, making ``count`` of them the first time.

        Raises:
            Misconfigured: ``BUCKET_COUNT_FIXED`` if the file holds another number: the count
                places every customer, so it is chosen once.
        """
        if not path.exists():
            content = b"".join(struct.pack(">I", 1) + entropy(KEY_BYTES) for _ in range(count))
            seal_file(path, root, content, entropy)
        content = open_file(path, root)
        size = 4 + KEY_BYTES
        if len(content) != count * size:
            raise Misconfigured(
                "BUCKET_COUNT_FIXED",
                f"{path.name} holds {len(content) // size} bucket keys, DISCRETION_BUCKETS says {count}.",
                "The number is fixed when an installation is made; set it back.",
            )
        parts = [content[at : at + size] for at in range(0, len(content), size)]
        return cls(
            tuple(part[4:] for part in parts),
            tuple(int.from_bytes(part[:4]) for part in parts),
        )

    def bucket(self, customer: bytes) -> int:
        """The bucket a customer's id falls in; ids are random, so buckets fill evenly."""
        return int.from_bytes(customer[:4]) % len(self._ciphers)

    def wrap(self, customer: bytes, key: bytes, nonce: bytes) -> bytes:
        """A customer's data key, shut under the present key of their bucket; 67 bytes."""
        bucket = self.bucket(customer)
        head = _WRAPPED.pack(_FORMAT, bucket, self._generations[bucket])
        return head + nonce + self._ciphers[bucket].encrypt(nonce, key, head + customer)

    def unwrap(self, customer: bytes, wrapped: bytes) -> bytes:
        """The data key inside ``wrapped``.

        Raises:
            Broken: ``KEY_DESTROYED`` if its bucket key is gone, ``KEY_BROKEN`` if it was tampered with.
        """
        head = wrapped[: _WRAPPED.size]
        try:
            form, bucket, generation = _WRAPPED.unpack(head)
        except struct.error:
            raise Broken("KEY_BROKEN", "A wrapped data key is not in a known form.") from None
        if form != _FORMAT or bucket >= len(self._ciphers):
            raise Broken("KEY_BROKEN", "A wrapped data key is not in a known form.")
        if generation != self._generations[bucket]:
            raise Broken("KEY_DESTROYED", "The bucket key of this data key has been destroyed.")
        start = _WRAPPED.size
        try:
            key: bytes = self._ciphers[bucket].decrypt(
                wrapped[start : start + NONCE_BYTES], wrapped[start + NONCE_BYTES :], head + customer
            )
        except (InvalidTag, ValueError):
            raise Broken("KEY_BROKEN", "A wrapped data key does not open.") from None
        return key
