"""Acceptances of one login cover the records that are joined with it, for as long as they are joined."""

from __future__ import annotations

import pytest

from discretion.domain.profiles.joined_choices import drop_separated_choices, select_own_choices
from discretion.store.source_record import Choice, SourceRecord

EMAIL, PARTNERS = "marketing.communications.email", "marketing.advertising.third_party"
YES = Choice(True, 5, "yes")


def build_record(name: bytes, own: dict[str, Choice], joined: dict[str, Choice]) -> SourceRecord:
    return SourceRecord(
        name, "web-shop", b"c", 1, 1, 1, 1, own_choices=dict(own), joined_choices=dict(joined)
    )


@pytest.mark.parametrize(
    ("own", "counting"),
    [
        ({}, YES),
        ({EMAIL: Choice(False, 4, "no")}, YES),
        ({EMAIL: Choice(False, 5, "no")}, Choice(False, 5, "no")),
        ({EMAIL: Choice(False, 6, "no")}, Choice(False, 6, "no")),
    ],
)
def test_the_later_of_an_own_and_a_joined_choice_counts(own: dict[str, Choice], counting: Choice) -> None:
    """At the same time the own one. A choice about another purpose is not affected."""
    others = {PARTNERS: Choice(False, 9, "other")}
    record = build_record(b"r", own | others, {EMAIL: YES})
    assert select_own_choices(record) == {EMAIL: counting} | others


def test_a_choice_ends_with_the_record_that_states_it() -> None:
    """Another statement of that record, or of another about the same purpose, does not preserve it."""
    stating = build_record(b"1", {EMAIL: YES}, {})
    covered = build_record(b"2", {}, {EMAIL: YES, PARTNERS: YES})
    assert drop_separated_choices([stating, covered]) == {b"2"}
    assert covered.joined_choices == {EMAIL: YES}
    assert drop_separated_choices([stating, covered]) == set()
    restating = build_record(b"1", {EMAIL: Choice(True, 7, "again")}, {})
    assert drop_separated_choices([restating, covered]) == {b"2"}
    assert covered.joined_choices == {}


def test_without_joined_choices_nothing_changes() -> None:
    record = build_record(b"1", {EMAIL: YES}, {})
    assert drop_separated_choices([record]) == set()
    assert select_own_choices(record) == {EMAIL: YES}
