"""Last and most frequent values use each event once, in any order and split into records."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.catalogue.computation import Computation, Fold
from discretion.domain.profiles import distinct_values
from discretion.domain.profiles.distinct_values import add_value, combine_values, drop_values_before
from discretion.domain.profiles.fold import fold_profile
from discretion.domain.profiles.source_record import apply_fact, build_source_record
from discretion.store.source_record import SourceRecord
from tests.fixtures.clock import parse_ms
from tests.fixtures.event_digests import digest_event
from tests.fixtures.examples import scale_examples
from tests.unit.domain.ingest.messages import CATALOGUE, build_fact

LAST, MOST_FREQUENT = (Computation(fold, is_distinct=True) for fold in (Fold.LAST, Fold.MOST_FREQUENT))
Sent = tuple[int, int, str]
"""Number of the event, time (ms) and value."""
SENT = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 30), st.sampled_from("abc")), min_size=1, max_size=40
)


def add_values(rule: Computation, sent: list[Sent]) -> list[Any]:
    entries: list[Any] = []
    for number, at, value in sent:
        entries = add_value(entries, rule, bytes([number]), at, value)
    return entries


def test_an_order_that_is_sent_again_is_no_later_and_no_second_order() -> None:
    """A page that is loaded again, and the server that reports the order of the page."""
    orders = [
        ("o-1", "2026-05-01", "card", "web-shop"),
        ("o-2", "2026-05-03", "cash", "web-shop"),
        ("o-3", "2026-05-02", "cash", "web-shop"),
        *(
            ("o-1", f"2026-05-{day}", "card", source)
            for day in (10, 11)
            for source in ("web-shop", "ios-app")
        ),
    ]
    records: dict[str, SourceRecord] = {}
    for number, (order, day, method, source) in enumerate(orders):
        properties = {"order_id": order, "total": 1, "payment_method": method}
        message: dict[str, Any] = {"type": "track", "event": "Order Completed", "properties": properties}
        fact = build_fact(source, timestamp=day, messageId=f"m{number}", **message)
        record = records.setdefault(source, build_source_record(source.encode(), fact, b"c"))
        apply_fact(record, fact, CATALOGUE, lambda *_: b"", digest_event(fact))
    values = fold_profile(CATALOGUE, list(records.values())).open
    attributes = {attribute.path: values.get(attribute.key) for attribute in CATALOGUE.attributes.values()}
    assert attributes["commerce.firstOrderAt"] == parse_ms("2026-05-01")
    assert attributes["commerce.lastOrderAt"] == parse_ms("2026-05-03")
    assert attributes["commerce.paymentMethod"] == "cash"


@given(SENT, st.randoms(use_true_random=False), st.integers(0, 40), st.sampled_from([LAST, MOST_FREQUENT]))
@settings(max_examples=scale_examples(100))
def test_neither_order_nor_repetition_nor_a_split_changes_a_value(
    sent: list[Sent], random: Random, cut: int, rule: Computation
) -> None:
    entries = add_values(rule, sent)
    resent = [*sent, *(each for each in sent if random.random() < 0.5)]
    random.shuffle(resent)
    assert add_values(rule, resent) == entries
    parts = [add_values(rule, part) for part in (resent[:cut], resent[cut:]) if part]
    assert combine_values(rule, parts) == combine_values(rule, [entries])
    remaining, dropped = drop_values_before(entries, 15)
    assert len(remaining) + dropped == len(entries)
    assert all(at >= 15 for _, at, _ in remaining)


def test_a_total_has_the_latest_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct_values, "MAX_EVENTS", 2)
    assert add_values(MOST_FREQUENT, [(1, 3, "a"), (2, 1, "b"), (3, 2, "c")]) == [
        [b"\x01", 3, "a"],
        [b"\x03", 2, "c"],
    ]
