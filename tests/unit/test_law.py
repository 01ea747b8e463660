"""The shipped jurisdictions are complete, cited, and never laxer than ``unknown``."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Basis, Family
from discretion.law.entry import print_jurisdiction_schema
from discretion.law.jurisdiction import (
    EXTENDED_STEPS,
    DeadlineStep,
    Jurisdiction,
    Right,
    TimeLength,
    TimeUnit,
)
from discretion.law.load import SHIPPED_SENSITIVE_KINDS, find_shipped_jurisdictions, load_lawbook
from discretion.law.model import UNKNOWN, AgeRequirement, ConsentModel, MaterialChange
from tests.unit.catalogue.small_catalogue import write_catalogue
from tests.unit.law.small_law import CATALOGUE, SMALL_LAW, write_jurisdictions

BOOK = load_lawbook(None, CATALOGUE)
EACH_JURISDICTION = pytest.mark.parametrize(
    "jurisdiction", BOOK.jurisdictions.values(), ids=BOOK.jurisdictions.keys()
)
NOW = int(datetime(2026, 11, 24, tzinfo=UTC).timestamp() * 1000)

MODEL_STRICTNESS = {
    ConsentModel.NOTICE: dict.fromkeys(Basis, 0),
    ConsentModel.BASIS: {
        Basis.CONSENT: 2,
        Basis.LEGITIMATE_INTEREST: 1,
        Basis.PUBLIC_TASK: 1,
        Basis.CONTRACT: 0,
        Basis.LEGAL_OBLIGATION: 0,
        Basis.VITAL_INTEREST: 0,
    },
    ConsentModel.OPT_OUT: dict.fromkeys(Basis, 1),
    ConsentModel.OPT_IN: dict.fromkeys(Basis, 2),
}
AGE_STRICTNESS = {AgeRequirement.OWN: 1, AgeRequirement.GUARDIAN: 2, AgeRequirement.NEVER: 3}


def test_the_jurisdictions_of_the_inventory_exist() -> None:
    keys = "eu gb ch br ca ca-qc cn in jp za us-ca us-co us-ct us-ia us-or us-tx us-va unknown"
    assert set(BOOK.jurisdictions) >= set(keys.split())
    assert len(BOOK.jurisdictions) >= 30


def test_the_european_economic_area_has_thirty_states() -> None:
    assert len(BOOK.jurisdictions["eu"].places) == 30


@EACH_JURISDICTION
def test_every_family_has_a_rule_at_all_times(jurisdiction: Jurisdiction) -> None:
    for period in jurisdiction.timeline.periods:
        assert set(period.rules.models) == set(Family)


@EACH_JURISDICTION
def test_every_rule_cites_its_source(jurisdiction: Jurisdiction) -> None:
    citations = [rule.citation for rule in jurisdiction.consent_rules]
    citations += [entitlement.citation for entitlement in jurisdiction.rights]
    citations += [deadline.citation for deadline in jurisdiction.deadlines]
    assert len(citations) > 10
    for citation in citations:
        assert citation.source
        assert citation.confidence == "sure" or citation.note


@EACH_JURISDICTION
def test_every_jurisdiction_has_an_authority_to_complain_to(jurisdiction: Jurisdiction) -> None:
    assert jurisdiction.authority.name
    assert jurisdiction.authority.url.startswith("https://")


@EACH_JURISDICTION
def test_every_right_has_a_deadline(jurisdiction: Jurisdiction) -> None:
    """A right without a deadline is never overdue; the British complaint has its acknowledgement."""
    rights_with_deadline = {deadline.right for deadline in jurisdiction.deadlines}
    assert {entitlement.right for entitlement in jurisdiction.rights} == rights_with_deadline


@EACH_JURISDICTION
def test_unknown_is_at_least_as_strict_for_every_purpose(jurisdiction: Jurisdiction) -> None:
    """Whatever the law, the day and the basis, a person who may live there is not exposed more."""
    unknown = BOOK.consent_law.find_timeline(UNKNOWN)
    for period in jurisdiction.timeline.periods:
        unknown_rules = unknown.find_rules(period.start)
        for family in Family:
            for basis in Basis:
                strictness = MODEL_STRICTNESS[period.rules.models[family]][basis]
                assert MODEL_STRICTNESS[unknown_rules.models[family]][basis] >= strictness, (family, basis)
        for sensitive_kind, model in period.rules.sensitive.items():
            assert unknown_rules.sensitive[sensitive_kind] in {model, ConsentModel.OPT_IN}
        assert unknown_rules.signals >= period.rules.signals
        assert unknown_rules.renewal >= period.rules.renewal


@EACH_JURISDICTION
def test_unknown_protects_minors_at_least_as_much(jurisdiction: Jurisdiction) -> None:
    unknown = BOOK.consent_law.find_timeline(UNKNOWN)
    for period in jurisdiction.timeline.periods:
        for years in range(18):
            for family in Family:
                strictness = compute_age_strictness(period.rules.ages, years, family)
                assert (
                    compute_age_strictness(unknown.find_rules(period.start).ages, years, family) >= strictness
                ), (years, family)


def compute_age_strictness(ages: object, years: int, family: Family) -> int:
    """Return the strictest requirement for a family at an age."""
    assert isinstance(ages, tuple)
    return max(
        (AGE_STRICTNESS[age.needs] for age in ages if years < age.below and family in age.families), default=0
    )


@EACH_JURISDICTION
def test_unknown_gives_every_right_as_early(jurisdiction: Jurisdiction) -> None:
    """No step is due later under ``unknown`` than where the person may live."""
    unknown = BOOK.jurisdictions[UNKNOWN]
    assert {entitlement.right for entitlement in jurisdiction.rights} <= {
        entitlement.right for entitlement in unknown.rights
    }
    for rule in jurisdiction.deadlines:
        if rule.step in EXTENDED_STEPS:
            continue
        unknown_rule = unknown.find_deadline_rule(rule.right, rule.step, rule.citation.start)
        assert unknown_rule is not None, (rule.right, rule.step)
        assert (
            to_calendar_days(unknown_rule.length, 31) <= to_calendar_days(rule.length, 28)
            or unknown_rule.length == rule.length
        )
        assert unknown_rule.clock == "receipt"


def to_calendar_days(length: TimeLength, month: int) -> float:
    """Return a length in calendar days, with months of ``month`` days."""
    days_by_unit = {
        TimeUnit.DAYS: 1,
        TimeUnit.MONTHS: month,
        TimeUnit.BUSINESS_DAYS: 7 / 5,
        TimeUnit.AT_ONCE: 0,
    }
    return length.count * days_by_unit[length.unit]


def test_unknown_has_no_pause_extension_or_roll() -> None:
    for rule in BOOK.jurisdictions[UNKNOWN].deadlines:
        assert rule.step not in EXTENDED_STEPS
        assert not rule.pauses
        assert not rule.rolls


def test_a_key_without_a_jurisdiction_is_unknown() -> None:
    assert BOOK.find_jurisdiction("atlantis") is BOOK.jurisdictions[UNKNOWN]
    assert BOOK.consent_law.find_timeline("atlantis") is BOOK.consent_law.find_timeline(UNKNOWN)


@pytest.mark.parametrize(
    ("key", "family", "model"),
    [
        ("eu", Family.STATISTICS, ConsentModel.BASIS),
        ("eu", Family.MESSAGES, ConsentModel.OPT_IN),
        ("eu", Family.SHARING, ConsentModel.OPT_IN),
        ("gb", Family.TEXTS, ConsentModel.OPT_IN),
        ("ch", Family.ADVERTISING, ConsentModel.OPT_OUT),
        ("us-ca", Family.SHARING, ConsentModel.OPT_OUT),
        ("us-ca", Family.ADVERTISING, ConsentModel.NOTICE),
        ("us-va", Family.TEXTS, ConsentModel.OPT_IN),
        ("us-ia", Family.MESSAGES, ConsentModel.OPT_OUT),
        ("ca-qc", Family.PERSONALISATION, ConsentModel.OPT_IN),
        ("cn", Family.STATISTICS, ConsentModel.OPT_IN),
        ("in", Family.ADVERTISING, ConsentModel.OPT_IN),
        ("jp", Family.SHARING, ConsentModel.OPT_IN),
        ("za", Family.MESSAGES, ConsentModel.OPT_IN),
        ("br", Family.SHARING, ConsentModel.BASIS),
    ],
)
def test_a_family_has_the_consent_model_of_the_law(key: str, family: Family, model: ConsentModel) -> None:
    assert BOOK.consent_law.find_timeline(key).find_rules(NOW).models[family] is model


@pytest.mark.parametrize(
    ("key", "kind", "model"),
    [
        ("eu", "health", ConsentModel.OPT_IN),
        ("us-ca", "precise_location", ConsentModel.OPT_OUT),
        ("us-va", "precise_location", ConsentModel.OPT_IN),
        ("us-ia", "health", ConsentModel.OPT_OUT),
        ("us-ct", "government_id", ConsentModel.OPT_IN),
        ("eu", "precise_location", None),
    ],
)
def test_a_sensitive_kind_has_the_consent_model_of_the_law(
    key: str, kind: str, model: ConsentModel | None
) -> None:
    assert BOOK.consent_law.find_timeline(key).find_rules(NOW).sensitive.get(kind) == model


@pytest.mark.parametrize(
    ("key", "years", "family", "requirement"),
    [
        ("eu", 15, Family.SHARING, AgeRequirement.GUARDIAN),
        ("eu", 16, Family.SHARING, None),
        ("gb", 12, Family.MESSAGES, AgeRequirement.GUARDIAN),
        ("gb", 13, Family.MESSAGES, None),
        ("us-ca", 12, Family.SHARING, AgeRequirement.GUARDIAN),
        ("us-ca", 15, Family.SHARING, AgeRequirement.OWN),
        ("us-ca", 16, Family.SHARING, None),
        ("us-ct", 17, Family.SHARING, AgeRequirement.NEVER),
        ("us-or", 15, Family.SHARING, AgeRequirement.NEVER),
        ("ca-qc", 13, Family.ADVERTISING, AgeRequirement.GUARDIAN),
        ("in", 17, Family.ADVERTISING, AgeRequirement.NEVER),
        ("in", 17, Family.MESSAGES, AgeRequirement.GUARDIAN),
        ("in", 17, Family.NECESSARY, None),
        ("za", 17, Family.MESSAGES, AgeRequirement.GUARDIAN),
        ("br", 11, Family.MESSAGES, AgeRequirement.GUARDIAN),
        ("br", 17, Family.SHARING, AgeRequirement.NEVER),
    ],
)
def test_a_minor_has_the_age_requirement_of_the_law(
    key: str, years: int, family: Family, requirement: AgeRequirement | None
) -> None:
    strictness = compute_age_strictness(
        BOOK.consent_law.find_timeline(key).find_rules(NOW).ages, years, family
    )
    assert strictness == (AGE_STRICTNESS[requirement] if requirement else 0)


@pytest.mark.parametrize(
    ("key", "since"),
    [("us-co", "2024-07-01"), ("us-ct", "2025-01-01"), ("us-or", "2026-01-01")],
)
def test_signals_bind_from_the_day_the_law_says(key: str, since: str) -> None:
    """Not a millisecond before local midnight of that day."""
    timeline = BOOK.consent_law.find_timeline(key)
    (start,) = [
        period.start
        for before, period in zip((None, *timeline.periods), timeline.periods, strict=False)
        if period.rules.signals and not (before and before.rules.signals)
    ]
    local = datetime.fromtimestamp(start / 1000, ZoneInfo(timeline.zone))
    assert local.replace(tzinfo=None).isoformat() == f"{since}T00:00:00"
    assert timeline.find_rules(start).signals
    assert not timeline.find_rules(start - 1).signals


@pytest.mark.parametrize(
    "key", ["eu", "gb", "ch", "br", "ca", "ca-qc", "cn", "in", "jp", "za", "us-va", "us-ia"]
)
def test_no_signal_binds_where_the_law_names_none(key: str) -> None:
    assert not any(period.rules.signals for period in BOOK.consent_law.find_timeline(key).periods)


def test_california_never_shows_ids_and_looks_back_to_2022() -> None:
    right = BOOK.jurisdictions["us-ca"].find_right(Right.ACCESS, date(2026, 11, 24))
    assert right is not None
    assert right.look_back == date(2022, 1, 1)
    assert right.withheld == {"biometric", "financial_account", "government_id"}


def test_a_right_begins_and_is_replaced_on_its_day() -> None:
    """Connecticut allows official ids in an answer until the day its law forbids that."""
    connecticut = BOOK.jurisdictions["us-ct"]
    before, after = (connecticut.find_right(Right.ACCESS, date(2026, *day)) for day in ((6, 30), (7, 1)))
    assert before is not None
    assert after is not None
    assert (before.withheld, bool(after.withheld)) == (frozenset(), True)
    assert connecticut.find_right(Right.RECIPIENTS, date(2026, 6, 30)) is None


def test_iowa_gives_no_correction() -> None:
    assert BOOK.jurisdictions["us-ia"].find_right(Right.CORRECTION, date(2026, 11, 24)) is None
    assert (
        BOOK.jurisdictions["us-ia"].find_deadline_rule(
            Right.CORRECTION, DeadlineStep.RESPOND, date(2026, 11, 24)
        )
        is None
    )


def test_lower_ages_of_single_states_are_listed_and_do_not_apply() -> None:
    lower = [
        rule
        for rule in BOOK.jurisdictions["eu"].consent_rules
        if " in " in rule.text and "below" in rule.text
    ]
    assert len(lower) == 3
    assert not any(rule.applies for rule in lower)
    assert {age.below for age in BOOK.consent_law.find_timeline("eu").find_rules(NOW).ages} == {16}


def test_the_version_is_a_digest_of_the_rules_that_apply_to_people(tmp_path: Path) -> None:
    """Another label or source does not change it; a rule, a day, a time zone and an edition do."""

    def compute_version(text: str = SMALL_LAW, *editions: MaterialChange) -> str:
        return load_lawbook(write_jurisdictions(tmp_path, text), CATALOGUE, editions).consent_law.version

    equivalent_texts = [
        SMALL_LAW.replace("label: Small", "label: Tiny"),
        SMALL_LAW.replace("Art. 2", "Art. 20"),
    ]
    assert {compute_version(), *map(compute_version, equivalent_texts)} == {compute_version()}
    other_versions = [
        compute_version(SMALL_LAW.replace("opt_out,", "opt_in,")),
        compute_version(SMALL_LAW.replace("below: 16", "below: 15")),
        compute_version(SMALL_LAW.replace("Europe/Vienna", "Europe/London")),
        compute_version(SMALL_LAW.replace("anew: false", "anew: true")),
        compute_version(SMALL_LAW.replace("{bind: false, from: 2020", "{bind: false, from: 2019")),
        compute_version(SMALL_LAW, MaterialChange(NOW, frozenset({"a"}))),
        compute_version(SMALL_LAW, MaterialChange(NOW + 1, frozenset({"a"}))),
        compute_version(SMALL_LAW, MaterialChange(NOW, frozenset({"a", "b"}))),
    ]
    assert len({compute_version(), *other_versions}) == 1 + len(other_versions)


def test_the_printed_json_schema_is_current_and_fits_the_files() -> None:
    path = find_shipped_jurisdictions().parent / "jsonschema" / "jurisdiction.schema.json"
    assert path.read_text("utf-8") == print_jurisdiction_schema(), (
        "renew it with: discretion schema print --write"
    )
    printed = json.loads(print_jurisdiction_schema())
    for file in find_shipped_jurisdictions().glob("*.yaml"):
        document = yaml.load(file.read_text("utf-8"), yaml.BaseLoader)
        assert set(document) <= set(printed["properties"])
        assert set(printed["required"]) <= set(document)


def test_laws_and_catalogue_have_the_same_sensitive_kinds(tmp_path: Path) -> None:
    """A catalogue without sensitive kinds has the same laws."""
    shipped_catalogue = load_catalogue()
    assert set(SHIPPED_SENSITIVE_KINDS) == set(shipped_catalogue.sensitive)
    catalogue_without_kinds = load_catalogue(write_catalogue(tmp_path / "catalogue"))
    assert (
        load_lawbook(None, catalogue_without_kinds).consent_law.timelines
        == load_lawbook(None, shipped_catalogue).consent_law.timelines
    )
