"""Cross checks of jurisdictions: every name in a rule is declared, and no required rule is missing.

Each check yields problems and does not stop at the first one, so that one run reports them all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from discretion.catalogue.model import Family
from discretion.catalogue.nearest_name import suggest_name
from discretion.catalogue.problem import ConfigurationProblem
from discretion.catalogue.yaml_file import Place
from discretion.law.build_jurisdiction import ConsentRuleSet
from discretion.law.holiday_calendar import has_holiday_calendar
from discretion.law.jurisdiction import EXTENDED_STEPS, Jurisdiction, RuleConfidence, TimeUnit
from discretion.law.model import UNKNOWN
from discretion.law.parse_file import ParsedJurisdictionFile, PlacedRule
from discretion.law.place_index import PLACE_CODE, fold_name
from discretion.law.strictness import find_laxer_topics

_JURISDICTION_KEY = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,3})?")
_SUBJECT_MEMBERS = ("families", "kinds", "rights", "events")
"""Members of a rule that name its subject."""


def check_jurisdictions(
    parsed_files: Sequence[ParsedJurisdictionFile], sensitive_kinds: Collection[str], *, all_readable: bool
) -> Iterator[ConfigurationProblem]:
    """Yield all problems of the jurisdictions.

    Args:
        parsed_files: The files that could be parsed.
        sensitive_kinds: The sensitive kinds that rules may name.
        all_readable: False if some rules could not be parsed. The checks for missing rules are then skipped,
            because they would report what those rules declare.
    """
    for parsed_file in parsed_files:
        yield from _check_head(parsed_file)
        yield from _check_names(parsed_file, sensitive_kinds)
        yield from _check_dates(parsed_file)
        yield from _check_rules_unique(parsed_file)
        if all_readable:
            yield from _check_complete(parsed_file)
            yield from _check_deadlines(parsed_file)
    yield from _check_places(parsed_files)
    if all_readable and parsed_files and UNKNOWN not in {parsed_file.key for parsed_file in parsed_files}:
        folder = parsed_files[0].file.path.parent
        advice = f"Add {UNKNOWN}.yaml for people whose place is unknown."
        yield ConfigurationProblem(folder, 1, f"there is no jurisdiction {UNKNOWN!r}", advice)


def check_unknown_is_strictest(
    parsed_files: Iterable[ParsedJurisdictionFile], jurisdictions: Mapping[str, Jurisdiction]
) -> Iterator[ConfigurationProblem]:
    """Report where ``unknown`` is laxer than a jurisdiction in which a person may turn out to live."""
    unknown_file = next(parsed_file for parsed_file in parsed_files if parsed_file.key == UNKNOWN)
    for key, jurisdiction in jurisdictions.items():
        for topic in dict.fromkeys(find_laxer_topics(jurisdictions[UNKNOWN], jurisdiction)):
            fault = f"{UNKNOWN} is laxer than {key} in {topic}"
            advice = "People whose place is unknown need the strictest rule; make it as strict here."
            yield unknown_file.file.build_problem((), fault, advice)


def _check_head(parsed_file: ParsedJurisdictionFile) -> Iterator[ConfigurationProblem]:
    head, file = parsed_file.head, parsed_file.file
    if not _JURISDICTION_KEY.fullmatch(parsed_file.key):
        yield file.build_problem(
            (), f"{parsed_file.key!r} is not a key", "Name the file as eu.yaml or us-ca.yaml."
        )
    if not _is_time_zone(head.time_zone):
        advice = suggest_name(head.time_zone, available_timezones())
        yield file.build_problem(("time_zone",), f"{head.time_zone!r} is not an IANA time zone", advice)
    if head.holidays is not None and not has_holiday_calendar(head.holidays):
        advice = "It takes a country, or a part of one, such as US or GB-ENG."
        yield file.build_problem(("holidays",), f"no holidays of {head.holidays!r} are known", advice)
    business_rules = [
        placed_rule for placed_rule in parsed_file.rules.get("deadlines", ()) if _needs_holidays(placed_rule)
    ]
    if head.holidays is None and business_rules:
        advice = "Add 'holidays:' with the place whose holidays do not count."
        yield parsed_file.build_problem(
            business_rules[0], "working days are counted, but no holidays are named", advice
        )
    if not head.places and parsed_file.key != UNKNOWN:
        yield file.build_problem(
            ("places",), f"{parsed_file.key} has no places", "Add 'places:' with ISO 3166 codes."
        )
    if head.places and parsed_file.key == UNKNOWN:
        yield file.build_problem(
            ("places",),
            f"{UNKNOWN} has places",
            "It applies wherever no other jurisdiction does; remove them.",
        )
    for member in ("places", "without"):
        for index, code in enumerate(getattr(head, member)):
            if not PLACE_CODE.fullmatch(code):
                advice = "It takes a code of ISO 3166-1 or -2, such as DE or US-CA."
                yield file.build_problem((member, index), f"{code!r} is not the code of a place", advice)


def _needs_holidays(placed_rule: PlacedRule) -> bool:
    return placed_rule.rule.rolls or placed_rule.rule.within.unit is TimeUnit.BUSINESS_DAYS


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    # Some versions of Python raise OSError for a name that is a folder of the database, such as Europe.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _check_names(
    parsed_file: ParsedJurisdictionFile, kinds: Collection[str]
) -> Iterator[ConfigurationProblem]:
    for section, placed_rule in parsed_file.iterate_rules():
        member = {"sensitive": "kinds", "rights": "withheld"}.get(section)
        for index, kind in enumerate(getattr(placed_rule.rule, member) if member else ()):
            if kind not in kinds:
                fault = f"{kind!r} is not a sensitive kind of the catalogue"
                yield parsed_file.build_problem(
                    placed_rule, fault, suggest_name(kind, kinds), str(member), index
                )
        for index, place in enumerate(getattr(placed_rule.rule, "places", ())):
            if place not in parsed_file.head.places:
                fault = f"{place!r} is not a place of {parsed_file.key}"
                yield parsed_file.build_problem(
                    placed_rule, fault, suggest_name(place, parsed_file.head.places), "places", index
                )


def _check_dates(parsed_file: ParsedJurisdictionFile) -> Iterator[ConfigurationProblem]:
    for _, placed_rule in parsed_file.iterate_rules():
        rule = placed_rule.rule
        if rule.until is not None and rule.until <= rule.start:
            fault = f"until {rule.until} is not after from {rule.start}"
            yield parsed_file.build_problem(
                placed_rule,
                fault,
                "A rule is in force for at least one day; correct one of the dates.",
                "until",
            )
        if rule.confidence is not RuleConfidence.SURE and rule.note is None:
            fault = f"the rule is {rule.confidence} and has no note"
            advice = "Add 'note:' saying what is not sure about it."
            yield parsed_file.build_problem(placed_rule, fault, advice, "confidence")


def _check_rules_unique(parsed_file: ParsedJurisdictionFile) -> Iterator[ConfigurationProblem]:
    first_rules: dict[tuple[object, ...], PlacedRule] = {}
    for section, placed_rule in parsed_file.iterate_rules():
        if section == "ages":  # Several age rules may begin on one day; all that match apply.
            continue
        rule = placed_rule.rule
        is_unsure = rule.confidence is RuleConfidence.UNSURE
        for subject in _list_subjects(rule):
            topic = (section, subject, getattr(rule, "step", None), rule.start, is_unsure)
            if (first_rule := first_rules.setdefault(topic, placed_rule)) is not placed_rule:
                fault = f"two rules about {subject or section} begin on {rule.start}"
                advice = f"The other is on line {parsed_file.file.find_line(first_rule.place)}; keep one."
                yield parsed_file.build_problem(placed_rule, fault, advice)


def _list_subjects(rule: object) -> Sequence[str]:
    for member in _SUBJECT_MEMBERS:
        if subjects := getattr(rule, member, None):
            return [str(subject) for subject in subjects]
    return ("",)


def _check_complete(parsed_file: ParsedJurisdictionFile) -> Iterator[ConfigurationProblem]:
    rule_set = ConsentRuleSet(parsed_file)
    days = rule_set.list_change_days()
    for family in Family:
        if gaps := [day for day in days if rule_set.find_consent_rule(family, day) is None] or not days:
            since_text = (
                f" from {gaps[0]}" if isinstance(gaps, list) and rule_set.rules_by_family[family] else ""
            )
            advice = "Every family of purposes needs a rule at all times; add one under 'consent:'."
            yield parsed_file.file.build_problem(
                ("consent",), f"no rule of consent for {family}{since_text}", advice
            )
    for section, find_rule in (
        ("signals", rule_set.find_signals_rule),
        ("renewal", rule_set.find_renewal_rule),
    ):
        if gaps := [day for day in days if find_rule(day) is None] or not days:
            advice = f"Add a rule under {section + ':'!r}."
            yield parsed_file.file.build_problem((section,), f"there is no rule of {section}", advice)


def _check_deadlines(parsed_file: ParsedJurisdictionFile) -> Iterator[ConfigurationProblem]:
    granted_rights = {
        right for placed_rule in parsed_file.rules.get("rights", ()) for right in placed_rule.rule.rights
    }
    declared_steps = {
        (right, placed_rule.rule.step)
        for placed_rule in parsed_file.rules.get("deadlines", ())
        for right in placed_rule.rule.rights
    }
    for placed_rule in parsed_file.rules.get("deadlines", ()):
        for index, right in enumerate(placed_rule.rule.rights):
            if right not in granted_rights:
                fault = f"{parsed_file.key} does not give the right {str(right)!r}"
                yield parsed_file.build_problem(
                    placed_rule, fault, suggest_name(right, granted_rights), "rights", index
                )
            extended_step = EXTENDED_STEPS.get(placed_rule.rule.step)
            if extended_step is not None and (right, extended_step) not in declared_steps:
                fault = f"{placed_rule.rule.step} of {right} has no deadline to extend"
                yield parsed_file.build_problem(
                    placed_rule, fault, f"Add its {str(extended_step)!r}, or remove it.", "step"
                )
        if placed_rule.rule.step in EXTENDED_STEPS and placed_rule.rule.within.unit is TimeUnit.AT_ONCE:
            yield parsed_file.build_problem(
                placed_rule, "an extension has no length", "It takes a length, such as 45 cd.", "within"
            )


def _check_places(parsed_files: Sequence[ParsedJurisdictionFile]) -> Iterator[ConfigurationProblem]:
    file_by_place: dict[str, ParsedJurisdictionFile] = {}
    for parsed_file in parsed_files:
        for index, code in enumerate(parsed_file.head.places):
            if (other_file := file_by_place.setdefault(code, parsed_file)) is not parsed_file:
                fault = f"{code!r} is also a place of {other_file.key}"
                yield parsed_file.file.build_problem(
                    ("places", index), fault, "One law applies in a place; keep one."
                )
    # A country and one of its parts in two files: an address with the country alone would be decided by
    # chance.
    for code, parsed_file in file_by_place.items():
        country = code.partition("-")[0]
        country_file = file_by_place.get(country, parsed_file)
        if country_file is not parsed_file:
            fault = f"{country!r} is a place of {country_file.key}, and {code!r} of {parsed_file.key}"
            advice = "Where only the country is known, both may apply; list its parts instead of the country."
            index = country_file.head.places.index(country)
            yield country_file.file.build_problem(("places", index), fault, advice)
    yield from _check_place_names(parsed_files)


def _check_place_names(parsed_files: Sequence[ParsedJurisdictionFile]) -> Iterator[ConfigurationProblem]:
    code_by_name: dict[tuple[str, str], str] = {}
    for parsed_file in parsed_files:
        for code, place_names in parsed_file.head.called.items():
            place: Place = ("called", code)
            # `unknown` may name any country: names of countries with several laws are declared there.
            if parsed_file.key != UNKNOWN and code not in {
                *parsed_file.head.places,
                *parsed_file.head.without,
            }:
                fault = f"{code!r} is not a place of {parsed_file.key}"
                yield parsed_file.file.build_problem(
                    place, fault, suggest_name(code, parsed_file.head.places)
                )
            country = code.partition("-")[0] if "-" in code else ""
            for index, name in enumerate(place_names):
                if (other_code := code_by_name.setdefault((country, fold_name(name)), code)) != code:
                    fault = f"{name!r} is {other_code} and {code}"
                    yield parsed_file.file.build_problem(
                        (*place, index), fault, "A name stands for one place; keep one."
                    )
