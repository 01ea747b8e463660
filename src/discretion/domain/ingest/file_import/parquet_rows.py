"""The rows of a Parquet file, read by DuckDB.

DuckDB is one file of 58 MB without dependencies; ``pyarrow`` has 165 MB. It streams row groups, so memory
stays constant, and reads only the columns that are asked for.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from discretion.domain.ingest.file_import.json_rows import find_member
from discretion.domain.ingest.file_import.row_file import (
    Row,
    build_missing_column_error,
    build_unreadable_error,
)
from discretion.errors import Misconfigured
from discretion.extras import import_extra

FETCHED_ROWS = 1_000
_SETTINGS = {
    "threads": 1,
    "memory_limit": "512MB",
    # Personal data must not be spilled to a file that nobody erases.
    "temp_directory": "",
    # A query must load no code from the network.
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_PATTERN_SIGNS = frozenset("*?[]{}")


class ParquetRows:
    """The rows of a Parquet file; a column may be a dotted path into a struct."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        if _PATTERN_SIGNS.intersection(str(path)):
            raise Misconfigured(
                "IMPORT_FILE_NAME",
                "The path of a Parquet file has one of * ? [ ] { }, which DuckDB reads as a pattern.",
                "Rename the file.",
            )
        self._duckdb = import_extra("duckdb", "parquet")
        self._path = str(path)
        self._columns = columns
        with self._connect() as connection:
            self._outer_columns = self._find_outer_columns(connection)
            [(self.size,)] = connection.execute(
                "SELECT count(*) FROM read_parquet(?)", [self._path]
            ).fetchall()
        self.position = 0

    def iterate_rows(self, after: int) -> Generator[Row, None, None]:
        """Yield the rows after a number; the first row is number 1."""
        self.position = after
        names = ", ".join(_quote_name(name) for name in self._outer_columns)
        query = f"SELECT {names} FROM read_parquet(?, file_row_number = true) WHERE file_row_number >= ?"  # noqa: S608
        with self._connect() as connection:
            try:
                result = connection.execute(query, [self._path, after])
                while rows := result.fetchmany(FETCHED_ROWS):
                    for cells in rows:
                        self.position += 1
                        members = dict(zip(self._outer_columns, cells, strict=True))
                        yield Row(
                            self.position, {column: find_member(members, column) for column in self._columns}
                        )
            except self._duckdb.Error as error:
                raise build_unreadable_error(self.position + 1, type(error).__name__) from None

    def _connect(self) -> Any:
        return self._duckdb.connect(":memory:", config=_SETTINGS)

    def _find_outer_columns(self, connection: Any) -> list[str]:
        """Return the columns of the file that hold those that are asked for, each once."""
        try:
            described = connection.execute("SELECT * FROM read_parquet(?) LIMIT 0", [self._path]).description
        except self._duckdb.Error as error:
            raise build_unreadable_error(1, type(error).__name__) from None
        names = {name for name, *_ in described}
        outer = {column: column if column in names else column.partition(".")[0] for column in self._columns}
        if missing := [column for column, name in outer.items() if name not in names]:
            raise build_missing_column_error(missing)
        return list(dict.fromkeys(outer.values()))


def _quote_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
