"""Equivalence of people: which properties of a person's state determine their permissions at a moment.

Of two statements only the order matters, and of an acceptance only whether it is still valid; of a birth date
only below which age limits the person is; of a source record only what it answers for each purpose. So very
many states fall into few situations, and the permissions of each situation can be cached
(``permission_engine``). Two people in equal situations have equal permissions; a property test compares with
``permissions.compute_permitted_bits``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

from discretion.catalogue.duration import add_duration
from discretion.catalogue.model import Catalogue, Purpose
from discretion.law.age import find_age_moment
from discretion.law.model import ConsentLaw, ConsentTimeline
from discretion.purpose.permissions import PersonState
from discretion.purpose.record_answer import RecordAnswer, compute_record_answer
from discretion.purpose.statements import PurposeChoice, RecordStatements, list_purpose_path

CACHE_SIZE = 20_000
"""Situations of single records whose answers are cached."""

_NEVER = 2**62
"""In ms: the end of an acceptance without an end."""


class _ClassifiedRecord(NamedTuple):
    """One record's statements and their order.

    Each acceptance has its node, its time and its possible ends.
    """

    statements: RecordStatements
    order: Hashable
    acceptances: Sequence[tuple[str, int, tuple[int, ...]]]


class PersonSituation:
    """The situations that one person passes through over time."""

    __slots__ = ("_classifier", "_records", "_state", "_timelines")

    def __init__(self, classifier: SituationClassifier, state: PersonState) -> None:
        self._classifier = classifier
        self._state = state
        self._timelines = [classifier.law.find_timeline(key) for key in state.laws]
        self._records = [classifier.classify_record(record) for record in state.statements]

    def at(self, now_ms: int) -> Hashable:
        """Return the situation at a moment (ms). People with equal situations have equal permissions.

        Returns:
            Laws, restriction, others' refusals, limit on sensitive data, the period in force of each law, age
            flags and record answers.
        """
        # The result is the key of cached permissions. It must hold every input of ``compute_permitted_bits``:
        # two people whose difference is missing here would get the same permissions.
        state = self._state
        return (
            state.laws,
            state.restricted,
            state.refused_by_provers,
            any(item.limits_sensitive_use for item in state.statements),
            tuple([sum([start <= now_ms for start in item.list_change_times()]) for item in self._timelines]),
            None if state.born_at is None else tuple(self._age_flags(state.born_at, now_ms)),
            # As a set: what several records answer together depends neither on their order nor on their
            # number.
            frozenset([self._classifier.number_answers(item, now_ms) for item in self._records]),
        )

    def list_turning_points(self) -> set[int]:
        """Return every moment (ms) at which a law, an age flag or a notice changes."""
        moments = set(self._classifier.edition_starts)
        for timeline in self._timelines:
            moments.update(timeline.list_change_times())
            if self._state.born_at is not None:
                moments.update(_list_birthdays(self._state.born_at, timeline))
        return moments

    def list_acceptance_ends(self) -> set[int]:
        """Return every moment (ms) at which an acceptance ends."""
        moments: set[int] = set()
        for record in self._records:
            for node, _, ends in record.acceptances:
                moments.update([ends[index] for index in self._classifier.lengths_below(node)])
        moments.discard(_NEVER)
        return moments

    def _age_flags(self, born: int, now_ms: int) -> Iterator[bool]:
        for timeline in self._timelines:
            for age in timeline.find_rules(now_ms).ages:
                yield now_ms < find_age_moment(born, age.below, timeline.zone)


class SituationClassifier:
    """Computes situations under one catalogue and one set of laws."""

    def __init__(self, catalogue: Catalogue, law: ConsentLaw) -> None:
        self.law = law
        self.edition_starts = tuple(sorted({item.start for item in law.material_changes}))
        self._purposes = tuple(catalogue.purposes.values())
        self._lengths = tuple(sorted({item.lasts for item in self._purposes}))
        self._lengths_by_node: dict[str, tuple[int, ...]] = {}
        for index, length in enumerate(self._lengths):
            for node in {
                ancestor
                for item in self._purposes
                if item.lasts == length
                for ancestor in list_purpose_path(item.key)
            }:
                self._lengths_by_node[node] = (*self._lengths_by_node.get(node, ()), index)
        self._answer_numbers: dict[Hashable, int] = {}
        self._number_by_answers: dict[tuple[RecordAnswer, ...], int] = {}
        self._next_number = count()

    def lengths_below(self, node: str) -> tuple[int, ...]:
        """Return which ends of an acceptance of a node matter to purposes at or below that node."""
        return self._lengths_by_node.get(node, ())

    def classify_record(self, statements: RecordStatements) -> _ClassifiedRecord:
        """Return a record with everything that does not depend on the time at which it is evaluated."""
        if not statements.has_choices and statements.opted_out_at is None:
            # Most records state nothing; whether they are a login then makes no difference.
            return _ClassifiedRecord(statements, statements.is_correction, ())
        acceptances = [
            (node, choice.at, self._list_ends(choice)) for node, choice in statements.list_acceptances()
        ]
        return _ClassifiedRecord(statements, _rank_moments(statements), acceptances)

    def number_answers(self, record: _ClassifiedRecord, now_ms: int) -> int:
        """Return a number for what a record alone answers for each purpose; equal answers have equal numbers.

        What several records answer together follows from the answer of each
        (``effective_choice.combine_answers``).
        """
        situation = (
            record.order,
            tuple([now_ms < moment for _, _, ends in record.acceptances for moment in ends]),
            tuple(
                [
                    given_at < moment <= now_ms
                    for _, given_at, _ in record.acceptances
                    for moment in self.edition_starts
                ]
            ),
        )
        number = self._answer_numbers.get(situation)
        if number is None:
            if len(self._answer_numbers) >= CACHE_SIZE:
                self._answer_numbers.clear()
                # The counter continues: a number must not return with another meaning while the engine's
                # cache holds it.
                self._number_by_answers.clear()
            answers = self._compute_answers(record.statements, now_ms)
            number = self._number_by_answers.get(answers)
            if number is None:
                number = self._number_by_answers[answers] = next(self._next_number)
            self._answer_numbers[situation] = number
        return number

    def _compute_answers(self, statements: RecordStatements, now_ms: int) -> tuple[RecordAnswer, ...]:
        """Return the answers to each purpose.

        If the notice was ever replaced, a second answer for each purpose ignores acceptances from before the
        present edition: laws that require renewal use it.
        """
        answers = [compute_record_answer(purpose, statements, now_ms) for purpose in self._purposes]
        if self.edition_starts:
            answers += [
                compute_record_answer(purpose, statements, now_ms, self._valid_since(purpose, now_ms))
                for purpose in self._purposes
            ]
        return tuple(answers)

    def _valid_since(self, purpose: Purpose, now_ms: int) -> int:
        starts = [moment.start for moment in self.law.material_changes if purpose.key in moment.purposes]
        return max((moment for moment in starts if moment <= now_ms), default=0)

    def _list_ends(self, choice: PurposeChoice) -> tuple[int, ...]:
        until = _NEVER if choice.until is None else choice.until
        return tuple(
            [min(until, add_duration(length, choice.at)) if length else until for length in self._lengths]
        )


def _list_birthdays(born: int, timeline: ConsentTimeline) -> Iterator[int]:
    for period in timeline.periods:
        for age in period.rules.ages:
            yield find_age_moment(born, age.below, timeline.zone)


def _rank_moments(statements: RecordStatements) -> Hashable:
    """Return a record's statements with each moment replaced by its rank, and what it is a record of."""
    choice_lists = (statements.explicit, statements.guardian, statements.own, statements.own_guardian)
    moments: set[int | None] = {choice.at for choices in choice_lists for _, choice in choices}
    states = [
        (node, (state.accepted_first, state.accepted_last, state.refused_last, state.dated))
        for node, state in statements.ambient
    ]
    moments.update([at for _, times in states for at in times])
    moments.add(statements.opted_out_at)
    moments.discard(None)
    ranks: dict[int | None, int | None] = {None: None}
    ranks.update((at, rank) for rank, at in enumerate(sorted(at for at in moments if at is not None)))
    return (
        tuple([(node, *[ranks[at] for at in times]) for node, times in states]),
        tuple(
            [
                tuple([(node, choice.accepted, ranks[choice.at]) for node, choice in choices])
                for choices in choice_lists
            ]
        ),
        ranks[statements.opted_out_at],
        statements.is_login,
        statements.is_correction,
    )
