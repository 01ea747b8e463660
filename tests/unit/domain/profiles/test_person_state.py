"""The state of a person: what it depends on is compared completely before permissions are used again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.load import load_catalogue
from discretion.catalogue.source_consent import SourceConsent
from discretion.domain.profiles.person_state import (
    build_person_state,
    has_equal_state,
    list_state_attributes,
)
from discretion.purpose.permission_engine import PermissionEngine
from discretion.purpose.statements import AmbientChoice
from discretion.store.source_record import Cell, Choice, DeviceCountry, SignalTimes, SourceRecord
from tests.fixtures.law import LAW

CATALOGUE = load_catalogue(None)
STATE_ATTRIBUTES = list_state_attributes(CATALOGUE)
OTHER_KEY = CATALOGUE.attributes["identity.givenName"].key
CHANGES: dict[str, dict[str, Any]] = {
    "an ambient choice": {"ambient_choices": {"marketing": AmbientChoice(refused_last=2)}},
    "an explicit choice": {"explicit_choices": {"marketing": Choice(True, 2, "m")}},
    "a guardian's choice": {"guardian_choices": {"marketing": Choice(True, 2, "m")}},
    "an own choice": {"own_choices": {"marketing": Choice(True, 2, "m")}},
    "an own choice under another login": {"joined_choices": {"marketing": Choice(True, 2, "m")}},
    "a guardian's choice by a steward": {"own_guardian_choices": {"marketing": Choice(True, 2, "m")}},
    "a login": {"number_assurance": Assurance.PROVEN},
    "a signal": {"signals": {"gpc": SignalTimes(1, 2)}},
    "the limit on sensitive data": {"signals": {"limit": SignalTimes(1, 2)}},
    "a restriction": {"restricted": True},
    "a refusal of whoever has proven a claim": {"claim_refusals": {"0a": ("marketing",)}},
    "the country of the device": {"place": DeviceCountry("FR", 2, "m")},
    **{
        f"attribute {CATALOGUE.find_path(key)}": {"cells": {key: Cell(2, "m", value="FR", born=3)}}
        for key in sorted(STATE_ATTRIBUTES)
    },
}
"""Each changes what a person's permissions may depend on."""


def build_record(**changes: Any) -> SourceRecord:
    """Return a record of which nothing is known but these members."""
    return SourceRecord(b"r", changes.pop("source", "web-shop"), b"c", 1, 1, 1, 1, **changes)


def build_state(record: SourceRecord) -> object:
    """Return the state of a person with one record; each place has a law of its own."""
    return build_person_state(CATALOGUE, lambda country, region: f"{country}-{region}", [record])


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_permissions_depend_on_is_noticed(change: str) -> None:
    changed = build_record(**CHANGES[change])
    assert not has_equal_state(build_record(), changed, STATE_ATTRIBUTES)
    assert has_equal_state(changed, changed.copy(), STATE_ATTRIBUTES)


@given(
    before=st.sets(st.sampled_from(sorted(CHANGES))),
    after=st.sets(st.sampled_from(sorted(CHANGES))),
)
def test_records_that_are_compared_as_equal_give_the_same_state(before: set[str], after: set[str]) -> None:
    """Whatever else has changed in the record."""
    records = []
    for names in (before, after):
        members: dict[str, Any] = {}
        for name in sorted(names):
            for member, value in CHANGES[name].items():
                members[member] = {**members.get(member, {}), **value} if isinstance(value, dict) else value
        records.append(build_record(**members))
    others = {OTHER_KEY: Cell(9, "other", value="Ann")}
    records[1] = replace(records[1], last=9, cells={**records[1].cells, **others})
    if has_equal_state(records[0], records[1], STATE_ATTRIBUTES):
        assert build_state(records[0]) == build_state(records[1])
    else:
        assert before != after


@pytest.mark.parametrize(
    ("is_login", "repeated_under_login", "accepts"),
    [(True, True, True), (True, False, False), (False, False, True), (False, True, True)],
)
def test_the_catalogue_says_whether_a_repeated_yes_counts_under_a_login(
    is_login: bool, repeated_under_login: bool, accepts: bool
) -> None:
    """A refusal of the same source always counts."""
    shop = replace(CATALOGUE.sources["web-shop"], consent=SourceConsent(repeated_under_login))
    catalogue = replace(CATALOGUE, sources={**CATALOGUE.sources, "web-shop": shop})
    record = build_record(
        number_assurance=Assurance.PROVEN if is_login else None,
        ambient_choices={"analytics": AmbientChoice(2, 3), "marketing": AmbientChoice(2, 5, 4)},
    )
    (statements,) = build_person_state(catalogue, lambda _country, _region: "eu", [record]).statements
    accepted = {node for node, choice in statements.ambient if choice.is_accepted}
    assert accepted == ({"analytics", "marketing"} if accepts else set())
    assert dict(statements.ambient)["marketing"].refused_last == 4


def test_another_setting_is_another_version_of_the_rules() -> None:
    """Permissions that were computed before are not trusted after."""
    shop = replace(CATALOGUE.sources["web-shop"], consent=SourceConsent(repeated_under_login=False))
    changed = replace(CATALOGUE, sources={**CATALOGUE.sources, "web-shop": shop})
    assert PermissionEngine(changed, LAW).version != PermissionEngine(CATALOGUE, LAW).version


COUNTRY = CATALOGUE.attributes["contact.address.country"].key
LOGIN_IN_GERMANY = {"number_assurance": Assurance.PROVEN, "place": DeviceCountry("DE", 2, "m")}


@pytest.mark.parametrize(
    ("others", "laws"),
    [
        # An address that an unknown visitor typed is a better kind of place than a device's country.
        ([{"cells": {COUNTRY: Cell(2, "m", value="US")}}], ("DE-None", "US-None")),
        ([{"place": DeviceCountry("US", 2, "m")}], ("DE-None", "US-None")),
        (
            [{"cells": {COUNTRY: Cell(2, "m", value="US")}, "number_assurance": Assurance.PRESENTED}],
            ("US-None",),
        ),
        ([], ("DE-None",)),
    ],
)
def test_a_record_without_a_number_takes_no_law_away(
    others: list[dict[str, Any]], laws: tuple[str, ...]
) -> None:
    records = [build_record(**LOGIN_IN_GERMANY), *(build_record(**members) for members in others)]
    state = build_person_state(CATALOGUE, lambda country, region: f"{country}-{region}", records)
    assert state.laws == laws


@pytest.mark.parametrize(("assurance", "expected"), [(None, ("marketing",)), (Assurance.PROVEN, ())])
def test_others_refuse_only_for_a_person_without_a_login(
    assurance: Assurance | None, expected: tuple[str, ...]
) -> None:
    """Of a browser and an account, the account's own words count."""
    browser = build_record(claim_refusals={"0a": ("marketing",)})
    account = replace(build_record(number_assurance=assurance), id=b"other")
    state = build_person_state(CATALOGUE, lambda _country, _region: "eu", [browser, account])
    assert state.refused_by_provers == expected
