"""The rows of a CSV file (RFC 4180, with any delimiter and encoding)."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Sequence
from typing import BinaryIO

from discretion.domain.ingest.file_import.row_file import (
    MAX_CELL_BYTES,
    Row,
    build_missing_column_error,
    build_unreadable_error,
)
from discretion.errors import Misconfigured

HEADER_ROW = 1


class CsvRows:
    """The rows of an open CSV file; each cell is text."""

    def __init__(
        self, file: BinaryIO, size: int, columns: Sequence[str], delimiter: str, encoding: str
    ) -> None:
        self._file = file
        self.size = size
        self._columns = columns
        self._delimiter = delimiter
        # Spreadsheets begin UTF-8 with a byte order mark, which would become part of the first column's name.
        self._encoding = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding

    @property
    def position(self) -> int:
        """The bytes that were read."""
        return self._file.tell()

    def iterate_rows(self, after: int) -> Generator[Row, None, None]:
        """Yield the rows after a number; a row with more or fewer cells than the header is malformed."""
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, encoding=self._encoding, newline="")
        csv.field_size_limit(MAX_CELL_BYTES)
        number = 0
        try:
            reader = csv.reader(text, delimiter=self._delimiter, strict=True)
            header = next(reader, [])
            number, width = HEADER_ROW, len(header)
            places = self._find_places(header)
            for cells in reader:
                number += 1
                if number <= after or not cells:  # an empty line is no row
                    continue
                if len(cells) != width:
                    yield Row(number, is_malformed=True)
                else:
                    yield Row(number, {column: cells[place] for column, place in places})
        except (csv.Error, UnicodeError) as error:
            fault = "it is not text in its encoding" if isinstance(error, UnicodeError) else str(error)
            raise build_unreadable_error(number + 1, fault) from None
        finally:
            text.detach()

    def _find_places(self, header: Sequence[str]) -> list[tuple[str, int]]:
        if missing := [column for column in self._columns if column not in header]:
            raise build_missing_column_error(missing)
        if repeated := [column for column in self._columns if header.count(column) > 1]:
            raise Misconfigured(
                "IMPORT_COLUMN_REPEATED",
                f"The file has the column {repeated[0]!r} more than once.",
                "Give each column a name of its own.",
            )
        return [(column, header.index(column)) for column in self._columns]
