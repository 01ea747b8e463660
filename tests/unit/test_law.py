"""The shipped jurisdictions: complete, cited, and never laxer than the unknown."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from discretion.catalogue.load import load as load_catalogue
from discretion.catalogue.model import Basis, Family
from discretion.law.entry import json_schema
from discretion.law.jurisdiction import EXTENDED, Jurisdiction, Length, Right, Step, Unit
from discretion.law.load import SENSITIVE, load, shipped
from discretion.law.model import UNKNOWN, Edition, Model, Needs
from tests.unit.catalogue.small_catalogue import written as small_catalogue
from tests.unit.law.small_law import CATALOGUE, SMALL, written

BOOK = load(None, CATALOGUE)
EVERY = pytest.mark.parametrize("one", BOOK.jurisdictions.values(), ids=BOOK.jurisdictions.keys())
NOW = int(datetime(2026, 11, 24, tzinfo=UTC).timestamp() * 1000)

ASKED = {
    Model.NOTICE: dict.fromkeys(Basis, 0),
    Model.BASIS: {
        Basis.CONSENT: 2,
        Basis.LEGITIMATE_INTEREST: 1,
        Basis.PUBLIC_TASK: 1,
        Basis.CONTRACT: 0,
        Basis.LEGAL_OBLIGATION: 0,
        Basis.VITAL_INTEREST: 0,
    },
    Model.OPT_OUT: dict.fromkeys(Basis, 1),
    Model.OPT_IN: dict.fromkeys(Basis, 2),
}
PROTECTED = {Needs.OWN: 1, Needs.GUARDIAN: 2, Needs.NEVER: 3}


def test_the_jurisdictions_of_the_inventory_are_there() -> None:
    keys = "eu gb ch br ca ca-qc cn in jp za us-ca us-co us-ct us-ia us-or us-tx us-va unknown"
    assert set(BOOK.jurisdictions) >= set(keys.split())
    assert len(BOOK.jurisdictions) >= 30


def test_the_european_economic_area_has_thirty_states() -> None:
    assert len(BOOK.jurisdictions["eu"].places) == 30


@EVERY
def test_every_family_has_a_rule_at_all_times(one: Jurisdiction) -> None:
    for period in one.timeline.periods:
        assert set(period.rules.models) == set(Family)


@EVERY
def test_every_rule_says_where_it_stands(one: Jurisdiction) -> None:
    cited = [told.cited for told in one.consent]
    cited += [entitlement.cited for entitlement in one.rights]
    cited += [deadline.cited for deadline in one.deadlines]
    assert len(cited) > 10
    for rule in cited:
        assert rule.source
        assert rule.confidence == "sure" or rule.note


@EVERY
def test_every_jurisdiction_has_an_authority_to_complain_to(one: Jurisdiction) -> None:
    assert one.authority.name
    assert one.authority.url.startswith("https://")


@EVERY
def test_every_right_is_answered_within_a_time(one: Jurisdiction) -> None:
    """A right without a time would never be overdue; the British complaint has its acknowledgement."""
    timed = {deadline.right for deadline in one.deadlines}
    assert {entitlement.right for entitlement in one.rights} == timed


@EVERY
def test_unknown_asks_at_least_as_much_for_every_purpose(one: Jurisdiction) -> None:
    """Whatever the law, the day and the basis: who may live there is not exposed more."""
    unknown = BOOK.law.of(UNKNOWN)
    for period in one.timeline.periods:
        mine = unknown.at(period.start)
        for family in Family:
            for basis in Basis:
                theirs = ASKED[period.rules.models[family]][basis]
                assert ASKED[mine.models[family]][basis] >= theirs, (family, basis)
        for kind, model in period.rules.sensitive.items():
            assert mine.sensitive[kind] in {model, Model.OPT_IN}
        assert mine.signals >= period.rules.signals
        assert mine.renewal >= period.rules.renewal


@EVERY
def test_unknown_protects_the_young_at_least_as_much(one: Jurisdiction) -> None:
    unknown = BOOK.law.of(UNKNOWN)
    for period in one.timeline.periods:
        for years in range(18):
            for family in Family:
                theirs = needed(period.rules.ages, years, family)
                assert needed(unknown.at(period.start).ages, years, family) >= theirs, (years, family)


def needed(ages: object, years: int, family: Family) -> int:
    """The most that somebody of an age needs for a family."""
    assert isinstance(ages, tuple)
    return max((PROTECTED[a.needs] for a in ages if years < a.below and family in a.families), default=0)


@EVERY
def test_unknown_gives_every_right_as_early(one: Jurisdiction) -> None:
    """A step of an unknown person's request is never due later than where they may live."""
    unknown = BOOK.jurisdictions[UNKNOWN]
    assert {theirs.right for theirs in one.rights} <= {mine.right for mine in unknown.rights}
    for theirs in one.deadlines:
        if theirs.step in EXTENDED:
            continue
        mine = unknown.due(theirs.right, theirs.step, theirs.cited.start)
        assert mine is not None, (theirs.right, theirs.step)
        assert days(mine.length, 31) <= days(theirs.length, 28) or mine.length == theirs.length
        assert mine.clock == "receipt"


def days(length: Length, month: int) -> float:
    """Calendar days, with so long a month."""
    each = {Unit.DAYS: 1, Unit.MONTHS: month, Unit.BUSINESS_DAYS: 7 / 5, Unit.AT_ONCE: 0}
    return length.count * each[length.unit]


def test_no_time_of_unknown_stands_still_or_grows() -> None:
    for one in BOOK.jurisdictions[UNKNOWN].deadlines:
        assert one.step not in EXTENDED
        assert not one.pauses
        assert not one.rolls


def test_a_jurisdiction_nobody_knows_is_unknown() -> None:
    assert BOOK.of("atlantis") is BOOK.jurisdictions[UNKNOWN]
    assert BOOK.law.of("atlantis") is BOOK.law.of(UNKNOWN)


@pytest.mark.parametrize(
    ("key", "family", "model"),
    [
        ("eu", Family.STATISTICS, Model.BASIS),
        ("eu", Family.MESSAGES, Model.OPT_IN),
        ("eu", Family.SHARING, Model.OPT_IN),
        ("gb", Family.TEXTS, Model.OPT_IN),
        ("ch", Family.ADVERTISING, Model.OPT_OUT),
        ("us-ca", Family.SHARING, Model.OPT_OUT),
        ("us-ca", Family.ADVERTISING, Model.NOTICE),
        ("us-va", Family.TEXTS, Model.OPT_IN),
        ("us-ia", Family.MESSAGES, Model.OPT_OUT),
        ("ca-qc", Family.PERSONALISATION, Model.OPT_IN),
        ("cn", Family.STATISTICS, Model.OPT_IN),
        ("in", Family.ADVERTISING, Model.OPT_IN),
        ("jp", Family.SHARING, Model.OPT_IN),
        ("za", Family.MESSAGES, Model.OPT_IN),
        ("br", Family.SHARING, Model.BASIS),
    ],
)
def test_what_a_family_takes_is_as_the_law_says(key: str, family: Family, model: Model) -> None:
    assert BOOK.law.of(key).at(NOW).models[family] is model


@pytest.mark.parametrize(
    ("key", "kind", "model"),
    [
        ("eu", "health", Model.OPT_IN),
        ("us-ca", "precise_location", Model.OPT_OUT),
        ("us-va", "precise_location", Model.OPT_IN),
        ("us-ia", "health", Model.OPT_OUT),
        ("us-ct", "government_id", Model.OPT_IN),
        ("eu", "precise_location", None),
    ],
)
def test_a_sensitive_kind_takes_what_the_law_says(key: str, kind: str, model: Model | None) -> None:
    assert BOOK.law.of(key).at(NOW).sensitive.get(kind) == model


@pytest.mark.parametrize(
    ("key", "years", "family", "most"),
    [
        ("eu", 15, Family.SHARING, Needs.GUARDIAN),
        ("eu", 16, Family.SHARING, None),
        ("gb", 12, Family.MESSAGES, Needs.GUARDIAN),
        ("gb", 13, Family.MESSAGES, None),
        ("us-ca", 12, Family.SHARING, Needs.GUARDIAN),
        ("us-ca", 15, Family.SHARING, Needs.OWN),
        ("us-ca", 16, Family.SHARING, None),
        ("us-ct", 17, Family.SHARING, Needs.NEVER),
        ("us-or", 15, Family.SHARING, Needs.NEVER),
        ("ca-qc", 13, Family.ADVERTISING, Needs.GUARDIAN),
        ("in", 17, Family.ADVERTISING, Needs.NEVER),
        ("in", 17, Family.MESSAGES, Needs.GUARDIAN),
        ("in", 17, Family.NECESSARY, None),
        ("za", 17, Family.MESSAGES, Needs.GUARDIAN),
        ("br", 11, Family.MESSAGES, Needs.GUARDIAN),
        ("br", 17, Family.SHARING, Needs.NEVER),
    ],
)
def test_the_young_need_what_the_law_says(key: str, years: int, family: Family, most: Needs | None) -> None:
    found = needed(BOOK.law.of(key).at(NOW).ages, years, family)
    assert found == (PROTECTED[most] if most else 0)


@pytest.mark.parametrize(
    ("key", "since"),
    [("us-co", "2024-07-01"), ("us-ct", "2025-01-01"), ("us-or", "2026-01-01")],
)
def test_signals_bind_from_the_day_the_law_says(key: str, since: str) -> None:
    """And not a moment before that day's local midnight."""
    timeline = BOOK.law.of(key)
    (start,) = [
        period.start
        for before, period in zip((None, *timeline.periods), timeline.periods, strict=False)
        if period.rules.signals and not (before and before.rules.signals)
    ]
    local = datetime.fromtimestamp(start / 1000, ZoneInfo(timeline.zone))
    assert local.replace(tzinfo=None).isoformat() == f"{since}T00:00:00"
    assert timeline.at(start).signals
    assert not timeline.at(start - 1).signals


@pytest.mark.parametrize(
    "key", ["eu", "gb", "ch", "br", "ca", "ca-qc", "cn", "in", "jp", "za", "us-va", "us-ia"]
)
def test_no_signal_binds_where_the_law_names_none(key: str) -> None:
    assert not any(period.rules.signals for period in BOOK.law.of(key).periods)


def test_california_never_shows_ids_and_looks_back_to_2022() -> None:
    found = BOOK.jurisdictions["us-ca"].right(Right.ACCESS, date(2026, 11, 24))
    assert found is not None
    assert found.look_back == date(2022, 1, 1)
    assert found.withheld == {"biometric", "financial_account", "government_id"}


def test_a_right_begins_and_is_replaced_on_its_day() -> None:
    """Connecticut shows ids in an answer until the day its law forbids that."""
    connecticut = BOOK.jurisdictions["us-ct"]
    before, after = (connecticut.right(Right.ACCESS, date(2026, *day)) for day in ((6, 30), (7, 1)))
    assert before is not None
    assert after is not None
    assert (before.withheld, bool(after.withheld)) == (frozenset(), True)
    assert connecticut.right(Right.RECIPIENTS, date(2026, 6, 30)) is None


def test_iowa_gives_no_correction() -> None:
    assert BOOK.jurisdictions["us-ia"].right(Right.CORRECTION, date(2026, 11, 24)) is None
    assert BOOK.jurisdictions["us-ia"].due(Right.CORRECTION, Step.RESPOND, date(2026, 11, 24)) is None


def test_lower_ages_of_single_states_are_written_down_and_do_not_apply() -> None:
    lower = [one for one in BOOK.jurisdictions["eu"].consent if " in " in one.what and "below" in one.what]
    assert len(lower) == 3
    assert not any(one.applies for one in lower)
    assert {age.below for age in BOOK.law.of("eu").at(NOW).ages} == {16}


def test_the_version_is_a_digest_of_what_people_are_judged_by(tmp_path: Path) -> None:
    """Another label or source changes nothing for them; a rule, a day, a zone and an edition do."""

    def version(text: str = SMALL, *editions: Edition) -> str:
        return load(written(tmp_path, text), CATALOGUE, editions).law.version

    same = [SMALL.replace("label: Small", "label: Tiny"), SMALL.replace("Art. 2", "Art. 20")]
    assert {version(), *map(version, same)} == {version()}
    other = [
        version(SMALL.replace("opt_out,", "opt_in,")),
        version(SMALL.replace("below: 16", "below: 15")),
        version(SMALL.replace("Europe/Vienna", "Europe/London")),
        version(SMALL.replace("anew: false", "anew: true")),
        version(SMALL.replace("{bind: false, from: 2020", "{bind: false, from: 2019")),
        version(SMALL, Edition(NOW, frozenset({"a"}))),
        version(SMALL, Edition(NOW + 1, frozenset({"a"}))),
        version(SMALL, Edition(NOW, frozenset({"a", "b"}))),
    ]
    assert len({version(), *other}) == 1 + len(other)


def test_the_printed_json_schema_is_current_and_holds_for_the_files() -> None:
    path = shipped().parent / "jsonschema" / "jurisdiction.schema.json"
    assert path.read_text("utf-8") == json_schema(), "renew it with: discretion schema print --write"
    printed = json.loads(json_schema())
    for file in shipped().glob("*.yaml"):
        read = yaml.load(file.read_text("utf-8"), yaml.BaseLoader)
        assert set(read) <= set(printed["properties"])
        assert set(printed["required"]) <= set(read)


def test_the_kinds_that_laws_protect_are_those_the_catalogue_knows(tmp_path: Path) -> None:
    """And a catalogue of the user's that knows none is judged by the same laws."""
    shipped_catalogue = load_catalogue()
    assert set(SENSITIVE) == set(shipped_catalogue.sensitive)
    bare = load_catalogue(small_catalogue(tmp_path / "catalogue"))
    assert load(None, bare).law.timelines == load(None, shipped_catalogue).law.timelines
