"""A file of secrets that is sealed under the root key, replaced atomically and shared by many processes.

When the file is rewritten, the bytes of the earlier version are overwritten in place before they are
released. If that is interrupted, the next write does it. What a copy-on-write file system or a solid-state
disk keeps of them is sealed under the root key.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from discretion.errors import Misconfigured
from discretion.seal.key_files import (
    create_sealed_file,
    decrypt_file_content,
    encrypt_file_content,
    flush_folder,
    write_flushed_file,
)

_READ_ATTEMPTS = 20
"""Attempts to read a file that is replaced while it is being read."""

FileStamp = tuple[int, int, int]
"""Inode, modification time (ns) and size: identifies one version of the file."""


class SealedFile:
    """The sealed file at ``path``. Its callers write one at a time."""

    def __init__(self, path: Path, root: bytes, entropy: Callable[[int], bytes]) -> None:
        self.path = path
        self._root = root
        self._entropy = entropy
        self._replaced = path.with_name(path.name + ".old")

    def __repr__(self) -> str:
        return f"SealedFile({self.path.name!r})"

    def create(self, content: bytes) -> None:
        """Create the file unless another process was first."""
        create_sealed_file(self.path, self._root, content, self._entropy)

    def read_stamp(self) -> FileStamp:
        """Return the stamp of the file as it is now."""
        return _stamp_of(self.path.stat())

    def read(self) -> tuple[bytes, FileStamp]:
        """Return the content, and the stamp of the version that it was read from.

        Raises:
            Misconfigured: ``KEY_FILE_UNREADABLE``.
        """
        for attempts_left in reversed(range(_READ_ATTEMPTS)):
            with self.path.open("rb") as file:
                # The stamp of the open file and not of the path: the path may lead to another version by now.
                stamp, body = _stamp_of(os.fstat(file.fileno())), file.read()
            try:
                return decrypt_file_content(self.path.name, self._root, body), stamp
            except Misconfigured:
                # The file may have been overwritten (``wipe_replaced``) while it was read; if it was
                # replaced, read again.
                if not attempts_left or stamp == self.read_stamp():
                    raise
        raise AssertionError("unreachable")

    def write(self, content: bytes) -> None:
        """Replace the content durably, and overwrite the bytes of the earlier version."""
        self.wipe_replaced()
        draft = self.path.with_name(self.path.name + ".new")
        body = encrypt_file_content(self.path.name, self._root, content, self._entropy)
        write_flushed_file(draft, body)
        # The second name keeps the old bytes reachable after the rename, so that they can be overwritten. A
        # crash between these steps leaves the second name, and the next write wipes it.
        self._replaced.hardlink_to(self.path)
        draft.replace(self.path)
        flush_folder(self.path.parent)
        self.wipe_replaced()

    def wipe_replaced(self) -> None:
        """Overwrite and delete the earlier version of the file, if an interrupted write left one."""
        if not self._replaced.exists():
            return
        # After a crash between the hard link and the rename both names are the present file: it must survive.
        if not self._replaced.samefile(self.path):
            with self._replaced.open("r+b") as file:
                file.write(bytes(os.fstat(file.fileno()).st_size))
                file.flush()
                os.fsync(file.fileno())
        self._replaced.unlink()
        flush_folder(self.path.parent)


def _stamp_of(stat: os.stat_result) -> FileStamp:
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
