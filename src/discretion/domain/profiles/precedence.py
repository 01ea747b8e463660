"""Precedence: which of several sources' cells for one attribute is used.

    1. a correction by the customer (GDPR Art. 16)
    2. the source with the higher precedence: in the attribute's own order if it has one, else by priority
    3. the later observation
    4. the greater message id, then the greater source key: arbitrary, but the same in every process

A correction is a cell of the source ``CORRECTION_SOURCE``. So it stays in force however often another source
sends its value again, and a later correction replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable

from discretion.catalogue.model import Attribute, Catalogue
from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.store.source_record import Cell

SourceCell = tuple[str, Cell]
"""A source's key and its cell."""

_RANK_CORRECTION, _RANK_ATTRIBUTE_ORDER, _RANK_PRIORITY, _RANK_REMOVED = range(4)


def select_cell(
    catalogue: Catalogue, attribute: Attribute, candidates: Iterable[SourceCell]
) -> SourceCell | None:
    """Return the cell with the highest precedence, in any order of candidates; None without candidates."""
    latest_first = sorted(candidates, key=_sort_key, reverse=True)
    return min(
        latest_first, key=lambda candidate: rank_source(catalogue, attribute, candidate[0]), default=None
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


def _sort_key(candidate: SourceCell) -> tuple[int, str, str]:
    source, cell = candidate
    return cell.at, cell.message, source
