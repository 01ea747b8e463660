"""Expired values of a record, and values that arrive too late; the rest is as if they had never been sent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.retention_cut_off import compute_cut_offs
from discretion.domain.ingest.message import Fact
from discretion.domain.profiles.fold import fold_profile
from discretion.domain.profiles.person_state import find_jurisdictions
from discretion.domain.profiles.source_record import apply_fact, build_source_record
from discretion.domain.retention.expired_values import find_expired_values, remove_expired_values
from discretion.domain.retention.intake_filter import drop_expired
from discretion.law.load import load_lawbook
from discretion.law.model import UNKNOWN
from discretion.store.source_record import SourceRecord
from tests.fixtures.attribute_keys import KEYS
from tests.fixtures.clock import parse_ms
from tests.fixtures.event_digests import digest_event
from tests.unit.domain.ingest.messages import CATALOGUE, NOW, build_fact

VISITED = KEYS["store.visitedStores"]
UNDECLARED = "9999"


def encode_cell(key: bytes, observed: int, value: Any) -> bytes:
    """Encode a cell without encryption."""
    return json.dumps([key.decode(), observed, value]).encode()


def build_record(*facts: Fact) -> SourceRecord:
    """Build the record of these facts."""
    record = build_source_record(b"r", facts[0], b"c")
    for fact in facts:
        apply_fact(record, fact, CATALOGUE, encode_cell, digest_event(fact))
    return record


def build_identify_fact(day: str, received: int = NOW, **traits: Any) -> Fact:
    """Build the fact of traits that were sent on a day."""
    return build_fact(
        "web-shop", received=received, timestamp=day, traits=traits, messageId=f"{day}{sorted(traits)}"
    )


def build_purchase(day: str, store: str, received: int = NOW) -> Fact:
    """Build the fact of a purchase."""
    properties = {"order_id": day, "total": 1, "storeId": store}
    members: dict[str, Any] = {"type": "track", "event": "Order Completed", "properties": properties}
    return build_fact("tills", received=received, timestamp=day, messageId=day, userId="L-1", **members)


def remove_expired(record: SourceRecord, now: str) -> SourceRecord:
    """Return the record as it is when that time has come."""
    return remove_expired_values(
        record,
        find_expired_values(CATALOGUE, compute_cut_offs(CATALOGUE, parse_ms(now)), record, parse_ms(now)),
    )


@pytest.mark.parametrize(
    ("sent", "last_moment", "expired_at"),
    [
        ("2023-01-31T10:00Z", "2026-01-31T10:00", "2026-01-31T10:00:00.001"),
        ("2024-02-29T10:00Z", "2027-02-28T23:59:59.999", "2027-03-01T00:00"),
        ("2023-02-28T10:00Z", "2026-02-28T10:00", "2026-02-28T10:00:00.001"),
    ],
)
def test_a_value_expires_on_its_day_to_the_millisecond(sent: str, last_moment: str, expired_at: str) -> None:
    """Sent on a leap day for three years, it expires the day after the last of February."""
    record = build_record(build_identify_fact(sent, lastName="Lind"))
    assert remove_expired(record, last_moment) == record
    assert remove_expired(record, expired_at).cells == {}


@pytest.mark.parametrize(("now", "is_kept"), [("2026-02-28T10:00", True), ("2026-02-28T10:00:01", False)])
def test_thirteen_months_end_on_the_same_day_of_the_month(now: str, is_kept: bool) -> None:
    """A value of 28 January expires after 28 February of the next year."""
    viewed: dict[str, Any] = {
        "type": "track",
        "event": "Product Viewed",
        "properties": {"product_id": "p", "category": "c"},
    }
    record = build_record(build_fact("ios-app", timestamp="2025-01-28T10:00Z", **viewed))
    assert (KEYS["app.favouriteCategory"] in remove_expired(record, now).totals) is is_kept


def test_a_repeated_value_stays_with_the_rest_of_the_record() -> None:
    """Choices, identifiers and times of the record are not values."""
    context = {"consent": {"categoryPreferences": {"marketing": False}}}
    old_fact = build_fact(
        "web-shop", timestamp="2020-05-01", traits={"lastName": "Lind", "firstName": "M"}, context=context
    )
    new_fact = build_fact("web-shop", timestamp="2025-05-01", traits={"firstName": "Mara"}, messageId="m2")
    record = build_record(old_fact, new_fact)
    after = remove_expired(record, "2026-11-24")
    assert sorted(after.cells) == [KEYS["identity.givenName"]]
    assert replace(after, cells=record.cells) == record
    assert record.ambient_choices


def test_values_of_a_set_and_orders_expire_singly_and_other_totals_with_the_latest_event() -> None:
    """Three years after York and one after Leeds, York is removed; the first visit of both stays."""
    record = build_record(build_purchase("2014-05-01", "york"), build_purchase("2016-05-01", "leeds"))
    now = parse_ms("2017-05-02")
    after = remove_expired(record, "2017-05-02")
    assert [value for value, _ in after.totals[VISITED].value] == ["leeds"]
    single = dict.fromkeys((VISITED, KEYS["store.spend"], KEYS["store.favouriteStore"]))
    assert {**after.totals, **single} == {**record.totals, **single}
    assert find_expired_values(CATALOGUE, compute_cut_offs(CATALOGUE, now), record, now).counts == {
        "store.visitedStores": 1,
        "store.spend": 1,
        "store.favouriteStore": 1,
    }
    later = remove_expired(after, "2019-05-02").totals
    assert VISITED not in later
    orders = KEYS["commerce.orderCount"]
    assert fold_profile(CATALOGUE, [replace(record, totals=later)]).open[orders] == 2
    without_york = remove_expired(after, "2022-05-02")
    assert fold_profile(CATALOGUE, [without_york]).open[orders] == 1
    assert fold_profile(CATALOGUE, [without_york]).open[KEYS["commerce.lifetimeValue"]] == 100
    assert remove_expired(after, "2024-05-02").totals == {}


def test_a_childs_birth_date_stays_until_the_age_of_majority() -> None:
    """Its retention ends after three years, at the age of eleven; removal would end a protection."""
    record = build_record(
        build_identify_fact(
            "2020-03-01", received=parse_ms("2020-03-01"), birthday="2012-03-01", lastName="Lind"
        )
    )
    key = KEYS["demographics.birthDate"]
    assert sorted(remove_expired(record, "2024-01-01").cells) == [key]
    assert sorted(remove_expired(record, "2030-03-01T11:59").cells) == [key]
    assert remove_expired(record, "2030-03-01T12:00").cells == {}


@pytest.mark.parametrize("day", ["1970-01-01", "2020-03-01"])
def test_a_childs_birth_date_that_arrives_late_is_stored(day: str) -> None:
    """As if it had arrived in time; that of an adult is not, and nothing else of the message is."""
    key = KEYS["demographics.birthDate"]
    late_traits: dict[str, Any] = {"lastName": "Lind", "gender": "f"}
    cut_offs = compute_cut_offs(CATALOGUE, NOW)
    child = drop_expired(build_identify_fact(day, birthday="2012-03-01", **late_traits), cut_offs)
    assert [attribute.key for attribute, _ in child.values] == [key]
    assert (child.expired, child.is_expired) == (2, False)
    adult = drop_expired(build_identify_fact(day, birthday="1980-03-01", **late_traits), cut_offs)
    assert (adult.values, adult.expired, adult.is_expired) == ((), 3, True)


def test_an_undeclared_attribute_expires_with_the_longest_retention() -> None:
    """An attribute that was removed from the catalogue expires after eight years."""
    record = build_record(build_identify_fact("2018-06-01", lastName="Lind"))
    record.cells[UNDECLARED] = record.cells[KEYS["identity.familyName"]]
    assert sorted(remove_expired(record, "2026-05-31").cells) == [UNDECLARED]
    assert remove_expired(record, "2026-06-02").cells == {}


@given(
    st.lists(st.tuples(st.integers(2010, 2026), st.sampled_from("ab"), st.booleans()), min_size=1, max_size=8)
)
def test_removing_expired_values_equals_dropping_them_at_intake(sent: list[tuple[int, str, bool]]) -> None:
    """Cells after a sweep equal those of a record that received everything only then, in reverse order."""
    now = parse_ms("2026-11-24")
    cut_offs = compute_cut_offs(CATALOGUE, now)
    facts = []
    for number, (year, name, first) in enumerate(sent):
        traits: dict[str, Any] = {("firstName" if first else "lastName"): name}
        facts.append(replace(build_identify_fact(f"{year}-06-01", **traits), message_id=f"m{number}"))
    in_time = build_record(*facts)
    late = build_record(*(drop_expired(fact, cut_offs) for fact in reversed(facts)))
    assert (
        remove_expired_values(in_time, find_expired_values(CATALOGUE, cut_offs, in_time, now)).cells
        == late.cells
    )


def test_a_late_fact_keeps_only_identifiers_and_choices() -> None:
    """What is removed is counted and named; an event in time keeps its properties."""
    context = {"consent": {"categoryPreferences": {"marketing": False}}}
    fact = build_fact(
        "web-shop",
        timestamp="2019-01-01",
        traits={"lastName": "Lind", "email": "m@p.example"},
        context=context,
    )
    late = drop_expired(fact, compute_cut_offs(CATALOGUE, NOW))
    assert (late.values, late.expired, late.dropped, late.identifiers) == ((), 2, 0, fact.identifiers)
    assert [(part.code, part.place) for part in late.left_out] == [("RETENTION_OVER", "timestamp")]
    assert late.ambient_choices == fact.ambient_choices != {}
    viewed: dict[str, Any] = {"type": "track", "event": "Product Viewed", "properties": {"product_id": "p"}}
    late_event = drop_expired(
        build_fact("web-shop", timestamp="2024-01-01", **viewed), compute_cut_offs(CATALOGUE, NOW)
    )
    assert (late_event.event, late_event.expired) == (None, 1)
    fresh = build_fact("web-shop", timestamp="2026-09-01", **viewed)
    assert drop_expired(fresh, compute_cut_offs(CATALOGUE, NOW)) is fresh
    assert (late.is_expired, late_event.is_expired) == (False, True)


@pytest.mark.parametrize(
    ("day", "members", "expired"),
    [
        ("2010-01-01", {}, True),
        ("2026-01-01", {}, False),
        ("2019-01-01", {"traits": {"lastName": "Lind"}}, True),
        ("2019-01-01", {"traits": {"email": None}}, False),
        ("2019-01-01", {"traits": {"lastName": "Lind", "birthday": "1980-01-01"}}, True),
        ("2010-01-01", {"context": {"consent": {"categoryPreferences": {"marketing": False}}}}, False),
        ("2010-01-01", {"type": "consent", "purposes": {"marketing.communications.email": True}}, False),
    ],
)
def test_a_fact_is_expired_if_nothing_of_it_may_be_stored(
    day: str, members: dict[str, Any], expired: bool
) -> None:
    """An address that is stated to be gone, and any statement, may be stored."""
    fact = build_fact("web-shop", timestamp=day, **members)
    assert drop_expired(fact, compute_cut_offs(CATALOGUE, NOW)).is_expired is expired


def test_the_country_of_an_expired_address_stays_for_the_jurisdiction() -> None:
    """Expiry gives a person no laxer law; the exact place protects no one and is removed."""
    record = build_record(
        build_identify_fact("2020-01-01", address={"country": "US", "state": "TX"}, residence="US-TX")
    )
    expired = remove_expired(record, "2024-01-02")
    assert expired.cells == {}
    assert expired.place is not None
    assert expired.place.country == "US"
    lawbook = load_lawbook(None, CATALOGUE)
    assert find_jurisdictions(CATALOGUE, lawbook.find_key_of_place, [record]) == ("us-tx",)
    assert find_jurisdictions(CATALOGUE, lawbook.find_key_of_place, [expired]) == (UNKNOWN,)
