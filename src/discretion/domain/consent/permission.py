"""What law and words permit a person's data to be used for, purpose by purpose, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from discretion.catalogue.model import DEMANDED, Basis, Catalogue, Family, Purpose
from discretion.law.model import Law, Model
from discretion.purpose.permissions import (
    REFUSABLE,
    PersonState,
    lapses_of,
    model_of,
    steps_of,
    stretches,
    turned,
    verdict,
)
from discretion.purpose.statements import Answer, Choice, Heard, answer, branch

_STRICT = (Model.NOTICE, Model.BASIS, Model.OPT_OUT, Model.OPT_IN)
"""From the one that takes least."""


class Why(StrEnum):
    """Why a purpose is permitted, or is not."""

    LAW = "required_by_law"
    CONTRACT = "contract"
    AGREED = "agreed"
    NOT_REFUSED = "not_refused"
    REFUSED = "refused"
    SIGNAL = "opt_out_signal"
    NOT_AGREED = "not_agreed"
    NOTICE_CHANGED = "notice_changed"
    AGE = "age"
    RESTRICTED = "restricted"


@dataclass(frozen=True, slots=True)
class Permission:
    """One purpose. ``model`` is what the strictest of the person's laws takes for it.

    ``said`` is their word that counts, None for none; ``since`` (ms) is when it was said, ``until`` (ms)
    when time alone will change what is permitted.
    """

    purpose: Purpose
    permitted: bool
    model: Model
    said: bool | None
    why: Why
    since: int | None
    until: int | None


def permissions(catalogue: Catalogue, law: Law, state: PersonState, now_ms: int) -> list[Permission]:
    """All purposes, in the order of their keys."""
    turns = list(stretches(steps_of(law, state), lapses_of(catalogue, state), now_ms))
    return [
        permission(catalogue, law, state, catalogue.purposes[key], now_ms, turns)
        for key in sorted(catalogue.purposes)
    ]


def permission(
    catalogue: Catalogue, law: Law, state: PersonState, purpose: Purpose, now_ms: int, turns: list[list[int]]
) -> Permission:
    """One purpose; ``turns`` are the stretches of time after ``now_ms``."""

    def permitted(at: int) -> bool:
        return verdict(catalogue, law, state, purpose, at).permitted

    here = permitted(now_ms)
    said = answer(purpose, state.heard, now_ms)
    rules = [law.of(key).at(now_ms) for key in state.laws]
    model = max((model_of(purpose, one) for one in rules), key=_STRICT.index, default=Model.NOTICE)
    signalled = said.opted_out and purpose.family is Family.SHARING and any(one.signals for one in rules)
    since = _since(purpose, state, said, signalled=signalled and said.given is not False)
    return Permission(
        purpose=purpose,
        permitted=here,
        model=Model.NOTICE if purpose.basis in DEMANDED else model,
        said=said.given,
        why=_allowed(purpose, said)
        if here
        else _shut(purpose, law, state, said, model, since, signalled=signalled),
        since=since,
        until=next((at for one in turns if (at := turned(one, here, permitted)) is not None), None),
    )


def _allowed(purpose: Purpose, said: Answer) -> Why:
    if purpose.basis in DEMANDED:
        return Why.LAW
    if purpose.basis is Basis.CONTRACT:
        return Why.CONTRACT
    return Why.AGREED if said.given else Why.NOT_REFUSED


def _shut(
    purpose: Purpose,
    law: Law,
    state: PersonState,
    said: Answer,
    model: Model,
    since: int | None,
    *,
    signalled: bool,
) -> Why:
    if state.restricted:
        return Why.RESTRICTED
    if said.given is False and purpose.basis in REFUSABLE:
        return Why.REFUSED
    if signalled:
        return Why.SIGNAL
    if said.given is not True:
        return Why.NOT_AGREED if model is Model.OPT_IN else Why.AGE
    changed = (one.start for one in law.editions if purpose.key in one.purposes)
    return Why.NOTICE_CHANGED if since is not None and any(since < one for one in changed) else Why.AGE


def _since(purpose: Purpose, state: PersonState, said: Answer, *, signalled: bool) -> int | None:
    if signalled:
        return max((one.opted_out for one in state.heard if one.opted_out is not None), default=None)
    choices = (choice for heard in state.heard for choice in _along(purpose, heard))
    return max((one.at for one in choices if one.given is said.given), default=None)


def _along(purpose: Purpose, heard: Heard) -> Iterator[Choice]:
    along = branch(purpose.key)
    for words in (heard.stamps, heard.words, heard.guards):
        yield from (choice for node, choice in words if node in along)


def honoured(catalogue: Catalogue, law: Law, state: PersonState, now_ms: int) -> str | None:
    """The key of the first law of theirs that makes an opt-out signal of this person binding now, or None."""
    heard = any(
        answer(one, state.heard, now_ms).opted_out
        for one in catalogue.purposes.values()
        if one.family is Family.SHARING
    )
    return next((key for key in state.laws if heard and law.of(key).at(now_ms).signals), None)
