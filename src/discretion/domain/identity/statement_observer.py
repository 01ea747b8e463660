"""Express words and signals from sources, told to whoever puts them on record, in the same transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discretion.domain.identity.unit_of_work import Word
from discretion.domain.ingest.message import Fact
from discretion.store.driver.database import Session

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message's words, told to a record for the first time.

    ``mark`` tells the message from every other, ``customer`` is who the record belongs to now, ``before`` the
    record as it was, None if it is new.
    """

    fact: Fact
    mark: bytes
    record: bytes
    customer: bytes = field(repr=False)
    before: Document | None = field(repr=False)


Witness = Callable[[Session, Sequence[Spoken]], Awaitable[None]]


def spoken(
    words: Sequence[Word], owners: Mapping[bytes, bytes], before: Mapping[bytes, Document]
) -> list[Spoken]:
    """What of messages is to be put on record. ``owners`` are customers by their records."""
    return [
        Spoken(
            word.fact,
            word.marks.message,
            word.marks.record,
            owners[word.marks.record],
            before.get(word.marks.record),
        )
        for word in words
        if word.fact.words or word.fact.signals or word.fact.choices
    ]
