"""Which of several dated rules applies, and what an uncertain rule may change."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from discretion.catalogue.model import Family
from discretion.law.jurisdiction import DeadlineStep, Right, RuleConfidence
from discretion.law.local_days import find_midnight
from discretion.law.model import AgeRequirement, ConsentModel, ConsentRules
from tests.unit.law.small_law import SMALL_LAW, UNKNOWN_LAW, add_rule, load_small_lawbook

ZONE = "Europe/Vienna"


def load_rules_on(folder: Path, text: str, day: date = date(2026, 1, 1)) -> ConsentRules:
    """Load the rules of the small law on a day."""
    return (
        load_small_lawbook(folder, text).consent_law.find_timeline("at").find_rules(find_midnight(day, ZONE))
    )


def build_sharing_rule(model: str, start: str, suffix: str = "") -> str:
    """Build a consent rule about sharing."""
    return f"{{families: [sharing], model: {model}, from: {start}, source: New{suffix}}}"


UNSURE = ", confidence: unsure, note: Heard"


@pytest.mark.parametrize(
    ("model", "suffix", "expected"),
    [
        ("opt_in", "", ConsentModel.OPT_IN),
        ("notice", "", ConsentModel.NOTICE),
        ("notice", ", confidence: probable, note: Read", ConsentModel.NOTICE),
        ("opt_in", UNSURE, ConsentModel.OPT_IN),
        ("notice", UNSURE, ConsentModel.OPT_OUT),
        ("basis", UNSURE, ConsentModel.OPT_OUT),
    ],
)
def test_an_unsure_rule_replaces_another_only_if_it_is_stricter(
    model: str, suffix: str, expected: ConsentModel, tmp_path: Path
) -> None:
    rules = load_rules_on(tmp_path, add_rule("consent", build_sharing_rule(model, "2024-01-01", suffix)))
    assert rules.models[Family.SHARING] is expected


def test_an_unsure_rule_does_not_outlive_a_later_sure_one(tmp_path: Path) -> None:
    text = add_rule("consent", build_sharing_rule("opt_in", "2019-01-01", UNSURE))
    assert load_rules_on(tmp_path, text).models[Family.SHARING] is ConsentModel.OPT_OUT


def test_a_rule_begins_at_its_local_midnight(tmp_path: Path) -> None:
    timeline = load_small_lawbook(
        tmp_path, add_rule("consent", build_sharing_rule("opt_in", "2024-07-01"))
    ).consent_law.find_timeline("at")
    start = find_midnight(date(2024, 7, 1), ZONE)
    assert start == 1_719_784_800_000  # 2024-06-30T22:00Z: Vienna is two hours ahead in summer
    assert timeline.list_change_times() == (start,)
    assert timeline.find_rules(start - 1).models[Family.SHARING] is ConsentModel.OPT_OUT
    assert timeline.find_rules(start).models[Family.SHARING] is ConsentModel.OPT_IN


def test_before_the_first_rule_the_first_rule_applies(tmp_path: Path) -> None:
    assert load_rules_on(tmp_path, SMALL_LAW, date(1999, 1, 1)).models[Family.SHARING] is ConsentModel.OPT_OUT
    text = add_rule("ages", "{below: 14, needs: own, families: [texts], from: 2000-01-01, source: Old}")
    unknown = "  - {below: 18, needs: never, families: [texts], from: 1970-01-01, source: All}\n"
    assert (
        load_rules_with_unknown_age(tmp_path, text, unknown, date(2001, 1, 1)).models[Family.SHARING]
        is ConsentModel.OPT_OUT
    )


def load_rules_with_unknown_age(folder: Path, text: str, age_rule: str, day: date) -> ConsentRules:
    """Load the rules of the small law on a day, with one more age in ``unknown``."""
    unknown = UNKNOWN_LAW.replace("signals:\n", f"{age_rule}signals:\n")
    return (
        load_small_lawbook(folder, text, unknown)
        .consent_law.find_timeline("at")
        .find_rules(find_midnight(day, ZONE))
    )


def test_after_the_end_of_a_rule_the_one_before_applies_again(tmp_path: Path) -> None:
    text = add_rule("consent", build_sharing_rule("opt_in", "2022-01-01", ", until: 2023-01-01"))
    assert [
        load_rules_on(tmp_path, text, date(year, 6, 1)).models[Family.SHARING] for year in (2021, 2022, 2023)
    ] == [
        ConsentModel.OPT_OUT,
        ConsentModel.OPT_IN,
        ConsentModel.OPT_OUT,
    ]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("below: 14, needs: guardian, families: [sharing]" + UNSURE, {(16, AgeRequirement.GUARDIAN)}),
        ("below: 14, needs: guardian, families: [sharing], places: [AT]", {(16, AgeRequirement.GUARDIAN)}),
        (
            "below: 17, needs: guardian, families: [sharing]" + UNSURE,
            {(16, AgeRequirement.GUARDIAN), (17, AgeRequirement.GUARDIAN)},
        ),
        (
            "below: 14, needs: never, families: [sharing], places: [AT]",
            {(16, AgeRequirement.GUARDIAN), (14, AgeRequirement.NEVER)},
        ),
    ],
)
def test_an_unsure_or_local_age_counts_only_where_it_protects_more(
    rule: str, expected: set[tuple[int, AgeRequirement]], tmp_path: Path
) -> None:
    rules = load_rules_on(tmp_path, add_rule("ages", f"{{{rule}, from: 2020-01-01, source: Local}}"))
    assert {(age.below, age.needs) for age in rules.ages} == expected


@pytest.mark.parametrize(("bind", "expected"), [("true", True), ("false", False)])
def test_an_unsure_signal_binds_and_an_unsure_exemption_does_not_exempt(
    bind: str, expected: bool, tmp_path: Path
) -> None:
    text = add_rule("signals", f"{{bind: {bind}, from: 2024-01-01, source: New{UNSURE}}}")
    assert load_rules_on(tmp_path, text).signals is expected
    binding = text.replace("bind: false, from: 2020", "bind: true, from: 2020")
    assert load_rules_on(tmp_path, binding).signals


def find_response_time(folder: Path, rule: str, day: date = date(2026, 1, 1)) -> str:
    """Return the time to respond under the small law."""
    deadline_rule = (
        load_small_lawbook(folder, add_rule("deadlines", rule))
        .jurisdictions["at"]
        .find_deadline_rule(Right.ACCESS, DeadlineStep.RESPOND, day)
    )
    assert deadline_rule is not None
    return str(deadline_rule.length)


@pytest.mark.parametrize(
    ("within", "suffix", "expected"),
    [("30 cd", "", "30 cd"), ("60 cd", "", "60 cd"), ("30 cd", UNSURE, "30 cd"), ("60 cd", UNSURE, "45 cd")],
)
def test_an_unsure_time_counts_only_where_it_is_shorter(
    within: str, suffix: str, expected: str, tmp_path: Path
) -> None:
    rule = f"{{rights: [access], step: respond, within: {within}, from: 2024-01-01, source: New{suffix}}}"
    assert find_response_time(tmp_path, rule) == expected
    assert find_response_time(tmp_path, rule, date(2023, 12, 31)) == "45 cd"


def test_an_unsure_extension_gives_no_time(tmp_path: Path) -> None:
    rule = "{rights: [access], step: extend, within: 45 cd, from: 2020-01-01, source: New"
    jurisdiction = load_small_lawbook(tmp_path, add_rule("deadlines", rule + UNSURE + "}")).jurisdictions[
        "at"
    ]
    assert jurisdiction.find_deadline_rule(Right.ACCESS, DeadlineStep.EXTEND, date(2026, 1, 1)) is None
    jurisdiction = load_small_lawbook(tmp_path, add_rule("deadlines", rule + "}")).jurisdictions["at"]
    assert jurisdiction.find_deadline_rule(Right.ACCESS, DeadlineStep.EXTEND, date(2026, 1, 1)) is not None


def test_a_rule_that_does_not_apply_is_still_listed_with_its_reason(tmp_path: Path) -> None:
    jurisdiction = load_small_lawbook(
        tmp_path, add_rule("consent", build_sharing_rule("notice", "2024-01-01", UNSURE))
    ).jurisdictions["at"]
    (listed,) = [
        rule for rule in jurisdiction.consent_rules if rule.citation.confidence is RuleConfidence.UNSURE
    ]
    assert not listed.applies
    assert listed.citation.note == "Heard"
