"""What of a record has lapsed, and what comes too late; what is left is as if it had never been told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.retention_cut_off import cut_offs
from discretion.domain.ingest.message import Fact
from discretion.domain.profiles.person_state import laws_of
from discretion.domain.profiles.source_record import empty, tell
from discretion.domain.retention.expired_values import due, without
from discretion.domain.retention.intake_filter import timely
from discretion.law.load import load as load_law
from discretion.law.model import UNKNOWN
from tests.fixtures.clock import ms
from tests.unit.domain.ingest.messages import CATALOGUE, NOW, heard

VISITED = "store/visitedStores"


def seal(key: bytes, observed: int, value: Any) -> bytes:
    """A cell anybody can read."""
    return json.dumps([key.decode(), observed, value]).encode()


def record(*told: Fact) -> dict[str, Any]:
    """The record of these facts."""
    made = empty(b"r", told[0], b"c")
    for fact in told:
        tell(made, fact, CATALOGUE, seal)
    return made


def named(day: str, received: int = NOW, **traits: Any) -> Fact:
    """What was told on a day."""
    return heard(
        "web-shop", received=received, timestamp=day, traits=traits, messageId=f"{day}{sorted(traits)}"
    )


def bought(day: str, store: str, received: int = NOW) -> Fact:
    """A purchase."""
    properties = {"order_id": day, "total": 1, "storeId": store}
    told: dict[str, Any] = {"type": "track", "event": "Order Completed", "properties": properties}
    return heard("tills", received=received, timestamp=day, messageId=day, userId="L-1", **told)


def left(made: dict[str, Any], now: str) -> dict[str, Any]:
    """The record when that time has come."""
    return without(made, due(CATALOGUE, cut_offs(CATALOGUE, ms(now)), made, ms(now)))


@pytest.mark.parametrize(
    ("told", "kept", "gone"),
    [
        ("2023-01-31T10:00Z", "2026-01-31T10:00", "2026-01-31T10:00:00.001"),
        ("2024-02-29T10:00Z", "2027-02-28T23:59:59.999", "2027-03-01T00:00"),
        ("2023-02-28T10:00Z", "2026-02-28T10:00", "2026-02-28T10:00:00.001"),
    ],
)
def test_a_value_lapses_on_its_day_to_the_millisecond(told: str, kept: str, gone: str) -> None:
    """Told on a leap day for three years, it lapses the day after the last of February."""
    made = record(named(told, lastName="Lind"))
    assert left(made, kept) == made
    assert left(made, gone)["cells"] == {}


@pytest.mark.parametrize(("now", "kept"), [("2026-02-28T10:00", True), ("2026-02-28T10:00:01", False)])
def test_thirteen_months_from_the_last_of_january(now: str, kept: bool) -> None:
    """They are over at the end of a February that has no such day."""
    viewed: dict[str, Any] = {
        "type": "track",
        "event": "Product Viewed",
        "properties": {"product_id": "p", "category": "c"},
    }
    made = record(heard("ios-app", timestamp="2025-01-28T10:00Z", **viewed))
    assert ("app/favouriteCategory" in left(made, now)["folds"]) is kept


def test_what_is_told_again_stays_and_the_rest_of_the_record_with_it() -> None:
    """Choices, ids and times of the record are no values."""
    said = {"consent": {"categoryPreferences": {"marketing": False}}}
    old = heard(
        "web-shop", timestamp="2020-05-01", traits={"lastName": "Lind", "firstName": "M"}, context=said
    )
    new = heard("web-shop", timestamp="2025-05-01", traits={"firstName": "Mara"}, messageId="m2")
    made = record(old, new)
    after = left(made, "2026-11-24")
    assert sorted(after["cells"]) == ["identity/givenName"]
    assert {**after, "cells": made["cells"]} == made
    assert made["choices"]


def test_of_a_set_each_value_lapses_by_itself_and_a_total_with_its_latest_event() -> None:
    """Three years after York and one after Leeds, York is gone; the first visit of both stays."""
    made = record(bought("2014-05-01", "york"), bought("2016-05-01", "leeds"))
    now = ms("2017-05-02")
    after = left(made, "2017-05-02")
    assert [value for value, _ in after["folds"][VISITED]["n"]] == ["leeds"]
    assert {**after["folds"], VISITED: None} == {**made["folds"], VISITED: None}
    assert due(CATALOGUE, cut_offs(CATALOGUE, now), made, now).values == {VISITED: 1}
    later = left(after, "2019-05-02")["folds"]
    assert VISITED not in later
    assert later["commerce/orderCount"]["n"] == 2
    assert left(after, "2024-05-02")["folds"] == {}


def test_a_birth_date_that_makes_a_child_stays_until_they_are_of_age() -> None:
    """Told at eight; three years later it is past its retention, and forgetting it would end a protection."""
    made = record(named("2020-03-01", received=ms("2020-03-01"), birthday="2012-03-01", lastName="Lind"))
    key = "demographics/birthDate"
    assert sorted(left(made, "2024-01-01")["cells"]) == [key]
    assert sorted(left(made, "2030-03-01T11:59")["cells"]) == [key]
    assert left(made, "2030-03-01T12:00")["cells"] == {}


def test_what_no_catalogue_names_goes_with_the_longest() -> None:
    """An attribute that left the catalogue, after eight years."""
    made = record(named("2018-06-01", lastName="Lind"))
    made["cells"]["contact/fax"] = made["cells"]["identity/familyName"]
    assert sorted(left(made, "2026-05-31")["cells"]) == ["contact/fax"]
    assert left(made, "2026-06-02")["cells"] == {}


@given(
    st.lists(st.tuples(st.integers(2010, 2026), st.sampled_from("ab"), st.booleans()), min_size=1, max_size=8)
)
def test_told_in_time_and_deleted_is_as_told_too_late(told: list[tuple[int, str, bool]]) -> None:
    """Cells after a sweep are those of a record that was told everything only then, in the other order."""
    now = ms("2026-11-24")
    cuts = cut_offs(CATALOGUE, now)
    facts = []
    for n, (year, name, first) in enumerate(told):
        traits: dict[str, Any] = {("firstName" if first else "lastName"): name}
        facts.append(replace(named(f"{year}-06-01", **traits), message=f"m{n}"))
    in_time = record(*facts)
    late = record(*(timely(one, cuts) for one in reversed(facts)))
    assert without(in_time, due(CATALOGUE, cuts, in_time, now))["cells"] == late["cells"]


def test_too_late_a_fact_says_who_and_what_they_chose_and_nothing_else() -> None:
    """What is dropped is counted; an event that comes in time keeps its properties."""
    said = {"consent": {"categoryPreferences": {"marketing": False}}}
    told = heard(
        "web-shop", timestamp="2019-01-01", traits={"lastName": "Lind", "email": "m@p.example"}, context=said
    )
    late = timely(told, cut_offs(CATALOGUE, NOW))
    assert (late.values, late.dropped, late.identifiers) == ((), 2, told.identifiers)
    assert late.choices == told.choices != {}
    viewed: dict[str, Any] = {"type": "track", "event": "Product Viewed", "properties": {"product_id": "p"}}
    old = timely(heard("web-shop", timestamp="2024-01-01", **viewed), cut_offs(CATALOGUE, NOW))
    assert (old.event, old.dropped) == (None, 1)
    fresh = heard("web-shop", timestamp="2026-09-01", **viewed)
    assert timely(fresh, cut_offs(CATALOGUE, NOW)) is fresh


def test_of_an_address_that_lapses_the_country_stays_where_the_law_follows_from_it() -> None:
    """Nobody is protected by a laxer law for being forgotten; and nobody is by an exact place."""
    made = record(named("2020-01-01", address={"country": "US", "state": "TX"}, residence="US-TX"))
    lapsed = left(made, "2024-01-02")
    assert lapsed["cells"] == {}
    assert lapsed["place"]["c"] == "US"
    book = load_law(None, CATALOGUE)
    assert laws_of(book.of_place, [made]) == ("us-tx",)
    assert laws_of(book.of_place, [lapsed]) == (UNKNOWN,)
