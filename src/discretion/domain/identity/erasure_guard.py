"""What of messages is taken in when tombstones stand over names in them. Pure.

A message about somebody erased is not stored, and whoever sent it is told nothing else than of any other:
write keys are public, and an answer must not say who was erased. That is a message

* whose source record was erased, or would be new and named by an erased name;
* of a record that only a browser, a device or a card is known by, when it says that this is somebody erased;
* that is on record as having been heard before.

A living account's message keeps what is its own: the erased name is left out, and values of its type.

Erased people come back by doing something that ``enrols``, or by an express yes, after the erasure. Names in
that message, and in later ones of that record, may be named from then on. What happened before stays out, in
whatever order messages come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from discretion.domain.identity.unit_of_work import Word
from discretion.domain.ingest.message import Fact
from discretion.store.tombstones import Stone


@dataclass(frozen=True, slots=True)
class Admitted:
    """``words`` are told; ``barred`` has marks of messages that are not, ``lifted`` names with their time."""

    words: Sequence[Word]
    barred: Sequence[bytes]
    lifted: Mapping[bytes, int]


def names_of(word: Word) -> list[bytes]:
    """What a message names that may have been erased: its record, identifiers, and the message itself."""
    return [word.marks.record, *(one.entry for one in word.marks.mentions), word.marks.message]


def enrols(fact: Fact) -> bool:
    """Whether by what happened somebody becomes a customer."""
    event = fact.event is not None and fact.event.type.enrols
    return event or any(said.given for said in fact.words.values())


def admit(words: Sequence[Word], stones: Mapping[bytes, Stone], enrolled: Mapping[bytes, int]) -> Admitted:
    """What becomes of new messages.

    Args:
        words: The messages; none of them was heard before.
        stones: Tombstones over names in them.
        enrolled: For each living record among theirs when it last enrolled, 0 if never.
    """
    standing, living = dict(stones), dict(enrolled)
    kept: dict[bytes, Word] = {}
    barred: list[bytes] = []
    lifted: dict[bytes, int] = {}
    for word in sorted(words, key=lambda one: (one.fact.earliest, one.marks.message)):
        mark, record, at = word.marks.message, word.marks.record, word.fact.earliest
        since = at if enrols(word.fact) else living.get(record, 0)
        for name in _back(word, standing, since):
            lifted[name] = at
            standing[name] = Stone(standing[name].at, at)
        against = {one for one in names_of(word) if one in standing and standing[one].bars(at)}
        told = word if not against else _spared(word, against, known=record in living)
        if told is None:
            barred.append(mark)
            continue
        kept[mark] = told
        living[record] = max(living.get(record, 0), at if enrols(word.fact) else 0)
    return Admitted([kept[one.marks.message] for one in words if one.marks.message in kept], barred, lifted)


def _back(word: Word, standing: Mapping[bytes, Stone], since: int) -> list[bytes]:
    """Names that are lifted by a message of whoever enrolled at ``since``."""
    at = word.fact.earliest
    return [
        one
        for one in (word.marks.record, *(mention.entry for mention in word.marks.mentions))
        if one in standing and standing[one].at < min(at, since) and standing[one].bars(at)
    ]


def _spared(word: Word, against: set[bytes], *, known: bool) -> Word | None:
    """A message without erased names, or None if nothing of it is anybody else's."""
    fact, marks = word.fact, word.marks
    own = next((one.entry for one in marks.mentions), None)
    if not known or not against.isdisjoint((marks.record, own, marks.message)):
        return None
    if fact.identifiers and fact.identifiers[0].type != fact.source.user_id:
        return None
    kinds = {one.kind for one in marks.mentions if one.entry in against}
    values = tuple(one for one in fact.values if one[0].identifier not in kinds)
    mentions = tuple(one for one in marks.mentions if one.entry not in against)
    return Word(replace(fact, values=values), replace(marks, mentions=mentions))
