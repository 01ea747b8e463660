"""Which of several words about one attribute is believed.

    1. what the person corrected themselves (GDPR Art. 16)
    2. the source that goes first: in the attribute's own order if it has one, else by priority
    3. the later observation
    4. the greater message id, then source: means nothing, and is the same whoever looks

A correction is a word like any other, from the source ``CORRECTIONS``. So it stays in force however
often a source sends again, and a later correction replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from discretion.catalogue.model import CORRECTIONS, Attribute, Catalogue

Cell = Mapping[str, Any]
Word = tuple[str, Cell]
"""A source's key, and its cell: ``t`` when it was observed (ms), ``m`` in which message."""

_CORRECTED, _NAMED, _REGISTERED, _GONE = range(4)


def believed(catalogue: Catalogue, attribute: Attribute, words: Iterable[Word]) -> Word | None:
    """The word that counts, or None if there is none. Their order is nothing."""
    latest_first = sorted(words, key=_moment, reverse=True)
    return min(latest_first, key=lambda word: standing(catalogue, attribute, word[0]), default=None)


def standing(catalogue: Catalogue, attribute: Attribute, source: str) -> tuple[int, int]:
    """Where a source stands for an attribute; the lower goes first.

    One that has left the catalogue still counts, after all that are in it.
    """
    if source == CORRECTIONS.key:
        return _CORRECTED, 0
    if source in attribute.precedence:
        return _NAMED, attribute.precedence.index(source)
    known = catalogue.sources.get(source)
    return (_GONE, 0) if known is None else (_REGISTERED, known.priority)


def _moment(word: Word) -> tuple[int, str, str]:
    source, cell = word
    return cell["t"], cell["m"], source
