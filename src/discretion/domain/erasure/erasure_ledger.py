"""The erasure ledger: who must stay erased, in a file that is kept beside backups and never inside one.

One line of JSON for each erasure, in the order they happened. Each carries the HMAC of itself and of the
line before, so that a line that was changed, moved or cut out is noticed; the collection ``erasures`` tells
when the last ones are missing. It names nobody: its ids are random, or keyed digests.

Order of an erasure: the transaction that erases puts a document into ``erasures``, then the line is
appended, then the document is marked. Cut short in between, appending again adds nothing twice.
"""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from discretion.errors import Misconfigured, Unavailable
from discretion.seal.file_lock import alone
from discretion.seal.key_files import derive, flush

_START = b"discretion/erasure-ledger/1"


@dataclass(frozen=True, slots=True)
class Erased:
    """One erasure at ``at`` (ms): ids of tombstones over names, of source records and of customers."""

    id: bytes
    at: int
    tombstones: tuple[bytes, ...] = field(repr=False)
    records: tuple[bytes, ...] = field(repr=False)
    customers: tuple[bytes, ...] = field(repr=False)


class ErasureLedger:
    """The ledger at ``path``, under a key that follows from the root key."""

    def __init__(self, path: Path, root: bytes) -> None:
        self.path = path
        self._key = derive(root, "erasure-ledger")
        self._lock = path.with_name(path.name + ".lock")
        self._at = 0
        self._number = 0
        self._mac = _START
        self._ids: set[bytes] = set()

    def __repr__(self) -> str:
        """Where, never what."""
        return f"ErasureLedger({self.path.name!r})"

    async def append(self, erased: Erased) -> None:
        """Put an erasure on record; durable when this returns. One with this id that is there stays as it is.

        Raises:
            Misconfigured: ``ERASURE_LEDGER_BROKEN``.
            Unavailable: ``ERASURE_LEDGER_UNAVAILABLE``; it cannot be written.
        """
        try:
            async with alone(self._lock):
                await asyncio.to_thread(self._append, erased)
        except OSError as error:
            raise Unavailable(
                "ERASURE_LEDGER_UNAVAILABLE", f"The erasure ledger cannot be kept ({type(error).__name__})."
            ) from None

    def read(self) -> Iterator[Erased]:
        """Every erasure on record, the first one first; none if there is no file.

        A line that was cut off while it was written was never acknowledged, and does not count.

        Raises:
            Misconfigured: ``ERASURE_LEDGER_BROKEN``.
        """
        if not self.path.exists():
            return
        mac = _START
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return
                erased, mac = self._read(line, number, mac)
                yield erased

    def _append(self, erased: Erased) -> None:
        fresh = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            if os.fstat(file.fileno()).st_size < self._at:
                raise _broken(self._number)
            file.seek(self._at)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                known, self._mac = self._read(line, self._number + 1, self._mac)
                self._number, self._at = self._number + 1, self._at + len(line)
                self._ids.add(known.id)
            if erased.id in self._ids:
                return
            line, mac = self._line(erased)
            file.seek(self._at)
            file.truncate()
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        if fresh:
            flush(self.path.parent)
        self._mac, self._number, self._at = mac, self._number + 1, self._at + len(line)
        self._ids.add(erased.id)

    def _line(self, erased: Erased) -> tuple[bytes, bytes]:
        told: dict[str, Any] = {
            "n": self._number + 1,
            "id": erased.id.hex(),
            "at": erased.at,
            "tombstones": [one.hex() for one in erased.tombstones],
            "records": [one.hex() for one in erased.records],
            "customers": [one.hex() for one in erased.customers],
        }
        mac = self._sealed(told, self._mac)
        return orjson.dumps({**told, "mac": mac.hex()}) + b"\n", mac

    def _read(self, line: bytes, number: int, before: bytes) -> tuple[Erased, bytes]:
        try:
            told = orjson.loads(line)
            mac = bytes.fromhex(told.pop("mac"))
            if told["n"] != number or not hmac.compare_digest(mac, self._sealed(told, before)):
                raise _broken(number)
            several = (
                tuple(map(bytes.fromhex, told[name])) for name in ("tombstones", "records", "customers")
            )
            return Erased(bytes.fromhex(told["id"]), told["at"], *several), mac
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _broken(number) from None

    def _sealed(self, told: Mapping[str, Any], before: bytes) -> bytes:
        return hmac.digest(self._key, before + orjson.dumps(told), "sha256")


def _broken(number: int) -> Misconfigured:
    return Misconfigured(
        "ERASURE_LEDGER_BROKEN",
        f"Line {number} of the erasure ledger does not follow from the one before, or is missing.",
        "Put its latest copy in its place; without it nobody knows who must stay erased.",
    )
