"""The statement of a row about purposes, with its proof."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.catalogue.import_mapping import ImportedCell, ImportedStatement, ImportMapping
from discretion.catalogue.model import ValueType
from discretion.domain.ingest.consent_message import CONSENT_TYPE
from discretion.domain.ingest.file_import.cell import CellReader, CellUnreadable
from discretion.domain.ingest.file_import.row_file import Row
from discretion.domain.ingest.file_import.row_result import Message, RowFault, RowMessages
from discretion.store.consent_event import StatementMethod


class _ProofUnreadable(Exception):
    """A part of a statement's proof is unreadable."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.reason = column, reason


@dataclass(frozen=True, slots=True)
class StatementReader:
    """Reads one statement of each row."""

    statement: ImportedStatement
    mapping: ImportMapping

    def read(self, row: Row, result: RowMessages) -> Message | None:
        """Return the message, None if the row says neither yes nor no to anything.

        A yes without a part of its proof would be another yes, so an unreadable part refuses it. A no needs
        no proof and stands.
        """
        purposes = {
            purpose: result.read_or_leave_out(CellReader(cell, self.mapping, ValueType.BOOLEAN), row)
            for purpose, cell in self.statement.purposes.items()
        }
        message: Message = {
            "type": CONSENT_TYPE,
            "purposes": {purpose: permits for purpose, permits in purposes.items() if permits is not None},
        }
        if not message["purposes"]:
            return None
        try:
            proof = self._read_proof(row)
        except _ProofUnreadable as unreadable:
            result.faults.append(RowFault("CELL_UNREADABLE", unreadable.column, unreadable.reason))
            return next(iter(select_refusals(message)), None)
        return {**message, **{name: value for name, value in proof.items() if value is not None}}

    def _read_proof(self, row: Row) -> Message:
        statement = self.statement
        notice = {name: self._read_part(cell, row) for name, cell in statement.notice.items()}
        reference = self._read_part(statement.guardian, row)
        return {
            "method": self._read_part(statement.method, row) or StatementMethod.IMPORT.value,
            "notice": notice if any(value is not None for value in notice.values()) else None,
            "validUntil": self._read_part(statement.valid_until, row, ValueType.DATETIME),
            "guardian": None if reference is None else {"reference": reference},
        }

    def _read_part(
        self, cell: ImportedCell | None, row: Row, value_type: ValueType = ValueType.STRING
    ) -> object:
        if cell is None:
            return None
        try:
            return CellReader(cell, self.mapping, value_type).read(row.cells)
        except CellUnreadable as unreadable:
            raise _ProofUnreadable(cell.column or "", unreadable.reason) from None


def select_refusals(message: Message) -> list[Message]:
    """Return a statement with nothing but what it refuses; none if it refuses nothing."""
    purposes = message["purposes"]
    assert isinstance(purposes, dict)
    refusals = {purpose: permits for purpose, permits in purposes.items() if permits is False}
    method = StatementMethod.IMPORT.value
    return [{"type": CONSENT_TYPE, "purposes": refusals, "method": method}] if refusals else []
