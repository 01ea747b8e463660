"""Precedence: which of several sources' cells for one attribute is used.

    1. a correction by the customer (GDPR Art. 16)
    2. a value of a record with a number, and not one of a record without or an address that was only claimed
    3. the source with the higher precedence: in the attribute's own order if it has one, else by priority
    4. the later observation
    5. the greater message id, then the greater source key: arbitrary, but the same in every process

A correction is a cell of the source ``CORRECTION_SOURCE``. So it stays in force however often another source
sends its value again, and a later correction replaces it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from discretion.catalogue.model import Attribute, Catalogue
from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.store.source_record import Cell


class SourceCell(NamedTuple):
    """A source's key and its cell; ``is_uncertain`` says that it may be about somebody else."""

    source: str
    cell: Cell
    is_uncertain: bool = False


_RANK_CORRECTION, _RANK_ATTRIBUTE_ORDER, _RANK_PRIORITY, _RANK_REMOVED = range(4)


def select_cell(
    catalogue: Catalogue, attribute: Attribute, candidates: Sequence[SourceCell]
) -> SourceCell | None:
    """Return the cell with the highest precedence, in any order of candidates; None without candidates."""
    if len(candidates) == 1:
        return candidates[0]
    latest_first = sorted(candidates, key=_sort_key, reverse=True)
    return min(
        latest_first, key=lambda candidate: _rank_candidate(catalogue, attribute, candidate), default=None
    )


def rank_source(catalogue: Catalogue, attribute: Attribute, source: str) -> tuple[int, int]:
    """Return the rank of a source for an attribute; the lowest rank wins.

    A source that was removed from the catalogue ranks after all that are in it.
    """
    if source == CORRECTION_SOURCE.key:
        return _RANK_CORRECTION, 0
    if source in attribute.precedence:
        return _RANK_ATTRIBUTE_ORDER, attribute.precedence.index(source)
    registered_source = catalogue.sources.get(source)
    return (_RANK_REMOVED, 0) if registered_source is None else (_RANK_PRIORITY, registered_source.priority)


def _rank_candidate(
    catalogue: Catalogue, attribute: Attribute, candidate: SourceCell
) -> tuple[bool, tuple[int, int]]:
    is_correction = candidate.source == CORRECTION_SOURCE.key
    return (
        candidate.is_uncertain and not is_correction,
        rank_source(catalogue, attribute, candidate.source),
    )


def _sort_key(candidate: SourceCell) -> tuple[int, str, str]:
    return candidate.cell.at, candidate.cell.message, candidate.source
