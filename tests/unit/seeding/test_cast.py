from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from typing import Any

import pytest
import yaml

from discretion.catalogue.load import load
from discretion.domain.ingest.message import Fact
from discretion.law.load import load as load_law
from discretion.seeding.cast import born, cast
from discretion.seeding.message import Message, iso, shipped
from tests.unit.seeding.pure_pipeline import facts, linked, profile, record_name, seen

NOW = 1_795_449_600_000  # 2026-11-23, 16:00
LEAP_DAY = 1_835_395_200_000  # its first millisecond
AFTER_A_LEAP_BIRTHDAY = 1_844_078_400_000  # 100 days after it
EXPECTED: dict[str, Any] = yaml.safe_load(shipped("expected.yaml").read_text("utf-8"))
PEOPLE: dict[str, Any] = yaml.safe_load(shipped("cast.yaml").read_text("utf-8"))["people"]
RESERVED_PHONE = re.compile(r"\+120255501\d\d|\+447700900\d{3}|\+493023125\d{3}|\+33639980\d{3}")


@pytest.fixture(scope="module")
def told() -> dict[str, list[tuple[Message, Fact]]]:
    """The cast's messages, read by the shipped catalogue, by person."""
    people = defaultdict(list)
    for message, fact in facts(load(), cast(NOW), NOW):
        people[message.person].append((message, fact))
    return people


def test_each_of_the_cast_is_one_person_and_nobody_else(told: dict[str, list[tuple[Message, Fact]]]) -> None:
    """Three spellings of an address and two notations of a number meet; a namesake does not."""
    everybody = [one for heard in told.values() for one in heard]
    people = {frozenset(record_name(fact) for _, fact in heard) for heard in told.values()}
    assert linked(load(), everybody) == people


@pytest.mark.parametrize("person", PEOPLE)
def test_the_pure_stages_bring_about_what_is_expected(
    person: str, told: dict[str, list[tuple[Message, Fact]]]
) -> None:
    catalogue = load()
    whose = profile(catalogue, load_law(None, catalogue), told[person], NOW)
    for role, purposes in EXPECTED["roles"].items():
        expected = EXPECTED["people"][person]["everything" if role in {"customer", "steward"} else role]
        if expected == "absent":
            expected = None
        elif isinstance(expected.get("birthDate"), dict):
            expected = {**expected, "birthDate": born(expected["birthDate"]["age"], NOW)}
        assert seen(catalogue, whose, frozenset(purposes), EXPECTED["attributes"], NOW) == expected, role


def test_everybody_has_a_story_and_an_expectation() -> None:
    readme = shipped("README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE)
    assert list(PEOPLE) == list(EXPECTED["people"])
    assert sorted(rows) == sorted([*PEOPLE, *PEOPLE])


@pytest.mark.parametrize("now", [NOW, LEAP_DAY, AFTER_A_LEAP_BIRTHDAY])
def test_the_story_is_always_as_old_as_told(now: int) -> None:
    """No message lies in the future, at any hour, on a leap day too."""
    assert all(message.body["timestamp"] < iso(now) for message in cast(now))
    assert list(cast(now)) == list(cast(now))


@pytest.mark.parametrize("now", [NOW, LEAP_DAY, AFTER_A_LEAP_BIRTHDAY])
def test_ages_do_not_change_with_the_day(now: int) -> None:
    birthday = date.fromisoformat(born(11, now))
    today = date.fromisoformat(iso(now)[:10])
    assert today.year - birthday.year - ((today.month, today.day) < (birthday.month, birthday.day)) == 11


def test_nobody_of_the_cast_can_be_reached(told: dict[str, list[tuple[Message, Fact]]]) -> None:
    """Addresses end in .example (RFC 2606), phone numbers lie in ranges kept for fiction."""
    given = [one for heard in told.values() for _, fact in heard for one in fact.identifiers]
    assert all(one.value.value.endswith(".example") for one in given if one.type == "email")
    assert all(RESERVED_PHONE.fullmatch(one.value.value) for one in given if one.type == "phone")
