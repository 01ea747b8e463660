"""What a row gives: messages, and what is wrong with the row beyond what is wrong with its messages."""

from __future__ import annotations

from dataclasses import dataclass, field

from discretion.domain.ingest.file_import.cell import CellReader, CellUnreadable
from discretion.domain.ingest.file_import.row_file import Row

Message = dict[str, object]


@dataclass(frozen=True, slots=True)
class RowFault:
    """Something in a row that refuses a message or, unless ``refuses``, is left out of it.

    ``column`` is empty if it is no one column. ``reason`` has no value of the row.
    """

    code: str
    column: str
    reason: str
    refuses: bool = True


@dataclass(slots=True)
class RowMessages:
    """The messages of a row, and what was wrong with it before."""

    messages: list[Message] = field(default_factory=list, repr=False)
    faults: list[RowFault] = field(default_factory=list)

    def read_or_leave_out(self, reader: CellReader, row: Row) -> object:
        """Return the value of a cell; None, and a fault is added, if it is unreadable."""
        try:
            return reader.read(row.cells)
        except CellUnreadable as unreadable:
            column = reader.cell.column or ""
            self.faults.append(RowFault("CELL_UNREADABLE", column, unreadable.reason, refuses=False))
            return None
