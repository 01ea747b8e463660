"""The rows of a file: what every reader gives, and the choice of the reader by the file's name."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from discretion.errors import Misconfigured

MAX_CELL_BYTES = 1024 * 1024
"""The most bytes of a line of JSON, or characters of a CSV cell: a lost quote would read the whole file."""


class FileFormat(StrEnum):
    """A format of imported files."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"


FORMAT_BY_SUFFIX: Mapping[str, FileFormat] = {
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".txt": FileFormat.CSV,
    ".jsonl": FileFormat.JSON_LINES,
    ".ndjson": FileFormat.JSON_LINES,
    ".parquet": FileFormat.PARQUET,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``cells`` has the columns that were asked for and that the row has.

    Attributes:
        number: As a person counts in the file, from 1; the header of a CSV file is its row 1.
        is_malformed: Whether the row cannot be read; it has no cells then.
    """

    number: int
    cells: Mapping[str, object] = field(default_factory=dict, repr=False)
    is_malformed: bool = False


class RowFile(Protocol):
    """An open file of rows. ``size`` and ``position`` measure progress in the same unit: bytes or rows."""

    @property
    def size(self) -> int:
        """How much there is to read."""

    @property
    def position(self) -> int:
        """How much was read."""

    def iterate_rows(self, after: int) -> Generator[Row, None, None]:
        """Yield the rows whose number is greater than ``after``.

        Raises:
            Misconfigured: ``IMPORT_FILE_UNREADABLE``; the file is not what its format says.
        """


def find_format(path: Path) -> FileFormat:
    """Return the format of a file by the end of its name.

    Raises:
        Misconfigured: ``IMPORT_FORMAT_UNKNOWN``.
    """
    file_format = FORMAT_BY_SUFFIX.get(path.suffix.lower())
    if file_format is None:
        raise Misconfigured(
            "IMPORT_FORMAT_UNKNOWN",
            "The name of the file does not say its format.",
            f"Name it with --format: {', '.join(FileFormat)}.",
        )
    return file_format


def build_unreadable_error(row: int, fault: str) -> Misconfigured:
    """Build the error of a file that cannot be read on; the message has no value of it."""
    return Misconfigured(
        "IMPORT_FILE_UNREADABLE",
        f"Row {row:,} of the file cannot be read: {fault}.",
        "Mend the file, or the mapping's 'encoding' and 'delimiter', and start the import again.",
    )


def build_missing_column_error(columns: list[str]) -> Misconfigured:
    """Build the error of a file that lacks columns; it names none of the file's, which may be values."""
    return Misconfigured(
        "IMPORT_COLUMN_MISSING",
        f"The file has no column {', '.join(map(repr, columns))}, which the mapping names.",
        "Check the names in the mapping and its 'delimiter'; the first row of a CSV file names the columns.",
    )
