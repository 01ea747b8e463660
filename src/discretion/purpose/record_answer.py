"""What one source record alone answers about a purpose.

A statement about a node covers its descendants; of the statements of one kind along a branch the latest
counts, and a refusal wins a tie. Between the kinds:

* The person's own refusal is lifted only by the person: nothing that a source reports overrides it.
* Their own acceptance ends what sources reported before it, and a later refusal from anywhere withdraws it.
* A later ambient refusal withdraws an explicit acceptance, but an ambient acceptance never overrides an
  explicit refusal: a page that was not informed of the refusal repeats the acceptance.
* A guardian's acceptance stays valid when the child has come of age (EDPB Guidelines 05/2020, 149). It does
  not override a refusal of the person, whether they need a guardian or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from discretion.catalogue.model import Purpose
from discretion.purpose.statements import (
    AmbientChoice,
    NodeChoices,
    NodeStates,
    PurposeChoice,
    RecordStatements,
    compute_acceptance_end,
    list_purpose_path,
)

_ALWAYS = -1
"""Before all times: no own statement ends what sources reported."""


class Reach(IntEnum):
    """Which records of a person an acceptance covers."""

    NONE = 0
    RECORD = 1
    PERSON = 2


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """What one record answers about a purpose; ``purpose.effective_choice`` combines the answers.

    Attributes:
        is_refused: It refuses the purpose.
        accepted: Which records its acceptance covers.
        own: The same, of an acceptance that is the person's own.
        explicit: The same, of an explicit acceptance.
        by_guardian: The same, of a guardian's acceptance, if nobody has refused since.
        opted_out: An opt-out signal was received, and no explicit acceptance since.
        is_correction: It is about no source's data, and needs no acceptance.
    """

    is_refused: bool = False
    accepted: Reach = Reach.NONE
    own: Reach = Reach.NONE
    explicit: Reach = Reach.NONE
    by_guardian: Reach = Reach.NONE
    opted_out: bool = False
    is_correction: bool = False


# Most records state nothing about most purposes, and each write of a person asks each about all.
_UNSTATED = {
    (opted_out, is_correction): RecordAnswer(opted_out=opted_out, is_correction=is_correction)
    for opted_out in (False, True)
    for is_correction in (False, True)
}


def compute_record_answer(
    purpose: Purpose, statements: RecordStatements, now_ms: int, since: int = 0
) -> RecordAnswer:
    """Return what a record answers about a purpose at ``now_ms``.

    An acceptance counts from ``since`` (ms) on, for the time it was given for and for at most the purpose's
    ``lasts``; a refusal always counts.
    """
    if statements.nodes.isdisjoint(list_purpose_path(purpose.key)):
        return _UNSTATED[statements.opted_out_at is not None, statements.is_correction]
    return _RecordJudge(purpose, statements, now_ms, since).judge()


class _RecordJudge:
    """Judges one record: what its person, its guardian and its source state about one purpose."""

    def __init__(self, purpose: Purpose, statements: RecordStatements, now_ms: int, since: int) -> None:
        self._purpose = purpose
        self._statements = statements
        self._now_ms = now_ms
        self._since = since
        self._path = list_purpose_path(purpose.key)
        # Also an own statement that has ended ends what sources reported before it: a person who agreed until
        # a certain day has not agreed after that day.
        floor = self._find_last_time(statements.own)
        self._own = self._find_valid(statements.own)
        self._explicit = self._find_valid(statements.explicit, floor)
        self._ambient, self._ambient_refused_at = self._judge_ambient(statements.ambient, floor)
        self._guardian = self._find_valid(statements.guardian, self._find_last_time(statements.own_guardian))
        self._own_guardian = self._find_valid(statements.own_guardian)

    def judge(self) -> RecordAnswer:
        """Return the answer."""
        stated, guardian = self._combine(self._own, self._explicit), self._find_guardian_choice()
        by_guardian = self._is_unrefused(guardian)
        strongest = stated
        if stated is None or stated.accepted:
            strongest = _find_latest(choice for choice in (stated, guardian) if choice is not None)
        is_withdrawn = self._is_withdrawn(strongest)
        decisive = self._ambient if strongest is None or is_withdrawn else strongest
        is_accepted = decisive is not None and decisive.accepted
        personal = self._ambient if stated is None or self._is_withdrawn(stated) else stated
        explicit = strongest if is_accepted and not is_withdrawn else None
        lifted_at = max(
            (choice.at for choice in (explicit, guardian if by_guardian else None) if choice is not None),
            default=-1,
        )
        opted_out_at = self._statements.opted_out_at
        is_refused = decisive is not None and not is_accepted
        # A later acceptance that a source reports takes nothing from an own one, which covers more.
        stands = self._stands(self._own)
        guardian_stands = bool(guardian and guardian.accepted) and self._stands(self._own_guardian)
        return RecordAnswer(
            is_refused=is_refused,
            accepted=self._find_reach(is_accepted, stands or guardian_stands),
            own=self._find_reach(is_accepted and personal is not None and personal.accepted, stands),
            explicit=self._find_reach(explicit is not None, stands or guardian_stands),
            by_guardian=self._find_reach(by_guardian, self._is_unrefused(self._own_guardian)),
            # At equal times the signal wins over the acceptance.
            opted_out=opted_out_at is not None and lifted_at <= opted_out_at,
            is_correction=self._statements.is_correction,
        )

    def _combine(self, own: PurposeChoice | None, reported: PurposeChoice | None) -> PurposeChoice | None:
        """Return which of an own statement and a reported one counts."""
        if own is not None and not own.accepted:
            return own
        return _find_latest(choice for choice in (own, reported) if choice is not None)

    def _find_guardian_choice(self) -> PurposeChoice | None:
        # What a source reports of a guardian lifts the person's own refusal as little as anything else.
        reported = self._guardian
        if reported is not None and reported.accepted and self._own is not None and not self._own.accepted:
            reported = None
        return self._combine(self._own_guardian, reported)

    def _is_unrefused(self, guardian: PurposeChoice | None) -> bool:
        """Return whether a guardian accepted, and the person has not refused since."""
        personal = (self._own, self._explicit, self._ambient)
        refused_at = [choice.at for choice in personal if choice is not None and not choice.accepted]
        return guardian is not None and guardian.accepted and all(at < guardian.at for at in refused_at)

    def _is_withdrawn(self, choice: PurposeChoice | None) -> bool:
        refused_at = self._ambient_refused_at
        return choice is not None and choice.accepted and refused_at is not None and refused_at > choice.at

    def _stands(self, choice: PurposeChoice | None) -> bool:
        return choice is not None and choice.accepted and not self._is_withdrawn(choice)

    def _find_reach(self, is_accepted: bool, is_own: bool) -> Reach:
        if not is_accepted:
            return Reach.NONE
        return Reach.PERSON if is_own or self._statements.is_login else Reach.RECORD

    def _find_last_time(self, choices: NodeChoices) -> int:
        return max((choice.at for node, choice in choices if node in self._path), default=_ALWAYS)

    def _find_valid(self, choices: NodeChoices, floor: int = _ALWAYS) -> PurposeChoice | None:
        """Return the latest refusal or valid acceptance; acceptances count only after ``floor`` (ms)."""
        return _find_latest(
            choice
            for node, choice in choices
            if node in self._path and (not choice.accepted or self._is_valid(choice, floor))
        )

    def _is_valid(self, choice: PurposeChoice, floor: int) -> bool:
        return (
            choice.at > floor
            and choice.at >= self._since
            and self._now_ms < compute_acceptance_end(self._purpose, choice)
        )

    def _judge_ambient(self, states: NodeStates, floor: int) -> tuple[PurposeChoice | None, int | None]:
        """Return what is repeated now, and when it was last refused."""
        branch = [state for node, state in states if node in self._path]
        refused_at = max(
            (state.refused_last for state in branch if state.refused_last is not None), default=None
        )
        acceptance = _find_latest(
            choice
            for choice in _list_ambient_acceptances(branch, refused_at)
            if self._is_valid(choice, floor)
        )
        if acceptance is not None or refused_at is None:
            return acceptance, refused_at
        return PurposeChoice(refused_at, "", accepted=False), refused_at


def _list_ambient_acceptances(
    branch: Iterable[AmbientChoice], refused_at: int | None
) -> Iterator[PurposeChoice]:
    for state in branch:
        for start in state.list_starts(refused_at):
            yield PurposeChoice(start, "", accepted=True)


def _find_latest(choices: Iterable[PurposeChoice]) -> PurposeChoice | None:
    # At equal times the refusal wins.
    return max(choices, key=lambda choice: (choice.at, not choice.accepted), default=None)
