"""The erasure ledger: a file of the ids that must stay erased, kept beside backups and never inside one.

It has one line of JSON for each erasure, in order. Each line contains an HMAC over itself and the HMAC of the
previous line, so that a changed, moved or deleted line is detected. Missing lines at the end are detected by
comparison with the collection ``erasures``. The file identifies nobody: its ids are random or keyed digests.

Order of an erasure: the transaction that erases inserts a document into ``erasures``, then the line is
appended, then the document is marked as logged. If the process stops in between, appending again adds nothing
twice.

Members of a line: ``n`` line number from 1, ``id`` request, ``at`` time (ms), ``tombstones``, ``records`` and
``customers`` (lists of ids in hexadecimal), ``mac`` HMAC-SHA-256.
"""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from discretion.errors import Misconfigured, Unavailable
from discretion.seal.file_lock import hold_exclusive_lock
from discretion.seal.key_files import derive_key, flush_folder

_FIRST_MAC = b"discretion/erasure-ledger/1"


@dataclass(frozen=True, slots=True)
class ErasureEntry:
    """One erasure at ``at`` (ms): ids of the tombstones, of the source records and of the customers."""

    id: bytes
    at: int
    tombstones: tuple[bytes, ...] = field(repr=False)
    records: tuple[bytes, ...] = field(repr=False)
    customers: tuple[bytes, ...] = field(repr=False)


class ErasureLedger:
    """The ledger file at ``path``. Its HMAC key is derived from the root key."""

    def __init__(self, path: Path, root: bytes) -> None:
        self.path = path
        self._key = derive_key(root, "erasure-ledger")
        self._lock = path.with_name(path.name + ".lock")
        self._offset = 0
        self._line_number = 0
        self._mac = _FIRST_MAC
        self._ids: set[bytes] = set()

    def __repr__(self) -> str:
        """Return the file name and no content."""
        return f"ErasureLedger({self.path.name!r})"

    async def append_entry(self, entry: ErasureEntry) -> None:
        """Append an erasure durably. An entry whose id is in the file already is not appended again.

        Raises:
            Misconfigured: ``ERASURE_LEDGER_BROKEN``.
            Unavailable: ``ERASURE_LEDGER_UNAVAILABLE``; the file cannot be written.
        """
        try:
            # Two processes that append at the same time would both continue from the
            # same HMAC and break the chain.
            async with hold_exclusive_lock(self._lock):
                await asyncio.to_thread(self._append_line, entry)
        except OSError as error:
            raise Unavailable(
                "ERASURE_LEDGER_UNAVAILABLE",
                f"The erasure ledger cannot be written ({type(error).__name__}).",
            ) from None

    def read_entries(self) -> Iterator[ErasureEntry]:
        """Yield all entries in order; none if the file does not exist.

        An incomplete last line was never acknowledged and is ignored.

        Raises:
            Misconfigured: ``ERASURE_LEDGER_BROKEN``.
        """
        if not self.path.exists():
            return
        mac = _FIRST_MAC
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return
                entry, mac = self._parse_line(line, number, mac)
                yield entry

    def _append_line(self, entry: ErasureEntry) -> None:
        is_new = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            # A shorter file lost lines that were acknowledged. Another line at its end would hide that.
            if os.fstat(file.fileno()).st_size < self._offset:
                raise _build_broken_error(self._line_number)
            # Another process may have appended since this one read the file: read only its new lines.
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                previous, self._mac = self._parse_line(line, self._line_number + 1, self._mac)
                self._line_number, self._offset = self._line_number + 1, self._offset + len(line)
                self._ids.add(previous.id)
            if entry.id in self._ids:
                return
            line, mac = self._format_line(entry)
            file.seek(self._offset)
            file.truncate()  # a crash may have left half a line, which was never acknowledged
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            flush_folder(self.path.parent)  # the folder entry of the new file must be durable too
        # Only after the flush: if the write fails, the next call reads the file again from the old offset.
        self._mac, self._line_number, self._offset = mac, self._line_number + 1, self._offset + len(line)
        self._ids.add(entry.id)

    def _format_line(self, entry: ErasureEntry) -> tuple[bytes, bytes]:
        body: dict[str, object] = {
            "n": self._line_number + 1,
            "id": entry.id.hex(),
            "at": entry.at,
            "tombstones": [tombstone.hex() for tombstone in entry.tombstones],
            "records": [record.hex() for record in entry.records],
            "customers": [customer.hex() for customer in entry.customers],
        }
        mac = self._compute_mac(body, self._mac)
        return orjson.dumps({**body, "mac": mac.hex()}) + b"\n", mac

    def _parse_line(self, line: bytes, number: int, previous_mac: bytes) -> tuple[ErasureEntry, bytes]:
        try:
            body = orjson.loads(line)
            mac = bytes.fromhex(body.pop("mac"))
            if body["n"] != number or not hmac.compare_digest(mac, self._compute_mac(body, previous_mac)):
                raise _build_broken_error(number)
            id_lists = (
                tuple(map(bytes.fromhex, body[name])) for name in ("tombstones", "records", "customers")
            )
            return ErasureEntry(bytes.fromhex(body["id"]), body["at"], *id_lists), mac
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _build_broken_error(number) from None

    def _compute_mac(self, body: Mapping[str, object], previous_mac: bytes) -> bytes:
        return hmac.digest(self._key, previous_mac + orjson.dumps(body), "sha256")


def _build_broken_error(number: int) -> Misconfigured:
    return Misconfigured(
        "ERASURE_LEDGER_BROKEN",
        f"Line {number} of the erasure ledger is missing, or its HMAC does not match the line before.",
        "Put the latest copy of the ledger in its place. Without it, erased people are served again.",
    )
