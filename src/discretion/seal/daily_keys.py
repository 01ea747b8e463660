"""A key for each day, outside MongoDB: what is sealed under it dies when the key is destroyed.

One sealed file per day (UTC), made when first needed. Deleting a document leaves it in the oplog, the
data files and backups; without its day's key each of those copies is dead. Keys are random and none
follows from another, so an old copy of this folder opens only the days it was made in.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

from discretion.errors import Unavailable
from discretion.seal.key_files import KEY_BYTES, flush, open_file, sealed_for, write_private

_SUFFIX = ".key"
_EPOCH = date(1970, 1, 1)
_DAY_MS = 86_400_000
_DAY_LETTERS = 10


class DayKeys:
    """The keys kept in ``folder``, sealed by the root key. Times are in ms since 1970."""

    def __init__(self, folder: Path, root: bytes, entropy: Callable[[int], bytes]) -> None:
        self._folder = folder
        self._root = root
        self._entropy = entropy

    def __repr__(self) -> str:
        """Where, never what."""
        return "DayKeys(****)"

    def to_seal(self, at: int) -> bytes:
        """The key of the day of ``at``, made if there is none yet.

        Raises:
            Unavailable: ``KEY_UNAVAILABLE``; the folder cannot be written or read.
        """
        path = self._path(at)
        try:
            if not path.exists():
                self._make(path)
            return open_file(path, self._root)
        except OSError as error:
            raise Unavailable(
                "KEY_UNAVAILABLE", f"A key of the day cannot be kept ({type(error).__name__})."
            ) from None

    def to_open(self, at: int) -> bytes | None:
        """The key of the day of ``at``, or None: it was destroyed, or never made."""
        with suppress(FileNotFoundError):
            return open_file(self._path(at), self._root)
        return None

    def destroy(self, before: int) -> int:
        """Destroy the keys of the days that were over before ``before``; how many files that were."""
        if not self._folder.exists():
            return 0
        first = _day(before).isoformat()
        # A start that was cut short may have left a draft; its name begins with its day too.
        over = [one for one in self._folder.iterdir() if one.name[:_DAY_LETTERS] < first]
        for path in over:
            path.unlink(missing_ok=True)
        if over:
            flush(self._folder)
        return len(over)

    def _make(self, path: Path) -> None:
        """Put a new key in place unless another process is first: two keys of one day lose letters."""
        draft = path.with_name(f"{path.stem}.{self._entropy(8).hex()}")
        write_private(draft, sealed_for(path.name, self._root, self._entropy(KEY_BYTES), self._entropy))
        try:
            with suppress(FileExistsError):
                path.hardlink_to(draft)
        finally:
            draft.unlink()
        flush(path.parent)

    def _path(self, at: int) -> Path:
        return self._folder / f"{_day(at).isoformat()}{_SUFFIX}"


def _day(at: int) -> date:
    return _EPOCH + timedelta(days=at // _DAY_MS)
