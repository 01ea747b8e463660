"""Mappings of files to messages, as values: the section ``imports`` of the catalogue."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.import_entry import (
    CellEntry,
    ConditionEntry,
    ImportedEventEntry,
    ImportedIdentifierEntry,
    ImportedStatementEntry,
    ImportEntry,
)


@dataclass(frozen=True, slots=True)
class ImportedCell:
    """Where a value comes from: ``column``, or ``value`` for all rows; the other one is None.

    Attributes:
        format: How a date or time is written (``strptime``), ``unix``, ``unix_ms``, or None for ISO 8601.
        separator: What stands between the values of a list; None if the file has lists.
        codes: The file's texts and what each means; empty if they mean themselves.
    """

    column: str | None
    value: str | None = None
    format: str | None = None
    separator: str | None = None
    codes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportedIdentifier:
    """An id of the row's person, and how certain it is that it is theirs."""

    type: str
    cell: ImportedCell
    assurance: Assurance = Assurance.CLAIMED


@dataclass(frozen=True, slots=True)
class ImportCondition:
    """Which rows count: those whose column has one of ``values``; any value if there are none."""

    column: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedEvent:
    """An event that a row describes; ``properties`` are by name."""

    name: str
    time: ImportedCell
    properties: Mapping[str, ImportedCell]
    only_if: ImportCondition | None = None


@dataclass(frozen=True, slots=True)
class ImportedStatement:
    """What a person said about purposes; ``notice`` has the cells of version, language and sha256."""

    time: ImportedCell
    purposes: Mapping[str, ImportedCell]
    method: ImportedCell
    notice: Mapping[str, ImportedCell]
    valid_until: ImportedCell | None = None
    guardian: ImportedCell | None = None
    only_if: ImportCondition | None = None


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """How the rows of a file become messages of a source; ``row_key`` names the columns of a row's key."""

    key: str
    label: str
    source: str
    time: ImportedCell
    row_key: tuple[str, ...]
    user_id: ImportedCell | None
    anonymous_id: ImportedCell | None
    identifiers: tuple[ImportedIdentifier, ...]
    traits: Mapping[str, ImportedCell]
    events: tuple[ImportedEvent, ...]
    statements: tuple[ImportedStatement, ...]
    zone: str = "UTC"
    decimal: str = "."
    absent: frozenset[str] = frozenset()
    delimiter: str = ","
    encoding: str = "utf-8"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a file needs, each once."""
        cells = (cell.column for cell in self._iterate_cells() if cell.column is not None)
        parts: tuple[ImportedEvent | ImportedStatement, ...] = (*self.events, *self.statements)
        conditions = (part.only_if.column for part in parts if part.only_if is not None)
        return tuple(dict.fromkeys((*self.row_key, *cells, *conditions)))

    @property
    def version(self) -> str:
        """A digest of the mapping's meaning."""
        canonical = json.dumps(asdict(self), sort_keys=True, default=sorted)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def _iterate_cells(self) -> Iterator[ImportedCell]:
        yield from (cell for cell in (self.time, self.user_id, self.anonymous_id) if cell is not None)
        yield from (identifier.cell for identifier in self.identifiers)
        yield from self.traits.values()
        for event in self.events:
            yield from (event.time, *event.properties.values())
        for statement in self.statements:
            yield from (statement.time, statement.method)
            yield from (*statement.purposes.values(), *statement.notice.values())
            yield from (cell for cell in (statement.valid_until, statement.guardian) if cell is not None)


def build_import_mapping(key: str, entry: ImportEntry) -> ImportMapping:
    """Build a mapping from its valid entry."""
    time = _build_cell(entry.time)
    return ImportMapping(
        key=key,
        label=entry.label,
        source=entry.source,
        time=time,
        row_key=tuple(entry.key),
        user_id=_build_optional_cell(entry.user_id),
        anonymous_id=_build_optional_cell(entry.anonymous_id),
        identifiers=tuple(_build_identifier(name, each) for name, each in entry.identifiers.items()),
        traits=_build_cells(entry.traits),
        events=tuple(_build_event(name, each, time) for name, each in entry.events.items()),
        statements=tuple(_build_statement(each, time) for each in entry.statements),
        zone=entry.zone,
        decimal=entry.decimal,
        absent=frozenset(entry.absent),
        delimiter=entry.delimiter,
        encoding=entry.encoding,
    )


def _build_cell(entry: CellEntry) -> ImportedCell:
    return ImportedCell(entry.column, entry.value, entry.format, entry.separator, entry.codes)


def _build_optional_cell(entry: CellEntry | None) -> ImportedCell | None:
    return None if entry is None else _build_cell(entry)


def _build_cells(entries: Mapping[str, CellEntry]) -> dict[str, ImportedCell]:
    return {name: _build_cell(entry) for name, entry in entries.items()}


def _build_identifier(name: str, entry: ImportedIdentifierEntry) -> ImportedIdentifier:
    return ImportedIdentifier(name, _build_cell(entry), entry.assurance)


def _build_condition(entry: ConditionEntry | None) -> ImportCondition | None:
    return None if entry is None else ImportCondition(entry.column, tuple(entry.values))


def _build_event(name: str, entry: ImportedEventEntry, time: ImportedCell) -> ImportedEvent:
    own_time = _build_optional_cell(entry.time) or time
    return ImportedEvent(name, own_time, _build_cells(entry.properties), _build_condition(entry.only_if))


def _build_statement(entry: ImportedStatementEntry, time: ImportedCell) -> ImportedStatement:
    notice = {} if entry.notice is None else {name: getattr(entry.notice, name) for name in NOTICE_COLUMNS}
    return ImportedStatement(
        time=_build_optional_cell(entry.time) or time,
        purposes=_build_cells(entry.purposes),
        method=_build_cell(entry.method),
        notice=_build_cells(notice),
        valid_until=_build_optional_cell(entry.valid_until),
        guardian=_build_optional_cell(entry.guardian),
        only_if=_build_condition(entry.only_if),
    )


NOTICE_COLUMNS = ("version", "language", "sha256")
"""The members of a reference to a notice."""
