"""What a person's own words, age, requests and law permit, purpose by purpose. One pure function.

Everybody is protected by each law that their records name a place of, and what is permitted is what
all of them permit. The bits it comes to are stored with the customer in the same transaction as
whatever changed them, so the next read anywhere obeys.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from discretion.catalogue.model import DEMANDED, Basis, Catalogue, Family, Purpose
from discretion.law.age import attained
from discretion.law.model import Age, Law, Model, Needs, Rules
from discretion.purpose.statements import Answer, Choice, Heard, answer, branch, over

REFUSABLE = frozenset({Basis.CONSENT, Basis.LEGITIMATE_INTEREST})
"""What a person may say no to (GDPR Art. 7(3), 21(1)); what is done to fulfil a contract ends with it."""

_BY_BASIS = {Basis.CONSENT: Model.OPT_IN, Basis.LEGITIMATE_INTEREST: Model.OPT_OUT}
_WHATEVER_IS_LIMITED = frozenset({Family.NECESSARY, Family.SECURITY})


@dataclass(frozen=True, slots=True)
class PersonState:
    """Everything that what is permitted depends on.

    ``heard`` has what each source record heard, ``laws`` the keys of the jurisdictions, sorted. ``born`` is
    UTC midnight of the day of birth (ms) of whoever may still be a child, else None.
    """

    heard: tuple[Heard, ...] = field(default=(), repr=False)
    laws: tuple[str, ...] = ()
    restricted: bool = False
    born: int | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a purpose is permitted, and for each sensitive kind whether it is for data of that kind."""

    permitted: bool
    kinds: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Bits:
    """A bit per permitted purpose, and the same for data of each sensitive kind the catalogue keeps."""

    allow: int
    kinds: tuple[int, ...]

    def __and__(self, other: Bits) -> Bits:
        pairs = zip(self.kinds, other.kinds, strict=True)
        return Bits(self.allow & other.allow, tuple(one & two for one, two in pairs))


def permitted(catalogue: Catalogue, law: Law, state: PersonState, now_ms: int) -> Bits:
    """The bits of every purpose this person permits now."""
    allow = 0
    kinds = [0] * len(catalogue.kinds_kept)
    for purpose in catalogue.purposes.values():
        found = verdict(catalogue, law, state, purpose, now_ms)
        allow |= found.permitted << purpose.bit
        for index, held in enumerate(found.kinds):
            kinds[index] |= held << purpose.bit
    return Bits(allow, tuple(kinds))


def verdict(catalogue: Catalogue, law: Law, state: PersonState, purpose: Purpose, now_ms: int) -> Verdict:
    """Whether this person, by all their laws, lets ``purpose`` be pursued now."""
    kept = catalogue.kinds_kept
    if purpose.basis in DEMANDED:
        return Verdict(True, (True,) * len(kept))
    if state.restricted:  # GDPR Art. 18(2)
        return Verdict(False, (False,) * len(kept))
    holds, kinds = True, [True] * len(kept)
    limited = any(heard.limited for heard in state.heard)
    for key in state.laws:
        timeline = law.of(key)
        rules = timeline.at(now_ms)
        said = answer(purpose, state.heard, now_ms, _since(law, rules, purpose, now_ms))
        young = _young(state, timeline.zone, now_ms)
        holds = holds and permits(purpose, rules, said, young)
        for index, kind in enumerate(kept):
            kinds[index] = kinds[index] and _sensitive(kind, purpose, rules, said, young, limited=limited)
    return Verdict(holds, tuple(holds and one for one in kinds))


def permits(purpose: Purpose, rules: Rules, said: Answer, young: Callable[[int], bool]) -> bool:
    """Whether one law lets a purpose, which is not binding, be pursued.

    Consent must have been given (GDPR Art. 6(1)(a), 7), below an age by a guardian (Art. 8); a
    legitimate interest ends with an objection (Art. 21); where a law asks for less, a no is heard all
    the same. An opt-out signal speaks of sale and sharing (11 CCR 7025).
    """
    model = model_of(purpose, rules)
    ages = [age for age in rules.ages if young(age.below)]
    if rules.signals and said.opted_out and purpose.family is Family.SHARING:
        return False
    special = {age.needs for age in ages if purpose.family in age.families}
    if Needs.NEVER in special:
        return False
    if any(_asks_a_guardian(age, purpose, rules, model) for age in ages):
        return said.guarded
    if Needs.OWN in special and not said.own:
        return False
    if said.given is False and purpose.basis in REFUSABLE:
        return False
    return model is not Model.OPT_IN or said.given is True


def _asks_a_guardian(age: Age, purpose: Purpose, rules: Rules, model: Model) -> bool:
    """Whether a guardian decides on a purpose below an age.

    Whoever goes by legal bases asks them for consent, and for nothing else.
    """
    if age.needs is not Needs.GUARDIAN:
        return False
    by_basis = rules.models[purpose.family] is Model.BASIS
    return model is Model.OPT_IN or (purpose.family in age.families and not by_basis)


def model_of(purpose: Purpose, rules: Rules) -> Model:
    """What a law takes for a purpose; by the catalogue's legal basis where the law goes by that."""
    model = rules.models[purpose.family]
    return _BY_BASIS.get(purpose.basis, Model.NOTICE) if model is Model.BASIS else model


def _sensitive(
    kind: str, purpose: Purpose, rules: Rules, said: Answer, young: Callable[[int], bool], *, limited: bool
) -> bool:
    """Whether a law lets data of a sensitive kind serve a purpose that it permits."""
    takes = rules.sensitive.get(kind)
    if takes is None:
        return True
    if limited and purpose.family not in _WHATEVER_IS_LIMITED:
        return False
    if takes is not Model.OPT_IN:
        return True
    guardians = any(age.needs is Needs.GUARDIAN and young(age.below) for age in rules.ages)
    return said.guarded if guardians else said.express


def _young(state: PersonState, zone: str, now_ms: int) -> Callable[[int], bool]:
    born = state.born
    if born is None:
        return lambda _: False
    return lambda years: now_ms < attained(born, years, zone)


def _since(law: Law, rules: Rules, purpose: Purpose, now_ms: int) -> int:
    """From when on a yes is to what the notice says now."""
    if not rules.renewal:
        return 0
    starts = [one.start for one in law.editions if purpose.key in one.purposes and one.start <= now_ms]
    return max(starts, default=0)


def stretches(steps: Iterable[int], lapses: Iterable[int], now_ms: int) -> Iterator[list[int]]:
    """Every moment (ms) after ``now_ms`` at which time alone may change what is permitted, in order.

    A list begins where a law, an age or a notice turns (``steps``), the first also with the end of a yes
    (``lapses``). All else in it are ends of yeses. Those only take away, so within a list what is permitted
    only grows less.
    """
    turns = {one for one in steps if one > now_ms}
    moments: list[int] = []
    for at in sorted(turns.union(one for one in lapses if one > now_ms)):
        if at in turns and moments:
            yield moments
            moments = []
        moments.append(at)
    if moments:
        yield moments


def turned(moments: Sequence[int], here: object, judged: Callable[[int], object]) -> int | None:
    """The first moment of a stretch at which another thing is judged than ``here``; None if there is none."""
    if judged(moments[0]) != here:
        return moments[0]
    if judged(moments[-1]) == here:
        return None
    return moments[bisect_left(moments, True, key=lambda at: judged(at) != here)]


def steps_of(law: Law, state: PersonState) -> Iterator[int]:
    """Moments (ms) at which a law, an age or a notice turns."""
    for key in state.laws:
        timeline = law.of(key)
        yield from timeline.turns()
        if state.born is not None:
            for period in timeline.periods:
                for age in period.rules.ages:
                    yield attained(state.born, age.below, timeline.zone)
    for edition in law.editions:
        yield edition.start


def lapses_of(catalogue: Catalogue, state: PersonState) -> Iterator[int]:
    """Moments (ms) at which a yes is over."""
    for node, choice in _yeses(state):
        for purpose in catalogue.purposes.values():
            if node in branch(purpose.key) and (ends := over(purpose, choice)) != float("inf"):
                yield int(ends)


def _yeses(state: PersonState) -> Iterator[tuple[str, Choice]]:
    for heard in state.heard:
        for words in (heard.stamps, heard.words, heard.guards):
            yield from ((node, choice) for node, choice in words if choice.given)
