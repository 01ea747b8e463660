"""A key for each day, stored outside MongoDB. Destroying it makes everything sealed on that day unreadable.

There is one sealed file per day (UTC), created when it is first needed. A deleted document stays in the
oplog, the data files and backups; without the key of its day each of those copies is unreadable. Keys are
random and independent of each other, so an old copy of the folder opens only the days it contains.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

from discretion.errors import Unavailable
from discretion.seal.key_files import (
    KEY_BYTES,
    create_sealed_file,
    flush_folder,
    read_sealed_file,
)

_SUFFIX = ".key"
_EPOCH = date(1970, 1, 1)
_DAY_MS = 86_400_000
_DATE_LENGTH = 10


class DailyKeys:
    """The keys stored in ``folder``, sealed by the root key. Times are in ms since 1970."""

    def __init__(self, folder: Path, root: bytes, entropy: Callable[[int], bytes]) -> None:
        self._folder = folder
        self._root = root
        self._entropy = entropy

    def __repr__(self) -> str:
        """Return a text without folder and keys."""
        return "DailyKeys(****)"

    def get_or_create(self, at: int) -> bytes:
        """Return the key of the day of ``at``; create it if there is none.

        Raises:
            Unavailable: ``KEY_UNAVAILABLE``; the folder cannot be written or read.
        """
        path = self._path(at)
        try:
            if not path.exists():
                self._create(path)
            return read_sealed_file(path, self._root)
        except OSError as error:
            raise Unavailable(
                "KEY_UNAVAILABLE", f"The key of the day cannot be read or written ({type(error).__name__})."
            ) from None

    def find(self, at: int) -> bytes | None:
        """Return the key of the day of ``at``, or None if it was destroyed or never created."""
        # Only a missing file means that the key was destroyed. Any other error is raised, because a letter
        # without a key is given up.
        with suppress(FileNotFoundError):
            return read_sealed_file(self._path(at), self._root)
        return None

    def destroy_before(self, before: int) -> int:
        """Destroy the keys of the days that ended before ``before``.

        Return the number of deleted files.
        """
        if not self._folder.exists():
            return 0
        first_kept_day = _date_of(before).isoformat()
        # A crash in ``_create`` can leave a draft with a key in it; its name begins with the day too.
        expired = [file for file in self._folder.iterdir() if file.name[:_DATE_LENGTH] < first_kept_day]
        for path in expired:
            path.unlink(missing_ok=True)
        if expired:
            # Without the flush a crash could bring the deleted key files back.
            flush_folder(self._folder)
        return len(expired)

    def _create(self, path: Path) -> None:
        """Create a key file unless another process was first: a second key would lose letters."""
        create_sealed_file(path, self._root, self._entropy(KEY_BYTES), self._entropy)

    def _path(self, at: int) -> Path:
        return self._folder / f"{_date_of(at).isoformat()}{_SUFFIX}"


def _date_of(at: int) -> date:
    return _EPOCH + timedelta(days=at // _DAY_MS)
