"""The bucket keys of an installation as one value, and the sealed file that stores them.

    bytes 0-3    "BKT3"
    bytes 4-7    number of buckets
    bytes 8-23   random id of the ring; it stays when keys are replaced
    then 80 bytes for each bucket:
    0-3, 4-35    generation and key at present
    36-43        when the key before it was destroyed (ms since 1970), 0 for the first
    44-47, 48-79 retiring generation and its key, 0 if there is none

Numbers are big-endian. An erasure relies on the file (``sealed_file``): it overwrites the bytes of keys that
are gone.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from discretion.errors import Misconfigured
from discretion.seal.key_files import KEY_BYTES
from discretion.seal.sealed_file import FileStamp, SealedFile

ID_BYTES = 16
_HEADER = struct.Struct(f">4sI{ID_BYTES}s")
_MAGIC = b"BKT3"
_RECORD = struct.Struct(f">I{KEY_BYTES}sQI{KEY_BYTES}s")
_NO_KEY = bytes(KEY_BYTES)


class BucketRecord(NamedTuple):
    """The keys of one bucket.

    Attributes:
        generation: Number of the present key, counted from 1.
        key: The present key.
        previous_destroyed_at: When the key before it was destroyed (ms since 1970), 0 for the first.
        retiring_generation: Number of the key that is being given up, 0 if there is none.
        retiring_key: The key that is being given up; empty if there is none.
    """

    generation: int
    key: bytes
    previous_destroyed_at: int = 0
    retiring_generation: int = 0
    retiring_key: bytes = _NO_KEY

    def __repr__(self) -> str:
        return f"BucketRecord({self.generation}, retiring={self.retiring_generation})"

    def with_new_key(self, key: bytes) -> BucketRecord:
        """Return the record with a new key; the present one becomes the retiring one."""
        return BucketRecord(self.generation + 1, key, self.previous_destroyed_at, self.generation, self.key)

    def without_retiring_key(self, now: int) -> BucketRecord:
        """Return the record without its retiring key, destroyed at ``now`` (ms)."""
        return BucketRecord(self.generation, self.key, now)

    @property
    def keys(self) -> dict[int, bytes]:
        """The existing keys of the bucket, by generation."""
        keys = {self.generation: self.key}
        return keys | {self.retiring_generation: self.retiring_key} if self.retiring_generation else keys


class KeyRing:
    """The keys of all buckets, as an immutable value; ``id`` stays the same when keys are replaced."""

    __slots__ = ("_content", "count", "id")

    def __init__(self, content: bytes) -> None:
        self.count, remainder = divmod(len(content) - _HEADER.size, _RECORD.size)
        self.id = content[_HEADER.size - ID_BYTES : _HEADER.size]
        expected = _HEADER.pack(_MAGIC, max(self.count, 0), self.id)
        if remainder or self.count < 1 or content[: _HEADER.size] != expected:
            raise Misconfigured(
                "KEY_FILE_UNREADABLE",
                "The file of bucket keys is not in a known form.",
                "It was written by another release; start on another data folder.",
            )
        self._content = content

    def __repr__(self) -> str:
        return f"KeyRing({self.count})"

    @classmethod
    def from_records(cls, ring_id: bytes, bucket_records: list[BucketRecord]) -> KeyRing:
        """Return the ring with this id and these buckets, numbered by position."""
        records = (_RECORD.pack(*record) for record in bucket_records)
        return cls(_HEADER.pack(_MAGIC, len(bucket_records), ring_id) + b"".join(records))

    @property
    def content(self) -> bytes:
        """The bytes that are sealed in the file."""
        return self._content

    def __getitem__(self, bucket: int) -> BucketRecord:
        return BucketRecord(*_RECORD.unpack_from(self._content, _HEADER.size + bucket * _RECORD.size))

    def with_changes(self, changes: Mapping[int, BucketRecord]) -> KeyRing:
        """Return the ring with these buckets replaced."""
        content = bytearray(self._content)
        for bucket, record in changes.items():
            _RECORD.pack_into(content, _HEADER.size + bucket * _RECORD.size, *record)
        return KeyRing(bytes(content))

    def list_retiring(self) -> frozenset[int]:
        """Return the numbers of the buckets that have a retiring key."""
        records = enumerate(_RECORD.iter_unpack(self._content[_HEADER.size :]))
        return frozenset(bucket for bucket, (*_, retiring_generation, _) in records if retiring_generation)

    def has_destroyed_keys(self) -> bool:
        """Return whether the key of any bucket was destroyed, as each erasure does."""
        return any(
            destroyed_at for _, _, destroyed_at, _, _ in _RECORD.iter_unpack(self._content[_HEADER.size :])
        )

    def list_removed_keys(self, later: KeyRing) -> dict[tuple[int, int], bytes]:
        """Return the keys, by bucket and generation, that a later ring no longer has."""
        size = _RECORD.size
        return {
            (bucket, generation): key
            for bucket, offset in enumerate(range(_HEADER.size, len(self._content), size))
            # Bytes are compared first, because most buckets are unchanged and need not be unpacked.
            if self._content[offset : offset + size] != later._content[offset : offset + size]
            for generation, key in self[bucket].keys.items()
            if later[bucket].keys.get(generation) != key
        }


class KeyRingFile:
    """The sealed file of a ring at ``path``. Its callers write one at a time; see ``BucketKeys``."""

    def __init__(self, path: Path, root: bytes, entropy: Callable[[int], bytes]) -> None:
        self.path = path
        self._file = SealedFile(path, root, entropy)
        self._entropy = entropy

    def __repr__(self) -> str:
        return f"KeyRingFile({self.path.name!r})"

    def create(self, count: int) -> None:
        """Create the file with new keys unless another process was first.

        A second ring would lose customers.
        """
        records = [BucketRecord(1, self._entropy(KEY_BYTES)) for _ in range(count)]
        self._file.create(KeyRing.from_records(self._entropy(ID_BYTES), records).content)

    def read_stamp(self) -> FileStamp:
        """Return the stamp of the file as it is now."""
        return self._file.read_stamp()

    def read(self) -> tuple[KeyRing, FileStamp]:
        """Return the ring, and the stamp of the version that it was read from.

        Raises:
            Misconfigured: ``KEY_FILE_UNREADABLE``.
        """
        content, stamp = self._file.read()
        return KeyRing(content), stamp

    def write(self, ring: KeyRing) -> None:
        """Replace the ring durably, and overwrite the bytes of the earlier version."""
        self._file.write(ring.content)
