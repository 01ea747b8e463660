"""A package as one ZIP file, written while the pages are read, so that one page is in memory at a time.

All files are made from the same pages: ``package.json`` with its JSON Schema, a CSV table (RFC 4180) for each
section and, for access and recipients, an HTML page and a JSON-LD document.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from discretion.domain.access.format import csv_format, html_format, json_format, jsonld_format
from discretion.domain.access.package_page import PackageRows, PageIterator
from discretion.domain.access.package_sections import SECTIONS_BY_KEY, PackageSection
from discretion.store.subject_request import StoredPackage

COMPRESSION_LEVEL = 4
"""Higher levels take twice the time and save a few percent."""


class FormatWriter(Protocol):
    """Writes the sections of a package into one file, part by part."""

    def begin(self) -> bytes:
        """Return the bytes before the first section."""

    def open_section(self, section: PackageSection) -> bytes:
        """Return the bytes that begin a section."""

    def write_rows(self, section: PackageSection, rows: PackageRows) -> bytes:
        """Return the bytes of some rows of the section."""

    def close_section(self, section: PackageSection) -> bytes:
        """Return the bytes that end the section."""

    def end(self) -> bytes:
        """Return the bytes after the last section."""


@dataclass(frozen=True, slots=True)
class PackageReader:
    """An opened package. ``pages`` takes the key of one section or None, and may be called several times."""

    package: StoredPackage
    pages: Callable[..., PageIterator]


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One file of the archive. ``only_section`` is the key of its section, None for all sections."""

    name: str
    writer: FormatWriter
    only_section: str | None = None


def build_files(section_keys: Iterable[str], *, readable: bool) -> list[ArchiveFile]:
    """Return the files for these sections; with ``readable`` also the HTML and JSON-LD files."""
    sections = [SECTIONS_BY_KEY[key] for key in section_keys]
    readable_files = (
        [
            ArchiveFile("package.html", html_format.HtmlWriter(sections)),
            ArchiveFile("package.jsonld", jsonld_format.JsonLdWriter()),
        ]
        if readable
        else []
    )
    tables = [
        ArchiveFile(f"csv/{section.key}.csv", csv_format.CsvWriter(), section.key) for section in sections
    ]
    return [*readable_files, ArchiveFile("package.json", json_format.JsonWriter()), *tables]


async def write_archive(reader: PackageReader) -> AsyncIterator[bytes]:
    """Yield the bytes of the ZIP file."""
    sink = _ByteSink()
    made_at = datetime.fromtimestamp(reader.package.made_at / 1000, UTC).timetuple()[:6]
    readable = "values" in reader.package.sections or "disclosures" in reader.package.sections
    with ZipFile(sink, "w", ZIP_DEFLATED) as archive:
        for file in build_files(reader.package.sections, readable=readable):
            # ZIP64 always: the size of a file is not known yet when its header is written.
            with archive.open(_build_zip_entry(file.name, made_at), "w", force_zip64=True) as entry:
                async for part in write_file(file, reader):
                    entry.write(part)
                    if len(sink) >= io.DEFAULT_BUFFER_SIZE:
                        yield sink.drain()
            yield sink.drain()
        archive.writestr(
            _build_zip_entry("package.schema.json", made_at), json_format.build_package_schema_text()
        )
    yield sink.drain()


async def write_file(file: ArchiveFile, reader: PackageReader) -> AsyncIterator[bytes]:
    """Yield the uncompressed bytes of one file."""
    writer, current = file.writer, None
    yield writer.begin()
    async for key, rows in reader.pages(file.only_section):
        section = SECTIONS_BY_KEY[key]
        if section is not current:
            if current is not None:
                yield writer.close_section(current)
            yield writer.open_section(section)
            current = section
        yield writer.write_rows(section, rows)
    if current is not None:
        yield writer.close_section(current)
    yield writer.end()


def _build_zip_entry(name: str, made_at: tuple[int, ...]) -> ZipInfo:
    year, month, day, hour, minute, second = made_at
    entry = ZipInfo(name, (year, month, day, hour, minute, second))
    entry.compress_type = ZIP_DEFLATED
    entry._compresslevel = COMPRESSION_LEVEL  # type: ignore[attr-defined]
    return entry


class _ByteSink(io.RawIOBase):
    """Collects written bytes until they are drained. It cannot seek, so ``ZipFile`` writes a stream."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def __len__(self) -> int:
        return len(self._pending)

    def writable(self) -> bool:
        return True

    def write(self, part: bytes) -> int:  # type: ignore[override]
        self._pending += part
        return len(part)

    def drain(self) -> bytes:
        """Return the bytes written since the last call."""
        pending = bytes(self._pending)
        self._pending.clear()
        return pending
