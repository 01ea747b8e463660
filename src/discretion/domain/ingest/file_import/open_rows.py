"""Opens the rows of a file with the reader of its format, and refuses a file that changes meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from discretion.catalogue.import_mapping import ImportMapping
from discretion.domain.ingest.file_import.csv_rows import CsvRows
from discretion.domain.ingest.file_import.json_rows import JsonRows
from discretion.domain.ingest.file_import.parquet_rows import ParquetRows
from discretion.domain.ingest.file_import.row_file import FileFormat, RowFile
from discretion.errors import Misconfigured


@contextmanager
def open_rows(path: Path, file_format: FileFormat, mapping: ImportMapping) -> Iterator[RowFile]:
    """Open the rows of a file with the columns of a mapping.

    Raises:
        Misconfigured: ``IMPORT_COLUMN_MISSING``, ``IMPORT_FILE_UNREADABLE``, ``EXTRA_MISSING``; or
            ``IMPORT_FILE_CHANGED`` at the end of the block.
    """
    before = _read_state(path)
    if file_format is FileFormat.PARQUET:
        yield ParquetRows(path, mapping.columns)
    else:
        with path.open("rb") as file:
            yield (
                JsonRows(file, before[0], mapping.columns)
                if file_format is FileFormat.JSON_LINES
                else CsvRows(file, before[0], mapping.columns, mapping.delimiter, mapping.encoding)
            )
    if _read_state(path) != before:
        raise Misconfigured(
            "IMPORT_FILE_CHANGED",
            "The file was changed while it was imported.",
            "Start the import again when the file is complete; nothing is counted twice.",
        )


def _read_state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
