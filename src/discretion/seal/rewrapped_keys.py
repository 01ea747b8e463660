"""Wrapped keys beside the bucket keys: how whoever was not erased is read in an old dump.

A dump of the database has keys that were wrapped under bucket keys since destroyed. For each bucket whose
key was ever replaced there is a file of its survivors' wrapped keys, as they were when that happened. They
are sealed as they are; the file says no more than the database does.

    bytes 0-3   "RWK1"
    then, for each customer, 83 bytes: id and wrapped key
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from discretion.errors import Misconfigured
from discretion.seal.key_files import write_private

_MAGIC = b"RWK1"
_ID_BYTES = 16
_EACH = _ID_BYTES + 67


class Rewrapped:
    """The files in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, bucket: int, keys: Mapping[bytes, bytes]) -> None:
        """Put a bucket's survivors on record, wrapped keys by customer id; durable when this returns."""
        write_private(self._path(bucket), _MAGIC + b"".join(one + keys[one] for one in sorted(keys)))

    def read(self, bucket: int) -> dict[bytes, bytes]:
        """A bucket's survivors; none if its key was never replaced.

        Raises:
            Misconfigured: ``KEY_FILE_UNREADABLE``.
        """
        path = self._path(bucket)
        if not path.exists():
            return {}
        body = path.read_bytes()
        if not body.startswith(_MAGIC) or (len(body) - len(_MAGIC)) % _EACH:
            raise Misconfigured(
                "KEY_FILE_UNREADABLE", f"{path} is damaged.", "Restore the folder of keys from its backup."
            )
        entries = (body[at : at + _EACH] for at in range(len(_MAGIC), len(body), _EACH))
        return {one[:_ID_BYTES]: one[_ID_BYTES:] for one in entries}

    def _path(self, bucket: int) -> Path:
        return self._folder / f"{bucket:05d}"
