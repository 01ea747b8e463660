"""Which of two rules leaves people less exposed. Partial: some rules do not compare.

A rule of consent is as strict as what it asks for whatever the catalogue's basis is: ``basis`` is
stricter than ``notice``, and neither stricter nor laxer than ``opt_out``.
"""

from __future__ import annotations

from collections.abc import Iterator

from discretion.catalogue.model import Basis, Family
from discretion.law.jurisdiction import EXTENDED, Clock, Deadline, Jurisdiction
from discretion.law.model import Age, Model, Needs, Rules

_ASKS = {Model.NOTICE: 0, Model.OPT_OUT: 1, Model.OPT_IN: 2}
_BASIS_ASKS = {Basis.CONSENT: 2, Basis.LEGITIMATE_INTEREST: 1, Basis.PUBLIC_TASK: 1}
"""A consent is a yes; to two bases a person may object (GDPR Art. 21(1)); of the others they are told."""
_NEEDS = {Needs.OWN: 1, Needs.GUARDIAN: 2, Needs.NEVER: 3}


def covers(strict: Model, other: Model) -> bool:
    """Whether one rule of consent is at least as strict as another, on every basis."""
    return all(_asked(strict, basis) >= _asked(other, basis) for basis in Basis)


def shields(strict: Age, other: Age) -> bool:
    """Whether one age protects everybody whom another does, for the same purposes, at least as much."""
    return (
        strict.below >= other.below
        and _NEEDS[strict.needs] >= _NEEDS[other.needs]
        and strict.families >= other.families
    )


def hastens(strict: Deadline, other: Deadline) -> bool:
    """Whether one time always ends no later than another."""
    return (
        strict.length.at_most_days <= other.length.at_least_days or strict.length == other.length
    ) and not (
        strict.pauses - other.pauses
        or (strict.rolls and not other.rolls)
        or (strict.clock is Clock.IDENTITY and other.clock is Clock.RECEIPT)
    )


def laxer(strict: Jurisdiction, other: Jurisdiction) -> Iterator[str]:
    """In what ``strict`` is not at least as strict as ``other``, at any time; nothing if it is."""
    moments = {one.start for one in (*strict.timeline.periods, *other.timeline.periods)}
    for moment in sorted(moments):
        yield from _laxer_rules(strict.timeline.at(moment), other.timeline.at(moment))
    given = {one.right for one in strict.rights}
    yield from (f"the right {one.right}" for one in other.rights if one.right not in given)
    days = {one.cited.start for one in (*strict.deadlines, *other.deadlines)}
    for one in other.deadlines:
        for day in sorted(day for day in days | {one.cited.start} if one.cited.holds(day)):
            mine = strict.due(one.right, one.step, day)
            if one.step in EXTENDED:
                continue
            if mine is None or not hastens(mine, one):
                yield f"{one.step} {one.right}"
    for mine in strict.deadlines:
        if mine.step in EXTENDED:
            yield f"{mine.step} {mine.right}"


def _laxer_rules(strict: Rules, other: Rules) -> Iterator[str]:
    for family in Family:
        if not covers(strict.models[family], other.models[family]):
            yield f"consent for {family}"
    for kind, model in other.sensitive.items():
        if kind not in strict.sensitive or not covers(strict.sensitive[kind], model):
            yield f"sensitive {kind}"
    for age in other.ages:
        for family in age.families:
            one = Age(age.below, age.needs, frozenset({family}))
            if not any(shields(mine, one) for mine in strict.ages):
                yield f"age below {age.below} for {family}"
    if other.signals and not strict.signals:
        yield "signals"
    if other.renewal and not strict.renewal:
        yield "renewal"


def _asked(model: Model, basis: Basis) -> int:
    return _BASIS_ASKS.get(basis, 0) if model is Model.BASIS else _ASKS[model]
