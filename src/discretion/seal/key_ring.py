"""The bucket keys of an installation as one value, and the sealed file they are kept in.

    bytes 0-3    "BKT2"
    bytes 4-7    how many buckets
    then, for each bucket, 80 bytes:
    0-3, 4-35    generation and key now
    36-43        when the key before it was destroyed (ms since 1970), 0 for the first
    44-47, 48-79 generation and key that are being given up, 0 if none

When the file is written anew, its earlier bytes are overwritten where they lay before they are let go of;
cut short in the middle, the next write does it. What a copying file system or a solid-state disk keeps of
them is sealed under the root key.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from discretion.errors import Misconfigured
from discretion.seal.key_files import KEY_BYTES, flush, opened, sealed_for, write_draft, write_private

_HEAD = struct.Struct(">4sI")
_MAGIC = b"BKT2"
_RECORD = struct.Struct(f">I{KEY_BYTES}sQI{KEY_BYTES}s")
_NO_KEY = bytes(KEY_BYTES)
_READS = 20
"""A file that was replaced while it was read is read again."""

Mark = tuple[int, int, int]
"""Tells one writing of the file from another."""


class Bucket(NamedTuple):
    """A bucket's key; ``retiring`` is the generation that is being given up, 0 if none. ``since`` in ms."""

    generation: int
    key: bytes
    since: int = 0
    retiring: int = 0
    old: bytes = _NO_KEY

    def __repr__(self) -> str:
        return f"Bucket({self.generation}, retiring={self.retiring})"

    def followed(self, key: bytes) -> Bucket:
        """With a new key, the present one being given up."""
        return Bucket(self.generation + 1, key, self.since, self.generation, self.key)

    def rid(self, now: int) -> Bucket:
        """Without the one that was being given up."""
        return Bucket(self.generation, self.key, now)

    @property
    def keys(self) -> dict[int, bytes]:
        """Those there are, by generation."""
        both = {self.generation: self.key}
        return both | {self.retiring: self.old} if self.retiring else both


class Ring:
    """Every bucket."""

    __slots__ = ("_content", "count")

    def __init__(self, content: bytes) -> None:
        self.count, rest = divmod(len(content) - _HEAD.size, _RECORD.size)
        if rest or self.count < 1 or content[: _HEAD.size] != _HEAD.pack(_MAGIC, self.count):
            raise Misconfigured(
                "KEY_FILE_UNREADABLE",
                "The file of bucket keys is not in a known form.",
                "It was written by another release; start on another data folder.",
            )
        self._content = content

    def __repr__(self) -> str:
        return f"Ring({self.count})"

    @classmethod
    def of(cls, buckets: list[Bucket]) -> Ring:
        """These buckets, by their number."""
        records = (_RECORD.pack(*one) for one in buckets)
        return cls(_HEAD.pack(_MAGIC, len(buckets)) + b"".join(records))

    @property
    def content(self) -> bytes:
        """As it is sealed."""
        return self._content

    def __getitem__(self, bucket: int) -> Bucket:
        return Bucket(*_RECORD.unpack_from(self._content, _HEAD.size + bucket * _RECORD.size))

    def changed(self, changes: Mapping[int, Bucket]) -> Ring:
        """With other buckets in their places."""
        content = bytearray(self._content)
        for bucket, one in changes.items():
            _RECORD.pack_into(content, _HEAD.size + bucket * _RECORD.size, *one)
        return Ring(bytes(content))

    def retiring(self) -> frozenset[int]:
        """Buckets of which a key is being given up."""
        records = enumerate(_RECORD.iter_unpack(self._content[_HEAD.size :]))
        return frozenset(number for number, (*_, retiring, _) in records if retiring)

    def gone(self, later: Ring) -> dict[tuple[int, int], bytes]:
        """Keys, by bucket and generation, that a later ring has no more."""
        size = _RECORD.size
        return {
            (number, generation): key
            for number, at in enumerate(range(_HEAD.size, len(self._content), size))
            if self._content[at : at + size] != later._content[at : at + size]
            for generation, key in self[number].keys.items()
            if later[number].keys.get(generation) != key
        }


class RingFile:
    """The file at ``path``. Its writers are one at a time; see ``Buckets``."""

    def __init__(self, path: Path, root: bytes, entropy: Callable[[int], bytes]) -> None:
        self.path = path
        self._root = root
        self._entropy = entropy
        self._spent = path.with_name(path.name + ".old")

    def __repr__(self) -> str:
        return f"RingFile({self.path.name!r})"

    def make(self, count: int) -> None:
        """New keys, unless another process is first: two rings lose customers."""
        ring = Ring.of([Bucket(1, self._entropy(KEY_BYTES)) for _ in range(count)])
        draft = self.path.with_name(f"{self.path.name}.{self._entropy(8).hex()}")
        write_private(draft, self._sealed(ring))
        try:
            with suppress(FileExistsError):
                self.path.hardlink_to(draft)
        finally:
            draft.unlink()
        flush(self.path.parent)

    def mark(self) -> Mark:
        """Of the file as it lies there now."""
        return _mark(self.path.stat())

    def read(self) -> tuple[Ring, Mark]:
        """The ring, and the mark of the file it came from.

        Raises:
            Misconfigured: ``KEY_FILE_UNREADABLE``.
        """
        for left in reversed(range(_READS)):
            with self.path.open("rb") as file:
                mark, body = _mark(os.fstat(file.fileno())), file.read()
            try:
                return Ring(opened(self.path.name, self._root, body)), mark
            except Misconfigured:
                if not left or mark == self.mark():
                    raise
        raise AssertionError("unreachable")

    def write(self, ring: Ring) -> None:
        """Put a ring in the place of the one before, durably, and overwrite what that one lay in."""
        self.wipe()
        draft = self.path.with_name(self.path.name + ".new")
        write_draft(draft, self._sealed(ring))
        self._spent.hardlink_to(self.path)
        draft.replace(self.path)
        flush(self.path.parent)
        self.wipe()

    def wipe(self) -> None:
        """Overwrite and delete what an earlier file left, if a write was cut short there."""
        if not self._spent.exists():
            return
        if not self._spent.samefile(self.path):
            with self._spent.open("r+b") as file:
                file.write(bytes(os.fstat(file.fileno()).st_size))
                file.flush()
                os.fsync(file.fileno())
        self._spent.unlink()
        flush(self.path.parent)

    def _sealed(self, ring: Ring) -> bytes:
        return sealed_for(self.path.name, self._root, ring.content, self._entropy)


def _mark(stat: os.stat_result) -> Mark:
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
