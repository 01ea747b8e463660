"""Counts and sums of distinct events: bounded, and the same in any order and split into records."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.catalogue.load import load_catalogue
from discretion.domain.ingest.event_digests import EVENT_ITSELF
from discretion.domain.ingest.message import ReceivedEvent
from discretion.domain.profiles import distinct_events
from discretion.domain.profiles.distinct_events import add_event, combine_events, drop_events_before
from discretion.seal.redacted import Redacted
from tests.fixtures.examples import scale_examples

CATALOGUE = load_catalogue(None)
SPEND = CATALOGUE.attributes["commerce.spendByCurrency"]
COUNT = CATALOGUE.attributes["commerce.orderCount"]
LIMIT = 20
SentOrder = tuple[int, int, int]
"""Number of the order, time (ms) and minor units."""


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A total with few events, so that tests exceed it."""
    monkeypatch.setattr(distinct_events, "MAX_EVENTS", LIMIT)


def add_orders(orders: list[SentOrder]) -> bytes:
    """Return the total of a record after these orders."""
    rule = SPEND.computed
    assert rule is not None
    entries = b""
    for number, at, minor in orders:
        event = ReceivedEvent(CATALOGUE.events["Order Completed"], Redacted({"total": [minor, "EUR"]}))
        digest = number.to_bytes(8)
        entries = add_event(entries, rule, event, at, {"order_id": digest, EVENT_ITSELF: digest})
    return entries


def find_latest(orders: list[SentOrder]) -> dict[int, tuple[int, int]]:
    """Return time and minor units of the latest message about each order."""
    return {
        number: max((at, minor) for other, at, minor in orders if other == number) for number, _, _ in orders
    }


ORDERS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 30), st.integers(0, 5)), min_size=1, max_size=120
)


@given(ORDERS, st.randoms(use_true_random=False))
@settings(max_examples=scale_examples(100))
def test_a_total_has_the_latest_orders_in_any_order(orders: list[SentOrder], random: Random) -> None:
    """Beyond its limit, it is the total of the orders that were sent about last."""
    entries = add_orders(orders)
    resent = [*orders, *(sent for sent in orders if random.random() < 0.5)]
    random.shuffle(resent)
    assert add_orders(resent) == entries
    latest = find_latest(orders)
    kept = sorted(((*value, number) for number, value in latest.items()), reverse=True)[:LIMIT]
    assert combine_events(SPEND, CATALOGUE.money.rates, [entries]) == [
        [sum(minor for _, minor, _ in kept), "EUR"]
    ]
    assert combine_events(COUNT, CATALOGUE.money.rates, [entries]) == len(kept)


@given(ORDERS.filter(lambda orders: len({number for number, _, _ in orders}) <= LIMIT), st.integers(0, 120))
@settings(max_examples=scale_examples(100))
def test_a_split_into_records_changes_nothing(orders: list[SentOrder], cut: int) -> None:
    """The same order in two records counts once; each record alone has its own."""
    parts = [add_orders(orders[:cut]), add_orders(orders[cut:])]
    joined = combine_events(SPEND, CATALOGUE.money.rates, [add_orders(orders)])
    assert combine_events(SPEND, CATALOGUE.money.rates, parts) == joined
    assert combine_events(SPEND, CATALOGUE.money.rates, parts[::-1]) == joined


@given(ORDERS, st.integers(0, 31))
@settings(max_examples=scale_examples(50))
def test_events_before_a_time_are_dropped(orders: list[SentOrder], cut_off: int) -> None:
    """Dropping and adding may be done in either order."""
    entries, count = drop_events_before(add_orders(orders), cut_off)
    later, _ = drop_events_before(add_orders(orders[::-1]), cut_off)
    assert entries == later
    assert count == sum(at < cut_off for at, _ in _list_entries(orders))
    assert drop_events_before(entries, cut_off) == (entries, 0)


def _list_entries(orders: list[SentOrder]) -> list[tuple[int, int]]:
    ranked = sorted(((*value, number) for number, value in find_latest(orders).items()), reverse=True)[:LIMIT]
    return [(at, minor) for at, minor, _ in ranked]
