"""Checks of the cells of an import: each has a column or a value, and only what its target can use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from discretion.catalogue.import_entry import UNIX_FORMATS, CellEntry
from discretion.catalogue.model import ValueType
from discretion.catalogue.yaml_file import Place, format_place

Fault = tuple[Place, str, str]
"""Place below the mapping, fault, advice."""

TIME_TYPES = frozenset({ValueType.DATE, ValueType.DATETIME})
FLAG_TEXTS = ("true", "false")
_SAMPLE = datetime(2001, 2, 3, 14, 5, 6)  # noqa: DTZ001 - only its text is of interest


@dataclass(frozen=True, slots=True)
class CellTarget:
    """What a cell is for: the type of its value, None if the catalogue does not say, and whether a list."""

    type: ValueType | None = ValueType.STRING
    many: bool = False


TEXT_TARGET = CellTarget()
TIME_TARGET = CellTarget(ValueType.DATETIME)
FLAG_TARGET = CellTarget(ValueType.BOOLEAN)


def find_cell_faults(place: Place, cell: CellEntry | None, target: CellTarget) -> Iterator[Fault]:
    """Yield what is wrong with a cell at a place below its mapping; an absent cell has no fault."""
    if cell is None:
        return
    name = format_place(place)
    if cell.column is None and cell.value is None:
        yield place, f"{name} has no 'column'", "Add it: the column that the value comes from."
    if cell.column is not None and cell.value is not None:
        yield (*place, "value"), f"{name} has a column and a value", "Remove one of the two."
    if cell.value is not None and cell.codes:
        yield (*place, "codes"), f"{name} has one value and codes", "Write the value that is meant."
    yield from _find_format_faults(place, cell, target)
    if cell.separator is not None and not target.many:
        yield (*place, "separator"), f"{name} has a separator and is no list", "Remove it."
    if target.type is ValueType.BOOLEAN:
        yield from _find_flag_faults(place, cell)


def _find_format_faults(place: Place, cell: CellEntry, target: CellTarget) -> Iterator[Fault]:
    if cell.format is None:
        return
    format_at, name = (*place, "format"), format_place(place)
    if target.type is not None and target.type not in TIME_TYPES:
        yield (
            format_at,
            f"{name} has a format and is {target.type}",
            "Only a Date or DateTime has one; remove it.",
        )
    elif cell.format not in UNIX_FORMATS and not _is_readable(cell.format):
        advice = f"It takes directives such as %d.%m.%Y %H:%M, or {' or '.join(UNIX_FORMATS)}."
        yield format_at, f"{name} has the format {cell.format!r}, which reads no day", advice


def _is_readable(pattern: str) -> bool:
    """Return whether a pattern writes and reads a day of a year; ``%d.%m.`` would lose the year."""
    try:
        return datetime.strptime(_SAMPLE.strftime(pattern), pattern).date() == _SAMPLE.date()  # noqa: DTZ007
    except ValueError:
        return False


def _find_flag_faults(place: Place, cell: CellEntry) -> Iterator[Fault]:
    if cell.value is not None and cell.value not in FLAG_TEXTS:
        yield (*place, "value"), f"{format_place(place)} is {cell.value!r}", "It takes true or false."
    for text, meaning in cell.codes.items():
        if meaning not in FLAG_TEXTS:
            fault = f"{format_place(place)} turns {text!r} into {meaning!r}"
            yield (*place, "codes", text), fault, "It takes true or false."
