"""Comparison of rules: which of two protects people more. Some rules are not comparable.

The strictness of a consent model is what it demands for each legal basis that the catalogue may name.
``basis`` is therefore stricter than ``notice``, and neither stricter nor laxer than ``opt_out``.
"""

from __future__ import annotations

from collections.abc import Iterator

from discretion.catalogue.model import Basis, Family
from discretion.law.jurisdiction import EXTENDED_STEPS, ClockStart, DeadlineRule, Jurisdiction
from discretion.law.model import AgeRequirement, AgeRule, ConsentModel, ConsentRules

_MODEL_STRICTNESS = {ConsentModel.NOTICE: 0, ConsentModel.OPT_OUT: 1, ConsentModel.OPT_IN: 2}
_BASIS_STRICTNESS = {Basis.CONSENT: 2, Basis.LEGITIMATE_INTEREST: 1, Basis.PUBLIC_TASK: 1}
"""What the model ``basis`` demands for each legal basis: consent is opt-in; a person may object to legitimate
interest and to a public task (GDPR Art. 21(1)); for the other bases notice is enough."""
_REQUIREMENT_STRICTNESS = {AgeRequirement.OWN: 1, AgeRequirement.GUARDIAN: 2, AgeRequirement.NEVER: 3}


def is_model_as_strict(strict: ConsentModel, other: ConsentModel) -> bool:
    """Return whether one consent model is at least as strict as another for every legal basis."""
    return all(_rate_strictness(strict, basis) >= _rate_strictness(other, basis) for basis in Basis)


def is_age_as_protective(strict: AgeRule, other: AgeRule) -> bool:
    """Return whether one age rule protects everybody that another protects, at least as much."""
    return (
        strict.below >= other.below
        and _REQUIREMENT_STRICTNESS[strict.needs] >= _REQUIREMENT_STRICTNESS[other.needs]
        and strict.families >= other.families
    )


def ends_no_later(strict: DeadlineRule, other: DeadlineRule) -> bool:
    """Return whether one deadline always ends no later than another."""
    # More reasons for a pause, an end that moves to a working day and a clock that starts with the proof of
    # identity each make a deadline end later in some cases.
    return (strict.length.max_days <= other.length.min_days or strict.length == other.length) and not (
        strict.pauses - other.pauses
        or (strict.rolls and not other.rolls)
        or (strict.clock is ClockStart.IDENTITY and other.clock is ClockStart.RECEIPT)
    )


def find_laxer_topics(strict: Jurisdiction, other: Jurisdiction) -> Iterator[str]:
    """Yield the topics in which ``strict`` is, at any time, not at least as strict as ``other``."""
    moments = {period.start for period in (*strict.timeline.periods, *other.timeline.periods)}
    for moment in sorted(moments):
        yield from _find_laxer_consent(strict.timeline.find_rules(moment), other.timeline.find_rules(moment))
    granted_rights = {entitlement.right for entitlement in strict.rights}
    yield from (f"the right {given.right}" for given in other.rights if given.right not in granted_rights)
    # Rules change only on these days, so comparing on each of them covers all time.
    days = {rule.citation.start for rule in (*strict.deadlines, *other.deadlines)}
    for other_rule in other.deadlines:
        if other_rule.step in EXTENDED_STEPS:
            continue
        for day in sorted(day for day in days if other_rule.citation.is_in_force(day)):
            strict_rule = strict.find_deadline_rule(other_rule.right, other_rule.step, day)
            if strict_rule is None or not ends_no_later(strict_rule, other_rule):
                yield f"{other_rule.step} {other_rule.right}"
    # Any extension makes `strict` laxer than a law without one.
    for strict_rule in strict.deadlines:
        if strict_rule.step in EXTENDED_STEPS:
            yield f"{strict_rule.step} {strict_rule.right}"


def _find_laxer_consent(strict: ConsentRules, other: ConsentRules) -> Iterator[str]:
    for family in Family:
        if not is_model_as_strict(strict.models[family], other.models[family]):
            yield f"consent for {family}"
    for kind, model in other.sensitive.items():
        if kind not in strict.sensitive or not is_model_as_strict(strict.sensitive[kind], model):
            yield f"sensitive {kind}"
    for age in other.ages:
        for family in age.families:
            # Family by family: several strict rules together may protect what one rule of the other law
            # protects.
            family_age = AgeRule(age.below, age.needs, frozenset({family}))
            if not any(is_age_as_protective(strict_age, family_age) for strict_age in strict.ages):
                yield f"age below {age.below} for {family}"
    if other.signals and not strict.signals:
        yield "signals"
    if other.renewal and not strict.renewal:
        yield "renewal"


def _rate_strictness(model: ConsentModel, basis: Basis) -> int:
    return _BASIS_STRICTNESS.get(basis, 0) if model is ConsentModel.BASIS else _MODEL_STRICTNESS[model]
