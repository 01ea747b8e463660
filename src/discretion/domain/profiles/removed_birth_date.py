"""A birth date that was removed or erased: the protection of a child does not end with it. Pure functions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from discretion.store.source_record import Cell, RemovedBirthDate

UNKNOWN_BIRTH: Final = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""Stands for the birth of a child whose date was erased: it is of no age yet (ms)."""


def build_child_marker(at: int) -> Cell:
    """Return what stays of the birth date of a child that was erased at a time (ms).

    It does not say how old the child is, because the year is data, too. So the child is protected until
    another birth date is stated.
    """
    return Cell(at, "", removed_birth=RemovedBirthDate(at, "", UNKNOWN_BIRTH))


def is_child_marker(cell: Cell) -> bool:
    """Return whether a cell has nothing of a birth date but that it was the one of a child."""
    return cell.is_empty and cell.protected_birth == UNKNOWN_BIRTH


def fold_removed_birth(
    current: Cell | None, stated: RemovedBirthDate | None, at: int, message: str
) -> Cell | None:
    """Return the cell of a birth date that is removed, after a message; None if the date is not removed.

    The latest date before the removal stays with it, in whatever order the messages come.

    Args:
        current: The cell before the message.
        stated: The birth date that the message states; None if it removes it.
        at: The time of the message (ms).
        message: Its id.
    """
    is_late = current is not None and (current.at, current.message) >= (at, message)
    if stated is not None:
        if current is None or not current.is_empty or not is_late:
            return None
        before = current.removed_birth
        is_later = before is None or (stated.at, stated.message) > (before.at, before.message)
        return replace(current, removed_birth=stated) if is_later else current
    if current is None:
        return Cell(at, message)
    if current.is_empty:
        return current if is_late else replace(current, at=at, message=message)
    if is_late:
        return None
    return Cell(at, message, removed_birth=RemovedBirthDate(current.at, current.message, current.born))
