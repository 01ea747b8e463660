"""A package as one ZIP file, written while it is read: one page is in memory, however many there are.

Every file is made from the same pages: ``package.json`` with its JSON Schema, a table (CSV, RFC 4180) for
each section, and for the whole of access a page to read and linked data.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from discretion.domain.access.format import csv_format as csv
from discretion.domain.access.format import html_format as html
from discretion.domain.access.format import json_format as json
from discretion.domain.access.format import jsonld_format as jsonld
from discretion.domain.access.package_page import Made, Pages, Rows
from discretion.domain.access.package_sections import BY_KEY, Section

LEVEL = 4
"""Of compression: higher ones take twice the time for a few parts in a hundred."""


class Writer(Protocol):
    """Writes the sections of a package as one file, part by part."""

    def begin(self) -> bytes:
        """What comes first."""

    def open(self, section: Section) -> bytes:
        """A section begins."""

    def rows(self, section: Section, rows: Rows) -> bytes:
        """Some of its rows."""

    def close(self, section: Section) -> bytes:
        """It is over."""

    def end(self) -> bytes:
        """What comes last."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A package that can be read, once for each file; ``pages`` takes one section's key or none."""

    made: Made
    pages: Callable[..., Pages]


@dataclass(frozen=True, slots=True)
class File:
    """One file of the archive; ``only`` is the section it has, None for all."""

    name: str
    writer: Writer
    only: str | None = None


def files(sections: Iterable[str], *, legible: bool) -> list[File]:
    """The files for these sections; ``legible`` ones include those for people."""
    known = [BY_KEY[one] for one in sections]
    read = [File("package.html", html.Page(known)), File("package.jsonld", jsonld.Graph())] if legible else []
    tables = [File(f"csv/{one.key}.csv", csv.Table(), one.key) for one in known]
    return [*read, File("package.json", json.Whole()), *tables]


async def zipped(package: Opened) -> AsyncIterator[bytes]:
    """The bytes of the archive."""
    sink = _Sink()
    at = datetime.fromtimestamp(package.made.made / 1000, UTC).timetuple()[:6]
    legible = "values" in package.made.sections or "disclosures" in package.made.sections
    with ZipFile(sink, "w", ZIP_DEFLATED) as whole:
        for file in files(package.made.sections, legible=legible):
            with whole.open(_entry(file.name, at), "w", force_zip64=True) as entry:
                async for part in written(file, package):
                    entry.write(part)
                    if len(sink) >= io.DEFAULT_BUFFER_SIZE:
                        yield sink.drained()
            yield sink.drained()
        whole.writestr(_entry("package.schema.json", at), json.schema_text())
    yield sink.drained()


async def written(file: File, package: Opened) -> AsyncIterator[bytes]:
    """The bytes of one file, before they are compressed."""
    writer, present = file.writer, None
    yield writer.begin()
    async for key, rows in package.pages(file.only):
        section = BY_KEY[key]
        if section is not present:
            if present is not None:
                yield writer.close(present)
            yield writer.open(section)
            present = section
        yield writer.rows(section, rows)
    if present is not None:
        yield writer.close(present)
    yield writer.end()


def _entry(name: str, at: tuple[int, ...]) -> ZipInfo:
    year, month, day, hour, minute, second = at
    entry = ZipInfo(name, (year, month, day, hour, minute, second))
    entry.compress_type = ZIP_DEFLATED
    entry._compresslevel = LEVEL  # type: ignore[attr-defined]
    return entry


class _Sink(io.RawIOBase):
    """Takes what is written, to be drained; nothing can be sought in it."""

    def __init__(self) -> None:
        self._held = bytearray()

    def __len__(self) -> int:
        return len(self._held)

    def writable(self) -> bool:
        return True

    def write(self, part: bytes) -> int:  # type: ignore[override]
        self._held += part
        return len(part)

    def drained(self) -> bytes:
        """What was written since the last time."""
        held = bytes(self._held)
        self._held.clear()
        return held
