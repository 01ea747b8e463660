"""A cell becomes the JSON value that a message has at its place, by the type that the catalogue declares."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from discretion.catalogue.import_mapping import ImportedCell, ImportMapping
from discretion.catalogue.model import ValueType

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNIX_UNITS = {"unix": timedelta(seconds=1), "unix_ms": timedelta(milliseconds=1)}


class CellUnreadable(Exception):
    """A cell does not have the form that its mapping declares; ``reason`` contains no value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CellReader:
    """Reads one cell of each row.

    Attributes:
        cell: Where the value is.
        type: The declared type of the value; None for what the catalogue does not type, such as ids.
        many: Whether the value is a list.
        mapping: The zone, the decimal mark and the texts for no value of the file.
    """

    cell: ImportedCell
    mapping: ImportMapping
    type: ValueType | None = None
    many: bool = False

    def read(self, cells: Mapping[str, object]) -> object:
        """Return the value in a row; None if it has none.

        Raises:
            CellUnreadable: the text is not one of ``codes``, or no time of ``format``.
        """
        raw_value = self.cell.value if self.cell.column is None else cells.get(self.cell.column)
        if is_absent(self.mapping, raw_value):
            return None
        if not self.many:
            return self._convert(raw_value)
        if isinstance(raw_value, str) and self.cell.separator is not None:
            raw_value = raw_value.split(self.cell.separator)
        if not isinstance(raw_value, list):
            return self._convert(raw_value)  # the validator says what is expected
        return [self._convert(item) for item in raw_value if not is_absent(self.mapping, item)]

    def _convert(self, raw_value: object) -> object:
        value = self._decode(raw_value)
        if self.type is not None and (convert := _CONVERSIONS.get(self.type)) is not None:
            return convert(self, value)
        return _to_json(value, self.type)

    def _decode(self, value: object) -> object:
        if not self.cell.codes:
            return value
        text = write_cell_text(value)
        if text not in self.cell.codes:
            raise CellUnreadable("It is none of the texts that the mapping's codes name.")
        return self.cell.codes[text]


def is_absent(mapping: ImportMapping, raw_value: object) -> bool:
    """Return whether a cell has no value."""
    return (
        raw_value is None or raw_value == "" or (isinstance(raw_value, str) and raw_value in mapping.absent)
    )


def write_cell_text(value: object) -> str:
    """Return a cell as text, the same for a number and for its digits."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _to_json(value: object, value_type: ValueType | None) -> object:
    """Return a value of a typed file as JSON; a number where text is declared becomes its digits."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and value_type is ValueType.STRING:
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, dict):  # an object of a typed file, such as a product of an order
        return {name: _to_json(member, None) for name, member in value.items()}
    return [_to_json(item, None) for item in value] if isinstance(value, list) else value


def _read_flag(reader: CellReader, value: object) -> object:
    del reader
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _read_whole_number(reader: CellReader, value: object) -> object:
    del reader
    return int(value) if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value) else _to_json(value, None)


def _read_number(reader: CellReader, value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    text = _unify_decimals(reader, value)
    return float(text) if isinstance(text, str) and _DECIMAL_NUMBER.fullmatch(text) else text


def _read_money(reader: CellReader, value: object) -> object:
    return _to_json(_unify_decimals(reader, value), None)


def _unify_decimals(reader: CellReader, value: object) -> object:
    """Return text with a point before decimals: ``1.299,00`` becomes ``1299.00`` if the mark is a comma."""
    if not isinstance(value, str) or reader.mapping.decimal == ".":
        return value
    return value.replace(".", "").replace(",", ".")


def _read_date(reader: CellReader, value: object) -> object:
    if isinstance(value, str) and reader.cell.format not in (None, *_UNIX_UNITS):
        return _parse_format(reader, value).date().isoformat()
    return _read_time(reader, value)


def _read_time(reader: CellReader, value: object) -> object:
    """Return an ISO 8601 time with its offset; a time without one is in the zone of the mapping."""
    unit = _UNIX_UNITS.get(reader.cell.format or "")
    if unit is not None:
        return _read_unix_time(value, unit).isoformat()
    if isinstance(value, str):
        value = _parse_iso(value) if reader.cell.format is None else _parse_format(reader, value)
    if not isinstance(value, datetime):
        return _to_json(value, None)
    return (value if value.tzinfo else value.replace(tzinfo=ZoneInfo(reader.mapping.zone))).isoformat()


def _parse_iso(text: str) -> object:
    """Return the time of a text, or the text itself: the validator says what is expected."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


def _parse_format(reader: CellReader, text: str) -> datetime:
    try:
        return datetime.strptime(text, reader.cell.format or "")  # noqa: DTZ007 - the caller adds the zone
    except ValueError:
        raise CellUnreadable("It does not have the format that the mapping declares.") from None


def _read_unix_time(value: object, unit: timedelta) -> datetime:
    text = write_cell_text(value)
    try:
        if not _DECIMAL_NUMBER.fullmatch(text):
            raise ValueError
        return _EPOCH + float(text) * unit
    except (ValueError, OverflowError):
        raise CellUnreadable("It is no time since 1970.") from None


_CONVERSIONS: Mapping[ValueType, Callable[[CellReader, object], object]] = {
    ValueType.BOOLEAN: _read_flag,
    ValueType.INT: _read_whole_number,
    ValueType.FLOAT: _read_number,
    ValueType.MONEY: _read_money,
    ValueType.DATE: _read_date,
    ValueType.DATETIME: _read_time,
}
