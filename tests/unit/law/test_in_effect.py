"""Which of several dated rules holds, and what uncertainty may do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from discretion.catalogue.model import Family
from discretion.law.jurisdiction import Confidence, Right, Step
from discretion.law.local_days import midnight
from discretion.law.model import Model, Needs, Rules
from tests.unit.law.small_law import SMALL, UNKNOWN, book, with_rule

ZONE = "Europe/Vienna"


def on(folder: Path, text: str, day: date = date(2026, 1, 1)) -> Rules:
    """The small law's rules on a day."""
    return book(folder, text).law.of("at").at(midnight(day, ZONE))


def sharing(model: str, start: str, more: str = "") -> str:
    """A rule about sharing."""
    return f"{{families: [sharing], model: {model}, from: {start}, source: New{more}}}"


UNSURE = ", confidence: unsure, note: Heard"


@pytest.mark.parametrize(
    ("model", "more", "holds"),
    [
        ("opt_in", "", Model.OPT_IN),
        ("notice", "", Model.NOTICE),
        ("notice", ", confidence: probable, note: Read", Model.NOTICE),
        ("opt_in", UNSURE, Model.OPT_IN),
        ("notice", UNSURE, Model.OPT_OUT),
        ("basis", UNSURE, Model.OPT_OUT),
    ],
)
def test_what_is_unsure_replaces_a_rule_only_where_it_is_stricter(
    model: str, more: str, holds: Model, tmp_path: Path
) -> None:
    rules = on(tmp_path, with_rule("consent", sharing(model, "2024-01-01", more)))
    assert rules.models[Family.SHARING] is holds


def test_an_unsure_rule_does_not_outlive_a_later_sure_one(tmp_path: Path) -> None:
    text = with_rule("consent", sharing("opt_in", "2019-01-01", UNSURE))
    assert on(tmp_path, text).models[Family.SHARING] is Model.OPT_OUT


def test_a_rule_begins_at_its_local_midnight(tmp_path: Path) -> None:
    timeline = book(tmp_path, with_rule("consent", sharing("opt_in", "2024-07-01"))).law.of("at")
    start = midnight(date(2024, 7, 1), ZONE)
    assert start == 1_719_784_800_000  # 2024-06-30T22:00Z: Vienna is two hours ahead in summer
    assert timeline.turns() == (start,)
    assert timeline.at(start - 1).models[Family.SHARING] is Model.OPT_OUT
    assert timeline.at(start).models[Family.SHARING] is Model.OPT_IN


def test_before_the_first_rule_the_first_holds(tmp_path: Path) -> None:
    assert on(tmp_path, SMALL, date(1999, 1, 1)).models[Family.SHARING] is Model.OPT_OUT
    early = with_rule("ages", "{below: 14, needs: own, families: [texts], from: 2000-01-01, source: Old}")
    unknown = "  - {below: 18, needs: never, families: [texts], from: 1970-01-01, source: All}\n"
    assert on_with_unknown(tmp_path, early, unknown, date(2001, 1, 1)).models[Family.SHARING] is Model.OPT_OUT


def on_with_unknown(folder: Path, text: str, age: str, day: date) -> Rules:
    """The small law's rules, with an unknown that has one more age."""
    unknown = UNKNOWN.replace("signals:\n", f"{age}signals:\n")
    return book(folder, text, unknown).law.of("at").at(midnight(day, ZONE))


def test_after_its_end_the_rule_before_holds_again(tmp_path: Path) -> None:
    text = with_rule("consent", sharing("opt_in", "2022-01-01", ", until: 2023-01-01"))
    assert [on(tmp_path, text, date(year, 6, 1)).models[Family.SHARING] for year in (2021, 2022, 2023)] == [
        Model.OPT_OUT,
        Model.OPT_IN,
        Model.OPT_OUT,
    ]


@pytest.mark.parametrize(
    ("rule", "most"),
    [
        ("below: 14, needs: guardian, families: [sharing]" + UNSURE, {(16, Needs.GUARDIAN)}),
        ("below: 14, needs: guardian, families: [sharing], places: [AT]", {(16, Needs.GUARDIAN)}),
        (
            "below: 17, needs: guardian, families: [sharing]" + UNSURE,
            {(16, Needs.GUARDIAN), (17, Needs.GUARDIAN)},
        ),
        (
            "below: 14, needs: never, families: [sharing], places: [AT]",
            {(16, Needs.GUARDIAN), (14, Needs.NEVER)},
        ),
    ],
)
def test_an_unsure_or_local_age_counts_only_where_it_protects_more(
    rule: str, most: set[tuple[int, Needs]], tmp_path: Path
) -> None:
    rules = on(tmp_path, with_rule("ages", f"{{{rule}, from: 2020-01-01, source: Local}}"))
    assert {(age.below, age.needs) for age in rules.ages} == most


@pytest.mark.parametrize(("bind", "holds"), [("true", True), ("false", False)])
def test_an_unsure_signal_binds_and_an_unsure_freedom_does_not_free(
    bind: str, holds: bool, tmp_path: Path
) -> None:
    text = with_rule("signals", f"{{bind: {bind}, from: 2024-01-01, source: New{UNSURE}}}")
    assert on(tmp_path, text).signals is holds
    bound = text.replace("bind: false, from: 2020", "bind: true, from: 2020")
    assert on(tmp_path, bound).signals


def due(folder: Path, rule: str, day: date = date(2026, 1, 1)) -> str:
    """How long the small law gives to answer."""
    found = (
        book(folder, with_rule("deadlines", rule)).jurisdictions["at"].due(Right.ACCESS, Step.RESPOND, day)
    )
    assert found is not None
    return str(found.length)


@pytest.mark.parametrize(
    ("within", "more", "holds"),
    [("30 cd", "", "30 cd"), ("60 cd", "", "60 cd"), ("30 cd", UNSURE, "30 cd"), ("60 cd", UNSURE, "45 cd")],
)
def test_an_unsure_time_counts_only_where_it_is_shorter(
    within: str, more: str, holds: str, tmp_path: Path
) -> None:
    rule = f"{{rights: [access], step: respond, within: {within}, from: 2024-01-01, source: New{more}}}"
    assert due(tmp_path, rule) == holds
    assert due(tmp_path, rule, date(2023, 12, 31)) == "45 cd"


def test_an_unsure_extension_gives_no_time(tmp_path: Path) -> None:
    rule = "{rights: [access], step: extend, within: 45 cd, from: 2020-01-01, source: New"
    at = book(tmp_path, with_rule("deadlines", rule + UNSURE + "}")).jurisdictions["at"]
    assert at.due(Right.ACCESS, Step.EXTEND, date(2026, 1, 1)) is None
    at = book(tmp_path, with_rule("deadlines", rule + "}")).jurisdictions["at"]
    assert at.due(Right.ACCESS, Step.EXTEND, date(2026, 1, 1)) is not None


def test_what_does_not_apply_is_still_shown_with_its_reason(tmp_path: Path) -> None:
    told = book(tmp_path, with_rule("consent", sharing("notice", "2024-01-01", UNSURE))).jurisdictions["at"]
    (shown,) = [one for one in told.consent if one.cited.confidence is Confidence.UNSURE]
    assert not shown.applies
    assert shown.cited.note == "Heard"
