"""Who is alike at a moment: what of a person's state counts then, without the moments they spoke at.

Of two words only their order counts, and of a yes whether it is still in time; of a birthday, below which
ages somebody is; of a record, what it answers. Few situations are left of very many states, so
what each permits can be remembered (``judge``). Two who are alike permit the same; a test compares with
``state.permitted``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

from discretion.catalogue.duration import end
from discretion.catalogue.model import Catalogue, Purpose
from discretion.law.age import attained
from discretion.law.model import Law, Timeline
from discretion.purpose.permissions import PersonState
from discretion.purpose.statements import Answer, Choice, Heard, answer, branch

REMEMBERED = 20_000
"""Ways in which a record may speak, of which it is known what that comes to."""

_NEVER = 2**62
"""In ms: when a yes without an end is over."""


class _Record(NamedTuple):
    """What one record heard, the order of it, and for each yes the node, when it was said and its ends."""

    heard: Heard
    order: Hashable
    yeses: Sequence[tuple[str, int, tuple[int, ...]]]


class Alike:
    """One person's likeness: whose ``at`` is equal at a moment permits the same then."""

    __slots__ = ("_likeness", "_records", "_state", "_timelines")

    def __init__(self, likeness: Likeness, state: PersonState) -> None:
        self._likeness = likeness
        self._state = state
        self._timelines = [likeness.law.of(key) for key in state.laws]
        self._records = [likeness.record(one) for one in state.heard]

    def at(self, now_ms: int) -> Hashable:
        """What counts at a moment."""
        state = self._state
        return (
            state.laws,
            state.restricted,
            any(one.limited for one in state.heard),
            tuple([sum([start <= now_ms for start in one.turns()]) for one in self._timelines]),
            None if state.born is None else tuple(self._young(state.born, now_ms)),
            frozenset([self._likeness.says(one, now_ms) for one in self._records if one.order is not None]),
        )

    def steps(self) -> set[int]:
        """Every moment (ms) at which a law, an age or a notice turns."""
        found = set(self._likeness.editions)
        for timeline in self._timelines:
            found.update(timeline.turns())
            if self._state.born is not None:
                found.update(_birthdays(self._state.born, timeline))
        return found

    def lapses(self) -> set[int]:
        """Every moment (ms) at which a yes is over."""
        found: set[int] = set()
        for record in self._records:
            for node, _, ends in record.yeses:
                found.update([ends[index] for index in self._likeness.lengths_below(node)])
        found.discard(_NEVER)
        return found

    def _young(self, born: int, now_ms: int) -> Iterator[bool]:
        for timeline in self._timelines:
            for age in timeline.at(now_ms).ages:
                yield now_ms < attained(born, age.below, timeline.zone)


class Likeness:
    """Tells by one catalogue and one law who is alike."""

    def __init__(self, catalogue: Catalogue, law: Law) -> None:
        self.law = law
        self.editions = tuple(sorted({one.start for one in law.editions}))
        self._purposes = tuple(catalogue.purposes.values())
        self._lengths = tuple(sorted({one.lasts for one in self._purposes}))
        self._below: dict[str, tuple[int, ...]] = {}
        for index, length in enumerate(self._lengths):
            for node in {step for one in self._purposes if one.lasts == length for step in branch(one.key)}:
                self._below[node] = (*self._below.get(node, ()), index)
        self._remembered: dict[Hashable, int] = {}
        self._numbers: dict[tuple[Answer, ...], int] = {}
        self._number = count()

    def lengths_below(self, node: str) -> tuple[int, ...]:
        """Which of a yes's ends matter to a purpose at or below a node."""
        return self._below.get(node, ())

    def record(self, heard: Heard) -> _Record:
        """A record, with all that does not depend on the moment it is looked at."""
        yeses = [
            (node, one.at, self._ends(one))
            for words in (heard.stamps, heard.words, heard.guards)
            for node, one in words
            if one.given
        ]
        return _Record(heard, _order(heard), yeses)

    def says(self, record: _Record, now_ms: int) -> int:
        """A number for what a record alone answers, purpose by purpose: the same for the same answers.

        What several answer together follows from what each answers (``said.answer``).
        """
        situation = (
            record.order,
            tuple([now_ms < one for _, _, ends in record.yeses for one in ends]),
            tuple([at < one <= now_ms for _, at, _ in record.yeses for one in self.editions]),
        )
        known = self._remembered.get(situation)
        if known is None:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
                self._numbers.clear()  # and no number is given again
            answers = self._answers(record.heard, now_ms)
            known = self._numbers.get(answers)
            if known is None:
                known = self._numbers[answers] = next(self._number)
            self._remembered[situation] = known
        return known

    def _answers(self, heard: Heard, now_ms: int) -> tuple[Answer, ...]:
        """To each purpose; and if the notice ever changed, where a yes from before that does not count."""
        told = [answer(one, (heard,), now_ms) for one in self._purposes]
        if self.editions:
            told += [answer(one, (heard,), now_ms, self._since(one, now_ms)) for one in self._purposes]
        return tuple(told)

    def _since(self, purpose: Purpose, now_ms: int) -> int:
        starts = [one.start for one in self.law.editions if purpose.key in one.purposes]
        return max((one for one in starts if one <= now_ms), default=0)

    def _ends(self, choice: Choice) -> tuple[int, ...]:
        until = _NEVER if choice.until is None else choice.until
        return tuple([min(until, end(one, choice.at)) if one else until for one in self._lengths])


def _birthdays(born: int, timeline: Timeline) -> Iterator[int]:
    for period in timeline.periods:
        for age in period.rules.ages:
            yield attained(born, age.below, timeline.zone)


def _order(heard: Heard) -> Hashable:
    """What a record heard, each moment as its place in their order; None if that is nothing."""
    lists = (heard.stamps, heard.words, heard.guards)
    moments = {one.at for words in lists for _, one in words}
    if heard.opted_out is not None:
        moments.add(heard.opted_out)
    if not moments:
        return None
    place = {at: index for index, at in enumerate(sorted(moments))}
    return (
        tuple([tuple([(node, one.given, place[one.at]) for node, one in words]) for words in lists]),
        None if heard.opted_out is None else place[heard.opted_out],
    )
