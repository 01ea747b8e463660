"""Which part of a ledger entry a person may see, and what its client received of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from discretion.ledger.entry import LedgerEntry
from discretion.ledger.subject_names import (
    READING_MAX_MS,
    SubjectWindow,
    list_windows,
    select_received_part,
    select_visible_part,
)
from discretion.store.ledger_names import LedgerPseudonym, NamedPeriod, SubjectNames
from tests.unit.ledger.entries import GOLDEN_ENTRY

OWN, OTHER = b"o" * 16, b"x" * 16
SINCE, UNTIL = 1_000_000, 2_000_000
CONTENTS = frozenset({"contact.email", "event:order", "identifier:email"})
ENTRY = replace(
    GOLDEN_ENTRY,
    at=SINCE + 1,
    attributes=(("contact.email", "clear"), ("contact.phone", "masked")),
    extra=(
        *("consents", "contact", "event:order", "event:search"),
        *("filter:contact.phone", "order:contact.email", "package_link", "requests"),
    ),
    subjects={},
)


def build_names(
    pseudonym: bytes, contents: frozenset[str] = CONTENTS, *, is_shared: bool = True
) -> SubjectNames:
    """Return the names of a person with one period."""
    period = NamedPeriod(pseudonym, SINCE, UNTIL, contents, is_shared)
    return SubjectNames((LedgerPseudonym(OWN, b"customer"),), (period,))


def build_entry(pseudonym: bytes, at: int = SINCE + 1, bits: int = 0b11) -> LedgerEntry:
    """Return an entry about one person at a time."""
    return replace(ENTRY, at=at, subjects={pseudonym: bits})


@pytest.mark.parametrize("pseudonym", [OWN, OTHER])
@pytest.mark.parametrize("at", [SINCE, UNTIL])
def test_of_a_shared_time_only_what_the_own_records_had_is_visible(pseudonym: bytes, at: int) -> None:
    part = select_visible_part(build_names(pseudonym), build_entry(pseudonym, at))
    assert part.attributes == (("contact.email", "clear"),)
    assert part.extra == ("consents", "event:order", "order:contact.email")
    assert part.is_shared


def test_an_entry_about_requests_of_a_shared_time_shows_nothing() -> None:
    """Either of the two may have filed them: that the other did is not this person's business."""
    entry = replace(build_entry(OWN, bits=0), extra=("package_link", "requests"))
    assert not select_visible_part(build_names(OWN), entry).is_visible
    assert select_visible_part(build_names(OWN), replace(entry, at=UNTIL + 1)).is_visible
    assert select_visible_part(build_names(OWN), replace(entry, extra=("identityHistory",))).is_visible
    assert select_visible_part(build_names(OWN), build_entry(OWN, bits=0b01)).is_visible
    assert not select_visible_part(build_names(OWN), replace(entry, subjects={OWN: 0b10})).is_visible


@pytest.mark.parametrize("at", [SINCE - 1, UNTIL + 1])
def test_outside_the_shared_time_everything_under_the_own_pseudonym_is_visible(at: int) -> None:
    part = select_visible_part(build_names(OWN), build_entry(OWN, at))
    assert (part.attributes, part.extra) == (ENTRY.attributes, ENTRY.extra)
    assert not part.is_shared


def test_a_time_that_nobody_else_shared_limits_nothing() -> None:
    part = select_visible_part(build_names(OWN, is_shared=False), build_entry(OWN))
    assert part.attributes == ENTRY.attributes


def test_the_records_of_one_person_add_up() -> None:
    names = build_names(OTHER)
    phone = replace(names.periods[0], contents=frozenset({"contact.phone"}))
    part = select_visible_part(replace(names, periods=(*names.periods, phone)), build_entry(OTHER))
    assert part.attributes == ENTRY.attributes


def test_of_an_entry_outside_the_time_nothing_is_visible() -> None:
    part = select_visible_part(build_names(OTHER), build_entry(OTHER, UNTIL + 1))
    assert part.attributes == ()


def test_only_other_pseudonyms_are_searched_within_a_time() -> None:
    assert list_windows(build_names(OWN)) == [SubjectWindow(OWN)]
    assert list_windows(build_names(OTHER), slack_ms=5) == [
        SubjectWindow(OWN),
        SubjectWindow(OTHER, SINCE - 5, UNTIL + 5),
    ]


def test_a_client_received_what_it_got_under_the_own_pseudonym() -> None:
    """Also in a shared time: it knows the person by this name, and must be told of an erasure."""
    received = select_received_part(build_names(OWN), build_entry(OWN, bits=0b10))
    assert {"contact.phone", "event:search"} <= received.names
    assert received.pseudonyms == {OWN}


@pytest.mark.parametrize("at", [SINCE - READING_MAX_MS, UNTIL + READING_MAX_MS])
def test_a_client_received_what_the_own_records_had_under_another_pseudonym(at: int) -> None:
    """Also if its reading began before the merge, or ended after the split had begun."""
    received = select_received_part(build_names(OTHER), build_entry(OTHER, at))
    assert received.names == {"contact.email", "event:order"}
    assert not received.pseudonyms
    assert len(received.periods) == 1


def test_a_client_received_nothing_if_the_own_records_had_nothing() -> None:
    names = build_names(OTHER, frozenset({"contact.address.city"}))
    received = select_received_part(names, build_entry(OTHER))
    assert (received.names, received.periods) == (frozenset(), ())
