"""The rows of a file of JSON lines: one JSON object on each line, in UTF-8."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import BinaryIO

from discretion.domain.ingest.file_import.row_file import MAX_CELL_BYTES, Row
from discretion.domain.kit.strict_json import parse_strict_json
from discretion.errors import BadRequest


class JsonRows:
    """The rows of an open file of JSON lines; a column is a member, or a dotted path to an inner one."""

    def __init__(self, file: BinaryIO, size: int, columns: Sequence[str]) -> None:
        self._file = file
        self.size = size
        self._columns = columns

    @property
    def position(self) -> int:
        """The bytes that were read."""
        return self._file.tell()

    def iterate_rows(self, after: int) -> Generator[Row, None, None]:
        """Yield the rows after a number; a line that is no object, or names a member twice, is malformed."""
        self._file.seek(0)
        number = 0
        while line := self._file.readline(MAX_CELL_BYTES):
            number += 1
            is_whole = line.endswith(b"\n") or len(line) < MAX_CELL_BYTES
            if not is_whole:
                self._skip_line()
            if number > after and not line.isspace():
                yield self._read_row(number, line if is_whole else b"")

    def _skip_line(self) -> None:
        while (rest := self._file.readline(MAX_CELL_BYTES)) and not rest.endswith(b"\n"):
            continue

    def _read_row(self, number: int, line: bytes) -> Row:
        try:
            members = parse_strict_json(line)
        except BadRequest:
            return Row(number, is_malformed=True)
        if not isinstance(members, dict):
            return Row(number, is_malformed=True)
        return Row(number, {column: find_member(members, column) for column in self._columns})


def find_member(members: Mapping[str, object], column: str) -> object:
    """Return a member by its name, or by its dotted path in inner objects; None if there is none."""
    if column in members:
        return members[column]
    value: object = members
    for step in column.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value
