"""Files of rewrapped keys: how customers who were not erased are read from an old dump.

A dump of the database holds data keys that were wrapped under bucket keys which have since been destroyed.
For each bucket whose key was ever replaced, one file holds the wrapped keys of the surviving customers at the
time of the last replacement. The keys in it are wrapped, so the file reveals no more than the database does.

    bytes 0-3   "RWK1"
    then 83 bytes for each customer: id and wrapped key
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from discretion.errors import Misconfigured
from discretion.seal.key_files import write_private_file

_MAGIC = b"RWK1"
_ID_BYTES = 16
_ENTRY_BYTES = _ID_BYTES + 67


class RewrappedKeyFiles:
    """The files of rewrapped keys in ``folder``, one per bucket."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, bucket: int, keys: Mapping[bytes, bytes]) -> None:
        """Write the surviving customers of a bucket, wrapped keys by customer id.

        Durable when this returns.
        """
        write_private_file(
            self._path(bucket), _MAGIC + b"".join(customer + keys[customer] for customer in sorted(keys))
        )

    def read(self, bucket: int) -> dict[bytes, bytes]:
        """Return the surviving customers of a bucket, empty if its key was never replaced.

        Raises:
            Misconfigured: ``KEY_FILE_UNREADABLE``.
        """
        path = self._path(bucket)
        if not path.exists():
            return {}
        body = path.read_bytes()
        if not body.startswith(_MAGIC) or (len(body) - len(_MAGIC)) % _ENTRY_BYTES:
            raise Misconfigured(
                "KEY_FILE_UNREADABLE", f"{path} is damaged.", "Restore the folder of keys from its backup."
            )
        entries = (
            body[offset : offset + _ENTRY_BYTES] for offset in range(len(_MAGIC), len(body), _ENTRY_BYTES)
        )
        return {entry[:_ID_BYTES]: entry[_ID_BYTES:] for entry in entries}

    def _path(self, bucket: int) -> Path:
        return self._folder / f"{bucket:05d}"
