"""The cast of the demo: its messages, and what each role sees of each member after the pure stages."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from typing import Any

import pytest
import yaml

from discretion.catalogue.load import load_catalogue
from discretion.domain.ingest.message import Fact
from discretion.law.load import load_lawbook
from discretion.seeding.cast import compute_birth_date, generate_cast_messages
from discretion.seeding.message import SeedMessage, find_seed_file, format_time
from tests.unit.seeding.pure_pipeline import (
    build_profile,
    cluster_facts,
    name_record,
    render_attributes,
    validate_messages,
)

NOW = 1_795_449_600_000  # 2026-11-23, 16:00
LEAP_DAY = 1_835_395_200_000  # its first millisecond
AFTER_A_LEAP_BIRTHDAY = 1_844_078_400_000  # 100 days after it
EXPECTED: dict[str, Any] = yaml.safe_load(find_seed_file("expected.yaml").read_text("utf-8"))
PEOPLE: dict[str, Any] = yaml.safe_load(find_seed_file("cast.yaml").read_text("utf-8"))["people"]
RESERVED_PHONE = re.compile(r"\+120255501\d\d|\+442079460\d{3}|\+493023125\d{3}|\+3319900\d{4}")


@pytest.fixture(scope="module")
def facts_by_person() -> dict[str, list[tuple[SeedMessage, Fact]]]:
    """Return the messages and facts of the cast, by person."""
    people = defaultdict(list)
    for message, fact in validate_messages(load_catalogue(), generate_cast_messages(NOW), NOW):
        people[message.person_id].append((message, fact))
    return people


def test_each_cast_member_is_exactly_one_cluster(
    facts_by_person: dict[str, list[tuple[SeedMessage, Fact]]],
) -> None:
    """Accounts with one number and the cards they confirmed are linked; a namesake is not."""
    all_facts = [pair for person_facts in facts_by_person.values() for pair in person_facts]
    people = {
        frozenset(name_record(fact) for _, fact in person_facts) for person_facts in facts_by_person.values()
    }
    assert cluster_facts(load_catalogue(), all_facts) == people


@pytest.mark.parametrize("person", PEOPLE)
def test_the_pure_stages_show_each_role_what_is_expected(
    person: str, facts_by_person: dict[str, list[tuple[SeedMessage, Fact]]]
) -> None:
    catalogue = load_catalogue()
    person_profile = build_profile(catalogue, load_lawbook(None, catalogue), facts_by_person[person], NOW)
    for role, purposes in EXPECTED["roles"].items():
        expected = EXPECTED["people"][person]["everything" if role in {"customer", "steward"} else role]
        if expected == "absent":
            expected = None
        elif isinstance(expected.get("birthDate"), dict):
            expected = {**expected, "birthDate": compute_birth_date(expected["birthDate"]["age"], NOW)}
        assert (
            render_attributes(catalogue, person_profile, frozenset(purposes), EXPECTED["attributes"], NOW)
            == expected
        ), role


def test_every_cast_member_is_described_and_has_expectations() -> None:
    readme = find_seed_file("README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE)
    assert list(PEOPLE) == list(EXPECTED["people"])
    assert sorted(rows) == sorted([*PEOPLE, *PEOPLE])


@pytest.mark.parametrize("now_ms", [NOW, LEAP_DAY, AFTER_A_LEAP_BIRTHDAY])
def test_all_cast_messages_lie_in_the_past(now_ms: int) -> None:
    """This holds at any hour and on a leap day."""
    assert all(message.body["timestamp"] < format_time(now_ms) for message in generate_cast_messages(now_ms))
    assert list(generate_cast_messages(now_ms)) == list(generate_cast_messages(now_ms))


@pytest.mark.parametrize("now_ms", [NOW, LEAP_DAY, AFTER_A_LEAP_BIRTHDAY])
def test_ages_do_not_depend_on_the_day(now_ms: int) -> None:
    birthday = date.fromisoformat(compute_birth_date(11, now_ms))
    today = date.fromisoformat(format_time(now_ms)[:10])
    assert today.year - birthday.year - ((today.month, today.day) < (birthday.month, birthday.day)) == 11


def test_no_contact_of_the_cast_is_real(
    facts_by_person: dict[str, list[tuple[SeedMessage, Fact]]],
) -> None:
    """Addresses end in .example (RFC 2606); phone numbers are from ranges reserved for fiction."""
    identifiers = [
        identifier
        for person_facts in facts_by_person.values()
        for _, fact in person_facts
        for identifier in fact.identifiers
    ]
    assert all(
        identifier.value.value.endswith(".example")
        for identifier in identifiers
        if identifier.type == "email"
    )
    assert all(
        RESERVED_PHONE.fullmatch(identifier.value.value)
        for identifier in identifiers
        if identifier.type == "phone"
    )
