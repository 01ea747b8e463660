"""Records and profiles are folds that do not care about order or repetition (promise 8)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import bson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.catalogue.load import load
from discretion.catalogue.model import CORRECTIONS, Attribute, Catalogue, Computed, Fold, Source, ValueType
from discretion.domain.ingest.message import Fact, Happening, Identifier
from discretion.domain.profiles.fold import fold
from discretion.domain.profiles.person_state import state_of
from discretion.domain.profiles.source_record import MAX_DISTINCT, empty, tell
from discretion.law.model import UNKNOWN
from discretion.purpose.permissions import permitted
from discretion.seal.redacted import Shut
from tests.fixtures.law import LAW
from tests.fixtures.recomputed_attributes import Happened, scratch

CATALOGUE = load(None)
PERSON = Identifier("user_id", Shut("u1"))
NOW = 1_790_000_000_000
PLAIN = [
    one
    for one in CATALOGUE.attributes.values()
    if one.computed is None and one.identifier is None and one.type is ValueType.STRING and not one.many
]
EVENTS = sorted(CATALOGUE.events)
SAMPLE = {
    ValueType.STRING: st.sampled_from(["a", "b", "c"]),
    ValueType.INT: st.integers(0, 3),
    ValueType.FLOAT: st.sampled_from([0.5, 2.0]),
    ValueType.BOOLEAN: st.booleans(),
    ValueType.DATE: st.just("2020-01-01"),
    ValueType.DATETIME: st.integers(0, 9),
    ValueType.MONEY: st.integers(-500, 5000),
}


def seal(key: bytes, observed: int, value: Any) -> bytes:
    """A cell anybody can read."""
    return json.dumps([key.decode(), observed, value]).encode()


@st.composite
def facts(draw: st.DrawFn, source: str = "web-shop") -> Fact:
    """A message with values, choices and perhaps an event; few times, so that there are ties."""
    values = draw(st.dictionaries(st.sampled_from(PLAIN), st.sampled_from(["x", "y", "z"]), max_size=3))
    event = None
    if draw(st.booleans()):
        kind = CATALOGUE.events[draw(st.sampled_from(EVENTS))]
        properties = {one.name: draw(SAMPLE[one.type]) for one in kind.properties if not one.many}
        event = Happening(kind, Shut(properties))
    return Fact(
        source=CATALOGUE.sources[source],
        message=draw(st.uuids()).hex,
        at=draw(st.integers(0, 5)),
        received=NOW,
        identifiers=(PERSON,),
        values=tuple((attribute, Shut(value)) for attribute, value in values.items()),
        choices=draw(st.dictionaries(st.sampled_from(sorted(CATALOGUE.purposes)), st.booleans(), max_size=3)),
        event=event,
    )


def record(told: Sequence[Fact], name: bytes = b"r", catalogue: Catalogue = CATALOGUE) -> dict[str, Any]:
    """The record after these messages, each told when it is met first."""
    made = empty(name, told[0], b"c")
    seen: set[str] = set()
    for fact in told:
        if fact.message not in seen:
            tell(made, fact, catalogue, seal)
        seen.add(fact.message)
    return made


@given(st.lists(facts(), min_size=1, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_a_record_does_not_care_about_order_or_repetition(told: list[Fact], random: Random) -> None:
    """Shuffled and told again, byte for byte the same."""
    again = [*told, *(one for one in told if random.random() < 0.5)]
    random.shuffle(again)
    assert json.dumps(record(again), sort_keys=True, default=repr) == json.dumps(
        record(told), sort_keys=True, default=repr
    )


@given(
    st.lists(facts("web-shop"), min_size=1, max_size=4),
    st.lists(facts("tills"), min_size=1, max_size=4),
    st.lists(facts("ios-app"), min_size=1, max_size=4),
    st.permutations([0, 1, 2]),
)
@settings(max_examples=150)
def test_a_profile_does_not_care_about_the_order_of_its_records(
    web: list[Fact], tills: list[Fact], app: list[Fact], order: list[int]
) -> None:
    """Which source spoke first is nothing; what it said, and when, is all."""
    records = [record(web, b"w"), record(tills, b"t"), record(app, b"a")]
    one = fold(CATALOGUE, records)
    two = fold(CATALOGUE, [records[position] for position in order])
    assert one == two
    assert list(one.sealed) == sorted(one.sealed)


@given(st.lists(facts(), min_size=1, max_size=8), st.integers(0, 8))
@settings(max_examples=150)
def test_computed_attributes_do_not_care_how_events_are_spread_over_records(
    told: list[Fact], cut: int
) -> None:
    """One loyalty card or two: the same number of orders, the same sum, the same first and last."""
    parts = [part for part in (told[:cut], told[cut:]) if part]
    whole = fold(CATALOGUE, [record(told)])
    split = fold(CATALOGUE, [record(part, bytes([n])) for n, part in enumerate(parts)])
    for attribute in CATALOGUE.attributes.values():
        if attribute.computed is not None:
            assert whole.open.get(attribute.key) == split.open.get(attribute.key), attribute.path


def said(source: Source, at: int, value: str, attribute: Attribute = PLAIN[0]) -> dict[str, Any]:
    """A record in which a source said one thing."""
    name = f"{source.key}{at}"
    return record([Fact(source, name, at, NOW, (PERSON,), ((attribute, Shut(value)),))], name.encode())


def believed(*records: dict[str, Any], attribute: Attribute = PLAIN[0]) -> list[str]:
    """Whose word the profile of these records has, and in which message."""
    return fold(CATALOGUE, records).provenance[attribute.key]


WEB, TILLS = CATALOGUE.sources["web-shop"], CATALOGUE.sources["tills"]


def test_the_source_with_priority_is_believed_then_the_later_word() -> None:
    """What somebody typed goes before what was typed for them, however late that comes."""
    assert believed(said(WEB, 1, "own"), said(TILLS, 9, "typed")) == ["web-shop", "web-shop1"]
    assert believed(said(WEB, 1, "old"), said(WEB, 2, "new")) == ["web-shop", "web-shop2"]
    gone = {**said(TILLS, 9, "x"), "source": "closed-shop"}
    assert believed(said(TILLS, 1, "typed"), gone) == ["tills", "tills1"]


def test_a_correction_is_believed_before_every_source_and_stays() -> None:
    """Sources send again and again; only a later correction replaces it."""
    corrected = said(CORRECTIONS, 5, "right")
    assert believed(said(WEB, 9, "wrong"), corrected, said(TILLS, 9, "wrong")) == ["self", "self5"]
    assert believed(said(WEB, 9, "wrong"), corrected, said(CORRECTIONS, 6, "better")) == ["self", "self6"]
    tier = CATALOGUE.attributes["commerce.loyaltyTier"]
    told = said(TILLS, 9, "gold", tier), said(CORRECTIONS, 1, "bronze", tier)
    assert believed(*told, attribute=tier) == ["self", "self1"]


def test_an_attribute_may_believe_sources_in_its_own_order() -> None:
    """The tills keep the books of the loyalty programme; others follow by their priority."""
    tier = CATALOGUE.attributes["commerce.loyaltyTier"]
    assert tier.precedence == ("tills",)
    assert WEB.priority < TILLS.priority
    app = CATALOGUE.sources["ios-app"]
    books, page, phone = said(TILLS, 1, "gold", tier), said(WEB, 9, "gold", tier), said(app, 5, "gold", tier)
    assert believed(page, books, phone, attribute=tier) == ["tills", "tills1"]
    assert believed(page, phone, attribute=tier) == ["web-shop", "web-shop9"]


@given(
    st.lists(st.tuples(st.sampled_from([*CATALOGUE.sources, "self", "gone"]), st.integers(0, 3)), min_size=1),
    st.sampled_from([PLAIN[0], CATALOGUE.attributes["commerce.loyaltyTier"]]),
    st.randoms(use_true_random=False),
)
@settings(max_examples=150)
def test_nobody_goes_before_the_one_who_is_believed(
    heard: list[tuple[str, int]], attribute: Attribute, random: Random
) -> None:
    """Correction, the attribute's own order, priority, time, message: whoever is heard first."""
    words = [(source, {"t": at, "m": f"m{n}"}) for n, (source, at) in enumerate(heard)]
    blank = empty(b"r", Fact(WEB, "m", 0, NOW, (PERSON,)), b"c")
    records = [
        {**blank, "_id": bytes([n]), "source": source, "cells": {attribute.key: {**cell, "v": n}}}
        for n, (source, cell) in enumerate(words)
    ]

    def rank(source: str, cell: dict[str, Any]) -> tuple[Any, ...]:
        own = [CORRECTIONS.key, *attribute.precedence]
        known = CATALOGUE.sources.get(source)
        return (
            -own.index(source) if source in own else -len(own),
            -known.priority if known else -(10**9),
            cell["t"],
            cell["m"],
        )

    source, cell = max(words, key=lambda word: rank(*word))
    for _ in range(3):
        assert believed(*records, attribute=attribute) == [source, cell["m"]]
        random.shuffle(records)


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_a_refusal_wins_a_tie(order: tuple[bool, bool]) -> None:
    """Yes and no at the same moment is no, whichever is met first."""
    consent = next(key for key, one in CATALOGUE.purposes.items() if one.basis.value == "consent")
    told = [
        Fact(CATALOGUE.sources["web-shop"], f"m{n}", 5, NOW, (PERSON,), choices={consent: given_})
        for n, given_ in enumerate(order)
    ]
    made = record(told)
    assert [one["g"] for one in made["choices"].values()] == [False]
    bit = 1 << CATALOGUE.purposes[consent].bit
    state = state_of(CATALOGUE, lambda _country, _region: UNKNOWN, [made])
    assert not permitted(CATALOGUE, LAW, state, NOW).allow & bit


def over(name: str, type_: ValueType, rule: Computed) -> Attribute:
    """A computed attribute that the shipped catalogue does not have."""
    base = CATALOGUE.attributes["commerce.lifetimeValue"]
    return replace(base, path=f"commerce.{name}", type=type_, computed=rule, many=rule.fold is Fold.SET)


MORE = (
    over("pieces", ValueType.INT, Computed(Fold.SUM, ("Order Completed",), "quantity")),
    over("totals", ValueType.MONEY, Computed(Fold.SET, ("Order Completed", "Order Refunded"), "total")),
    over("products", ValueType.STRING, Computed(Fold.SET, ("Order Completed",), "product_ids")),
    over("latestTotal", ValueType.MONEY, Computed(Fold.LAST, ("Order Completed",), "total")),
    over("firstReason", ValueType.STRING, Computed(Fold.FIRST, ("Order Refunded",), "reason")),
)
WIDE = replace(CATALOGUE, attributes={**CATALOGUE.attributes, **{one.path: one for one in MORE}})
COMPUTED = [one for one in WIDE.attributes.values() if one.computed is not None]
AMOUNTS = st.integers(-3, 3) | st.sampled_from([2**31 - 1, -(2**31), 2**53 - 1, 2**62, 10**17])


@st.composite
def happenings(draw: st.DrawFn) -> Fact:
    """A message about an event; few times and values, and now and then a huge amount."""
    source = CATALOGUE.sources[draw(st.sampled_from(["web-shop", "tills", "ios-app"]))]
    kind = CATALOGUE.events[draw(st.sampled_from(["Order Completed"] * 3 + EVENTS))]
    properties: dict[str, Any] = {}
    for one in kind.properties:
        plain = AMOUNTS if one.type in {ValueType.MONEY, ValueType.INT} else SAMPLE[one.type]
        if one.required or draw(st.booleans()):
            properties[one.name] = draw(st.lists(plain, max_size=3) if one.many else plain)
    event = Happening(kind, Shut(properties))
    return Fact(source, draw(st.uuids()).hex, draw(st.integers(0, 5)), NOW, (PERSON,), event=event)


@given(st.lists(happenings(), min_size=1, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_running_totals_are_what_all_events_come_to(told: list[Fact], random: Random) -> None:
    """Told one by one, late and twice, to a record for each source: as if worked out from scratch."""
    events = [
        Happened(one.event.type.key, one.source.channel, one.at, one.event.properties.value)
        for one in told
        if one.event is not None
    ]
    again = [*told, *(one for one in told if random.random() < 0.5)]
    random.shuffle(again)
    by_source: dict[str, list[Fact]] = {}
    for fact in again:
        by_source.setdefault(fact.source.key, []).append(fact)
    records = [record(part, name.encode(), WIDE) for name, part in by_source.items()]
    profile = fold(WIDE, records)
    for attribute in COMPUTED:
        assert profile.open.get(attribute.key) == scratch(attribute, events), attribute.path


def seen(values: Sequence[tuple[int, str]], parts: int = 1) -> list[str]:
    """Which stores a person visited, after purchases at these times, spread over records."""
    attribute = CATALOGUE.attributes["store.visitedStores"]
    told: list[list[Fact]] = [[] for _ in range(parts)]
    for number, (at, store) in enumerate(values):
        event = Happening(CATALOGUE.events["Order Completed"], Shut({"storeId": store}))
        told[number % parts].append(Fact(TILLS, f"m{number}", at, NOW, (PERSON,), event=event))
    records = [record(part, bytes([n])) for n, part in enumerate(told) if part]
    found: list[str] = fold(CATALOGUE, records).open[attribute.key]
    return found


@given(st.randoms(use_true_random=False), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_a_set_keeps_the_hundred_seen_last(random: Random, parts: int) -> None:
    """In whatever order they are told, and over however many records."""
    visits = [(random.randrange(60), f"store {number % 130:03}") for number in range(300)]
    kept = seen(visits, parts)
    latest = {store: max(at for at, other in visits if other == store) for _, store in visits}
    assert kept == sorted(sorted(latest, key=lambda store: (-latest[store], store))[:MAX_DISTINCT])
    random.shuffle(visits)
    assert seen(visits, parts) == kept


def test_a_total_that_its_type_cannot_say_is_left_out_and_comes_back() -> None:
    """No wrong number, and no message that can never be taken in: the record stays exact past 64 bits."""
    pieces, spent = MORE[0], CATALOGUE.attributes["commerce.lifetimeValue"]

    def after(*orders: tuple[int, int]) -> dict[str, Any]:
        facts_ = [
            Fact(
                WEB,
                f"m{number}",
                number,
                NOW,
                (PERSON,),
                event=Happening(
                    CATALOGUE.events["Order Completed"], Shut({"total": total, "quantity": quantity})
                ),
            )
            for number, (total, quantity) in enumerate(orders)
        ]
        made = record(facts_, b"r", WIDE)
        bson.encode(made)
        return dict(fold(WIDE, [made]).open)

    huge = (10**17, 2**31 - 1)
    assert after(huge) == {**after(huge), pieces.key: 2**31 - 1}
    told = after(*[huge] * 200)
    assert pieces.key not in told
    assert spent.key not in told
    back = after(*[huge] * 200, *[(-(10**17), 1 - 2**31)] * 200)
    assert (back[pieces.key], back[spent.key]) == (0, 0)
