"""Build a ``Jurisdiction`` from the validated rules of its file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from types import MappingProxyType
from typing import TypeVar

from discretion.catalogue.model import Family
from discretion.law.entry import (
    AgeEntry,
    ConsentEntry,
    DeadlineEntry,
    KeepingEntry,
    RenewalEntry,
    RightEntry,
    RuleEntry,
    SensitiveEntry,
    SignalsEntry,
)
from discretion.law.in_effect import (
    find_rule_in_force,
    find_rule_or_first,
    iterate_rule_spans,
    list_boundary_days,
)
from discretion.law.jurisdiction import (
    EXTENDED_STEPS,
    Citation,
    ConsentRuleText,
    DeadlineRule,
    DeadlineStep,
    Entitlement,
    Jurisdiction,
    LegalRetentionRule,
    Right,
    RuleConfidence,
    SupervisoryAuthority,
)
from discretion.law.local_days import find_midnight
from discretion.law.model import AgeRule, ConsentModel, ConsentPeriod, ConsentRules, ConsentTimeline
from discretion.law.parse_file import ParsedJurisdictionFile
from discretion.law.strictness import ends_no_later, is_age_as_protective, is_model_as_strict

CONSENT_SECTIONS = ("consent", "sensitive", "ages", "signals", "renewal")
"""Sections with the rules that decide what a customer permits."""


BuiltRule = TypeVar("BuiltRule", bound=RuleEntry)


class ConsentRuleSet:
    """The consent rules of one file, grouped by their subject."""

    def __init__(self, parsed_file: ParsedJurisdictionFile) -> None:
        self.rules: tuple[RuleEntry, ...] = tuple(
            placed_rule.rule
            for section in CONSENT_SECTIONS
            for placed_rule in parsed_file.rules.get(section, ())
        )
        self.rules_by_family = {
            family: self._select_rules_about(ConsentEntry, "families", family) for family in Family
        }
        kinds = {kind for placed_rule in self._select_rules(SensitiveEntry) for kind in placed_rule.kinds}
        self.rules_by_kind = {
            kind: self._select_rules_about(SensitiveEntry, "kinds", kind) for kind in sorted(kinds)
        }
        self.ages = self._select_rules(AgeEntry)
        self.signals = self._select_rules(SignalsEntry)
        self.renewal = self._select_rules(RenewalEntry)

    def find_consent_rule(self, family: Family, day: date) -> ConsentEntry | None:
        """Return the rule for a family on a day; before the first rule begins, the first rule."""
        return find_rule_or_first(self.rules_by_family[family], day, _has_stricter_model)

    def find_sensitive_rule(self, kind: str, day: date) -> SensitiveEntry | None:
        """Return the rule for a sensitive kind on a day, or None."""
        return find_rule_in_force(self.rules_by_kind[kind], day, _has_stricter_model)

    def iterate_age_rules(self, day: date) -> Iterator[AgeEntry]:
        """Yield the age rules that apply on a day.

        A rule that is unsure, or that holds in some places only, is applied everywhere if no general rule
        protects at least as much, because the customer's place inside the jurisdiction may be unknown.
        Otherwise it is not applied at all.
        """
        rules_in_force = [
            age_rule
            for age_rule in self.ages
            if find_rule_in_force([age_rule], day, _is_never_stricter) is not None
        ]
        general_rules = [age_rule for age_rule in rules_in_force if not _is_limited(age_rule)]
        yield from general_rules
        for age_rule in rules_in_force:
            if _is_limited(age_rule) and not any(
                is_age_as_protective(build_age_rule(general_rule), build_age_rule(age_rule))
                for general_rule in general_rules
            ):
                yield age_rule

    def find_signals_rule(self, day: date) -> SignalsEntry | None:
        """Return the rule on opt-out signals for a day."""
        return find_rule_or_first(self.signals, day, lambda first, second: first.bind and not second.bind)

    def find_renewal_rule(self, day: date) -> RenewalEntry | None:
        """Return the rule on renewed consent after a changed notice for a day."""
        return find_rule_or_first(self.renewal, day, lambda first, second: first.anew and not second.anew)

    def list_change_days(self) -> list[date]:
        """Return the days on which a rule begins or ends, sorted.

        The rules of the first day also apply before it.
        """
        return list_boundary_days(self.rules)

    def iterate_applied_rules(self, day: date) -> Iterator[RuleEntry | None]:
        """Yield every rule that applies on a day; None for a required rule that is missing."""
        yield from (self.find_consent_rule(family, day) for family in Family)
        # A sensitive kind without a rule on that day has no extra protection yet; that is no gap.
        yield from filter(None, (self.find_sensitive_rule(kind, day) for kind in self.rules_by_kind))
        yield from self.iterate_age_rules(day)
        yield self.find_signals_rule(day)
        yield self.find_renewal_rule(day)

    def _select_rules(self, kind: type[BuiltRule]) -> list[BuiltRule]:
        return [rule for rule in self.rules if isinstance(rule, kind)]

    def _select_rules_about(self, kind: type[BuiltRule], member: str, name: str) -> list[BuiltRule]:
        return [rule for rule in self._select_rules(kind) if name in getattr(rule, member)]


def build_jurisdiction(parsed_file: ParsedJurisdictionFile) -> Jurisdiction:
    """Build a jurisdiction from a file that passed all checks."""
    head = parsed_file.head
    consent = ConsentRuleSet(parsed_file)
    return Jurisdiction(
        key=parsed_file.key,
        label=head.label,
        law=head.law,
        places=tuple(head.places),
        place_names=MappingProxyType({code: tuple(names) for code, names in head.called.items()}),
        zone=head.time_zone,
        holidays=head.holidays or "",
        authority=SupervisoryAuthority(head.authority.name, head.authority.url),
        timeline=ConsentTimeline(
            parsed_file.key, head.label, head.time_zone, tuple(_build_periods(consent, head.time_zone))
        ),
        consent_rules=tuple(_build_rule_texts(consent)),
        rights=tuple(_build_rights(parsed_file)),
        deadlines=tuple(_build_deadlines(parsed_file)),
        retention_rules=tuple(_build_retention_rules(parsed_file)),
    )


def build_age_rule(entry: AgeEntry) -> AgeRule:
    """Build an age rule from its entry."""
    return AgeRule(entry.below, entry.needs, frozenset(entry.families))


def _build_periods(consent: ConsentRuleSet, zone: str) -> Iterator[ConsentPeriod]:
    last_rules: ConsentRules | None = None
    for day in consent.list_change_days():
        rules = _build_rules(consent, day)
        if (
            rules != last_rules
        ):  # A change of source or label begins no period: customers are recomputed at each.
            yield ConsentPeriod(find_midnight(day, zone), rules)
        last_rules = rules


def _build_rules(consent: ConsentRuleSet, day: date) -> ConsentRules:
    models = {
        family: consent_rule.model
        for family in Family
        if (consent_rule := consent.find_consent_rule(family, day))
    }
    kinds = {
        kind: sensitive_rule.model
        for kind in consent.rules_by_kind
        if (sensitive_rule := consent.find_sensitive_rule(kind, day))
    }
    signals_rule, renewal_rule = consent.find_signals_rule(day), consent.find_renewal_rule(day)
    assert signals_rule is not None  # `law.check` reports a missing rule.
    assert renewal_rule is not None
    ages = {build_age_rule(age_rule): None for age_rule in consent.iterate_age_rules(day)}
    return ConsentRules(
        MappingProxyType(models), MappingProxyType(kinds), tuple(ages), signals_rule.bind, renewal_rule.anew
    )


def _build_rule_texts(consent: ConsentRuleSet) -> Iterator[ConsentRuleText]:
    # By identity: two rules with equal members are still two entries of the file.
    applied_ids = {
        id(consent_rule)
        for day in consent.list_change_days()
        for consent_rule in consent.iterate_applied_rules(day)
    }
    for consent_rule in sorted(consent.rules, key=lambda rule: rule.start):
        yield ConsentRuleText(
            _describe_rule(consent_rule), _build_citation(consent_rule), id(consent_rule) in applied_ids
        )


def _describe_rule(rule: RuleEntry) -> str:
    match rule:
        case ConsentEntry():
            return f"{', '.join(rule.families)}: {rule.model}"
        case SensitiveEntry():
            return f"sensitive {', '.join(rule.kinds)}: {rule.model}"
        case AgeEntry():
            place_text = f" in {', '.join(rule.places)}" if rule.places else ""
            return f"below {rule.below}{place_text}: {rule.needs} for {', '.join(rule.families)}"
        case SignalsEntry():
            return f"opt-out signals {'bind' if rule.bind else 'do not bind'}"
        case RenewalEntry():
            return f"a changed notice needs {'new consent' if rule.anew else 'no new consent'}"
    raise AssertionError(rule)


def _build_rights(parsed_file: ParsedJurisdictionFile) -> Iterator[Entitlement]:
    rules: list[RightEntry] = [placed.rule for placed in parsed_file.rules.get("rights", ())]
    for right in Right:
        rules_about_right = [rule for rule in rules if right in rule.rights]
        for start, end, rule in iterate_rule_spans(rules_about_right, _is_never_stricter):
            yield Entitlement(
                right, rule.look_back, frozenset(rule.withheld), _build_citation(rule, start, end)
            )


def _build_deadlines(parsed_file: ParsedJurisdictionFile) -> Iterator[DeadlineRule]:
    rules: list[DeadlineEntry] = [
        placed.rule
        for placed in parsed_file.rules.get("deadlines", ())
        if not _is_unsure_extension(placed.rule)
    ]
    for right in Right:
        for step in DeadlineStep:
            rules_about_step = [rule for rule in rules if right in rule.rights and rule.step is step]
            for start, end, rule in iterate_rule_spans(rules_about_step, _ends_sooner):
                yield _build_deadline(right, rule, start, end)


def _build_retention_rules(parsed_file: ParsedJurisdictionFile) -> Iterator[LegalRetentionRule]:
    """Yield the legal retention rules, without unsure ones.

    Keeping data that the person had erased needs a certain legal obligation (GDPR Art. 17(3)(b)).
    """
    rules: list[KeepingEntry] = [placed.rule for placed in parsed_file.rules.get("keeping", ())]
    for rule in rules:
        if rule.confidence is not RuleConfidence.UNSURE:
            yield LegalRetentionRule(
                frozenset(rule.events),
                frozenset(rule.properties),
                rule.length,
                rule.counts,
                _build_citation(rule),
            )


def _build_deadline(right: Right, rule: DeadlineEntry, start: date, end: date | None) -> DeadlineRule:
    return DeadlineRule(
        right,
        rule.step,
        rule.within,
        rule.clock,
        frozenset(rule.pauses),
        rule.rolls,
        _build_citation(rule, start, end),
    )


def _build_citation(rule: RuleEntry, start: date | None = None, end: date | None = None) -> Citation:
    return Citation(start or rule.start, end or rule.until, rule.source, rule.confidence, rule.note or "")


def _is_unsure_extension(rule: DeadlineEntry) -> bool:
    """Return whether a rule extends a deadline and is unsure.

    Such an extension is not used, because the shorter deadline satisfies both readings of the law.
    """
    return rule.confidence is RuleConfidence.UNSURE and rule.step in EXTENDED_STEPS


def _is_limited(rule: AgeEntry) -> bool:
    return rule.confidence is RuleConfidence.UNSURE or bool(rule.places)


def _has_stricter_model(
    first_rule: ConsentEntry | SensitiveEntry, second_rule: ConsentEntry | SensitiveEntry
) -> bool:
    first_model, second_model = ConsentModel(first_rule.model), ConsentModel(second_rule.model)
    return is_model_as_strict(first_model, second_model) and not is_model_as_strict(second_model, first_model)


def _ends_sooner(first_rule: DeadlineEntry, second_rule: DeadlineEntry) -> bool:
    first_deadline, second_deadline = (
        _build_deadline(first_rule.rights[0], rule, rule.start, None) for rule in (first_rule, second_rule)
    )
    return ends_no_later(first_deadline, second_deadline) and not ends_no_later(
        second_deadline, first_deadline
    )


def _is_never_stricter(_: RuleEntry, __: RuleEntry) -> bool:
    return False
