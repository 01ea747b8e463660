"""Source records and profiles are folds that do not depend on order or repetition (promise 8)."""

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

from discretion.catalogue.computation import Computation, Fold
from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Attribute, Catalogue, Source, ValueType
from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.domain.ingest.message import ExternalIdentifier, Fact, ReceivedEvent
from discretion.domain.profiles.fold import find_profile_messages, fold_profile
from discretion.domain.profiles.person_state import build_person_state
from discretion.domain.profiles.source_record import MAX_DISTINCT, apply_fact, build_source_record
from discretion.law.model import UNKNOWN
from discretion.purpose.permissions import compute_permitted_bits
from discretion.seal.redacted import Redacted
from discretion.store.source_record import Cell, SourceRecord
from discretion.store.source_record_codec import build_record_document
from tests.fixtures.event_digests import digest_event
from tests.fixtures.examples import scale_examples
from tests.fixtures.law import LAW
from tests.fixtures.recomputed_attributes import PastEvent, recompute_attribute

CATALOGUE = load_catalogue(None)
PERSON = ExternalIdentifier("user_id", Redacted("u1"))
NOW = 1_790_000_000_000
PLAIN_ATTRIBUTES = [
    attribute
    for attribute in CATALOGUE.attributes.values()
    if attribute.computed is None
    and attribute.identifier is None
    and attribute.type is ValueType.STRING
    and not attribute.many
]
EVENT_KEYS = sorted(CATALOGUE.events)
SAMPLE_VALUES = {
    ValueType.STRING: st.sampled_from(["a", "b", "c"]),
    ValueType.INT: st.integers(0, 3),
    ValueType.FLOAT: st.sampled_from([0.5, 2.0]),
    ValueType.BOOLEAN: st.booleans(),
    ValueType.DATE: st.just("2020-01-01"),
    ValueType.DATETIME: st.integers(0, 9),
    ValueType.OBJECT: st.just({"name": "a"}),
    ValueType.MONEY: st.tuples(st.integers(-500, 5000), st.sampled_from(["EUR", "JPY", "KWD"])).map(list),
}


def encode_cell(key: bytes, observed: int, value: Any) -> bytes:
    """Encode a cell without encryption."""
    return json.dumps([key.decode(), observed, value]).encode()


@st.composite
def fact_strategy(draw: st.DrawFn, source: str = "web-shop") -> Fact:
    """Messages with values, choices and perhaps an event, at few different times, so that there are ties."""
    values = draw(
        st.dictionaries(st.sampled_from(PLAIN_ATTRIBUTES), st.sampled_from(["x", "y", "z"]), max_size=3)
    )
    event = None
    if draw(st.booleans()):
        event_type = CATALOGUE.events[draw(st.sampled_from(EVENT_KEYS))]
        properties = {
            event_property.name: draw(SAMPLE_VALUES[event_property.type])
            for event_property in event_type.properties
            if not event_property.many
        }
        event = ReceivedEvent(event_type, Redacted(properties))
    return Fact(
        source=CATALOGUE.sources[source],
        message_id=draw(st.uuids()).hex,
        at=draw(st.integers(0, 5)),
        received=NOW,
        identifiers=(PERSON,),
        values=tuple((attribute, Redacted(value)) for attribute, value in values.items()),
        ambient_choices=draw(
            st.dictionaries(st.sampled_from(sorted(CATALOGUE.purposes)), st.booleans(), max_size=3)
        ),
        event=event,
    )


def build_record(
    facts: Sequence[Fact], record_id: bytes = b"r", catalogue: Catalogue = CATALOGUE
) -> SourceRecord:
    """Build the record of these facts; a repeated message counts once."""
    record = build_source_record(record_id, facts[0], b"c")
    fold_visited_stores: set[str] = set()
    for fact in facts:
        if fact.message_id not in fold_visited_stores:
            apply_fact(record, fact, catalogue, encode_cell, digest_event(fact))
        fold_visited_stores.add(fact.message_id)
    return record


def encode_record(record: SourceRecord) -> str:
    """Return the stored document as text, with sorted members."""
    return json.dumps(build_record_document(record), sort_keys=True, default=repr)


@given(st.lists(fact_strategy(), min_size=1, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=scale_examples(200))
def test_a_record_does_not_depend_on_order_or_repetition(facts: list[Fact], random: Random) -> None:
    """Shuffled and repeated facts give the same record, byte for byte."""
    repeated = [*facts, *(fact for fact in facts if random.random() < 0.5)]
    random.shuffle(repeated)
    assert encode_record(build_record(repeated)) == encode_record(build_record(facts))


@given(
    st.lists(fact_strategy("web-shop"), min_size=1, max_size=4),
    st.lists(fact_strategy("tills"), min_size=1, max_size=4),
    st.lists(fact_strategy("ios-app"), min_size=1, max_size=4),
    st.permutations([0, 1, 2]),
)
@settings(max_examples=scale_examples(150))
def test_a_profile_does_not_depend_on_the_order_of_its_records(
    web: list[Fact], tills: list[Fact], app: list[Fact], order: list[int]
) -> None:
    """Only values and their times count, not which source sent first."""
    records = [build_record(web, b"w"), build_record(tills, b"t"), build_record(app, b"a")]
    profile = fold_profile(CATALOGUE, records)
    reordered = fold_profile(CATALOGUE, [records[position] for position in order])
    assert profile == reordered
    assert list(profile.sealed) == sorted(profile.sealed)


@given(st.lists(fact_strategy(), min_size=1, max_size=8), st.integers(0, 8))
@settings(max_examples=scale_examples(150))
def test_computed_attributes_do_not_depend_on_the_split_into_records(facts: list[Fact], cut: int) -> None:
    """One loyalty card or two: the same number of orders, the same sum, the same first and last."""
    parts = [part for part in (facts[:cut], facts[cut:]) if part]
    joined = fold_profile(CATALOGUE, [build_record(facts)])
    split = fold_profile(
        CATALOGUE, [build_record(part, bytes([number])) for number, part in enumerate(parts)]
    )
    for attribute in CATALOGUE.attributes.values():
        if attribute.computed is not None:
            assert joined.open.get(attribute.key) == split.open.get(attribute.key), attribute.path


def send_value(
    source: Source, at: int, value: str, attribute: Attribute = PLAIN_ATTRIBUTES[0]
) -> SourceRecord:
    """Return the record of a source that sent one value."""
    name = f"{source.key}{at}"
    return build_record(
        [Fact(source, name, at, NOW, (PERSON,), ((attribute, Redacted(value)),))], name.encode()
    )


def find_provenance(*records: SourceRecord, attribute: Attribute = PLAIN_ATTRIBUTES[0]) -> list[str]:
    """Return source and message of the value in the profile of these records."""
    source, message = find_profile_messages(CATALOGUE, records)[attribute.key]
    assert fold_profile(CATALOGUE, records).provenance[attribute.key] == source
    return [source, message]


WEB, TILLS = CATALOGUE.sources["web-shop"], CATALOGUE.sources["tills"]


def test_the_source_with_priority_wins_then_the_later_value() -> None:
    """What a customer typed precedes what staff typed, however late that arrives."""
    assert find_provenance(send_value(WEB, 1, "own"), send_value(TILLS, 9, "typed")) == [
        "web-shop",
        "web-shop1",
    ]
    assert find_provenance(send_value(WEB, 1, "old"), send_value(WEB, 2, "new")) == ["web-shop", "web-shop2"]
    closed_source = replace(send_value(TILLS, 9, "x"), source="closed-shop")
    assert find_provenance(send_value(TILLS, 1, "typed"), closed_source) == ["tills", "tills1"]


def test_a_correction_precedes_every_source() -> None:
    """Sources repeat their values; only a later correction replaces it."""
    corrected = send_value(CORRECTION_SOURCE, 5, "right")
    assert find_provenance(send_value(WEB, 9, "wrong"), corrected, send_value(TILLS, 9, "wrong")) == [
        "self",
        "self5",
    ]
    assert find_provenance(
        send_value(WEB, 9, "wrong"), corrected, send_value(CORRECTION_SOURCE, 6, "better")
    ) == ["self", "self6"]
    tier = CATALOGUE.attributes["commerce.loyaltyTier"]
    records = (send_value(TILLS, 9, "gold", tier), send_value(CORRECTION_SOURCE, 1, "bronze", tier))
    assert find_provenance(*records, attribute=tier) == ["self", "self1"]


def test_an_attribute_may_have_its_own_precedence_of_sources() -> None:
    """The tills keep the loyalty programme; other sources follow by their priority."""
    tier = CATALOGUE.attributes["commerce.loyaltyTier"]
    assert tier.precedence == ("tills",)
    assert WEB.priority < TILLS.priority
    app = CATALOGUE.sources["ios-app"]
    till_record, web_record, app_record = (
        send_value(TILLS, 1, "gold", tier),
        send_value(WEB, 9, "gold", tier),
        send_value(app, 5, "gold", tier),
    )
    assert find_provenance(web_record, till_record, app_record, attribute=tier) == ["tills", "tills1"]
    assert find_provenance(web_record, app_record, attribute=tier) == ["web-shop", "web-shop9"]


@given(
    st.lists(st.tuples(st.sampled_from([*CATALOGUE.sources, "self", "gone"]), st.integers(0, 3)), min_size=1),
    st.sampled_from([PLAIN_ATTRIBUTES[0], CATALOGUE.attributes["commerce.loyaltyTier"]]),
    st.randoms(use_true_random=False),
)
@settings(max_examples=scale_examples(150))
def test_the_value_of_the_highest_rank_is_chosen(
    statements: list[tuple[str, int]], attribute: Attribute, random: Random
) -> None:
    """By correction, the attribute's precedence, priority, time and message id, in any order of records."""
    cells = [(source, Cell(at, f"m{number}", value=number)) for number, (source, at) in enumerate(statements)]
    empty_record = build_source_record(b"r", Fact(WEB, "m", 0, NOW, (PERSON,)), b"c")
    records = [
        replace(empty_record, id=bytes([number]), source=source, cells={attribute.key: cell})
        for number, (source, cell) in enumerate(cells)
    ]

    def rank(source: str, cell: Cell) -> tuple[Any, ...]:
        precedence = [CORRECTION_SOURCE.key, *attribute.precedence]
        declared_source = CATALOGUE.sources.get(source)
        return (
            -precedence.index(source) if source in precedence else -len(precedence),
            -declared_source.priority if declared_source else -(10**9),
            cell.at,
            cell.message,
        )

    source, cell = max(cells, key=lambda source_and_cell: rank(*source_and_cell))
    for _ in range(3):
        assert find_provenance(*records, attribute=attribute) == [source, cell.message]
        random.shuffle(records)


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_a_refusal_wins_a_tie(order: tuple[bool, bool]) -> None:
    """Yes and no at the same moment is a no, in either order."""
    consent = next(key for key, purpose in CATALOGUE.purposes.items() if purpose.basis.value == "consent")
    facts = [
        Fact(
            CATALOGUE.sources["web-shop"], f"m{number}", 5, NOW, (PERSON,), ambient_choices={consent: granted}
        )
        for number, granted in enumerate(order)
    ]
    record = build_record(facts)
    assert [choice.is_accepted for choice in record.ambient_choices.values()] == [False]
    bit = 1 << CATALOGUE.purposes[consent].bit
    state = build_person_state(CATALOGUE, lambda _country, _region: UNKNOWN, [record])
    assert not compute_permitted_bits(CATALOGUE, LAW, state, NOW).allow & bit


def build_computed_attribute(
    number: int, name: str, value_type: ValueType, computation: Computation
) -> Attribute:
    """Build a computed attribute that the shipped catalogue does not have."""
    base = CATALOGUE.attributes["commerce.lifetimeValue"]
    return replace(
        base,
        path=f"commerce.{name}",
        number=number,
        type=value_type,
        computed=computation,
        many=computation.fold is Fold.SET,
    )


ORDERED_PIECES = Computation(
    Fold.SUM, ("Order Completed",), "quantity", None, True, "order_id", without=("Order Cancelled",)
)
EXTRA_ATTRIBUTES = (
    build_computed_attribute(
        901, "pieces", ValueType.INT, Computation(Fold.SUM, ("Order Completed",), "quantity")
    ),
    build_computed_attribute(
        902, "queries", ValueType.STRING, Computation(Fold.SET, ("Products Searched",), "query")
    ),
    build_computed_attribute(
        903, "products", ValueType.STRING, Computation(Fold.SET, ("Order Completed",), "product_ids")
    ),
    build_computed_attribute(
        904, "latestCoupon", ValueType.STRING, Computation(Fold.LAST, ("Order Completed",), "coupon")
    ),
    build_computed_attribute(906, "orderedPieces", ValueType.INT, ORDERED_PIECES),
)
WIDE_CATALOGUE = replace(
    CATALOGUE,
    attributes={**CATALOGUE.attributes, **{attribute.path: attribute for attribute in EXTRA_ATTRIBUTES}},
)
COMPUTED_ATTRIBUTES = [
    attribute for attribute in WIDE_CATALOGUE.attributes.values() if attribute.computed is not None
]
AMOUNTS = st.integers(-3, 3) | st.sampled_from([2**31 - 1, -(2**31), 2**53 - 1, 2**62, 10**17])


@st.composite
def event_strategy(draw: st.DrawFn) -> Fact:
    """Messages about an event, with few times and values, and now and then a huge amount."""
    source = CATALOGUE.sources[draw(st.sampled_from(["web-shop", "tills", "ios-app"]))]
    event_type = CATALOGUE.events[draw(st.sampled_from(["Order Completed"] * 3 + EVENT_KEYS))]
    properties: dict[str, Any] = {}
    for event_property in event_type.properties:
        values = {
            ValueType.INT: AMOUNTS,
            ValueType.MONEY: st.tuples(AMOUNTS, st.sampled_from(["EUR", "JPY", "KWD"])).map(list),
        }.get(event_property.type, SAMPLE_VALUES[event_property.type])
        if event_property.required or draw(st.booleans()):
            properties[event_property.name] = draw(
                st.lists(values, max_size=3) if event_property.many else values
            )
    event = ReceivedEvent(event_type, Redacted(properties))
    return Fact(source, draw(st.uuids()).hex, draw(st.integers(0, 5)), NOW, (PERSON,), event=event)


@given(st.lists(event_strategy(), min_size=1, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=scale_examples(300))
def test_running_totals_equal_a_recomputation_from_all_events(facts: list[Fact], random: Random) -> None:
    """Facts are applied one by one, late and twice, to one record for each source."""
    events = [
        PastEvent(fact.event.type.key, fact.source.channel, fact.at, fact.event.properties.value)
        for fact in facts
        if fact.event is not None
    ]
    repeated = [*facts, *(fact for fact in facts if random.random() < 0.5)]
    random.shuffle(repeated)
    by_source: dict[str, list[Fact]] = {}
    for fact in repeated:
        by_source.setdefault(fact.source.key, []).append(fact)
    records = [build_record(part, name.encode(), WIDE_CATALOGUE) for name, part in by_source.items()]
    profile = fold_profile(WIDE_CATALOGUE, records)
    for attribute in COMPUTED_ATTRIBUTES:
        assert profile.open.get(attribute.key) == recompute_attribute(
            attribute, events, CATALOGUE.events, CATALOGUE.money.rates
        ), attribute.path


def fold_visited_stores(values: Sequence[tuple[int, str]], parts: int = 1) -> list[str]:
    """Return the visited stores of a person after purchases at these times, spread over records."""
    attribute = CATALOGUE.attributes["store.visitedStores"]
    facts_by_record: list[list[Fact]] = [[] for _ in range(parts)]
    for number, (at, store) in enumerate(values):
        event = ReceivedEvent(CATALOGUE.events["Order Completed"], Redacted({"storeId": store}))
        facts_by_record[number % parts].append(Fact(TILLS, f"m{number}", at, NOW, (PERSON,), event=event))
    records = [build_record(part, bytes([number])) for number, part in enumerate(facts_by_record) if part]
    stores: list[str] = fold_profile(CATALOGUE, records).open[attribute.key]
    return stores


@given(st.randoms(use_true_random=False), st.integers(1, 3))
@settings(max_examples=scale_examples(40))
def test_a_set_keeps_the_latest_hundred_values(random: Random, parts: int) -> None:
    """In any order, over any number of records."""
    visits = [(random.randrange(60), f"store {number % 130:03}") for number in range(300)]
    stores = fold_visited_stores(visits, parts)
    latest = {store: max(at for at, visited in visits if visited == store) for _, store in visits}
    assert stores == sorted(sorted(latest, key=lambda store: (-latest[store], store))[:MAX_DISTINCT])
    random.shuffle(visits)
    assert fold_visited_stores(visits, parts) == stores


def test_a_total_out_of_range_is_left_out_until_it_fits_again() -> None:
    """No wrong number is shown and no message is refused: the record stays exact beyond 64 bits."""
    pieces, spent = EXTRA_ATTRIBUTES[0], CATALOGUE.attributes["commerce.lifetimeValue"]

    def fold_orders(*orders: tuple[int, int]) -> dict[str, Any]:
        facts = [
            Fact(
                WEB,
                f"m{number}",
                number,
                NOW,
                (PERSON,),
                event=ReceivedEvent(
                    CATALOGUE.events["Order Completed"],
                    Redacted({"order_id": f"o{number}", "total": [total, "EUR"], "quantity": quantity}),
                ),
            )
            for number, (total, quantity) in enumerate(orders)
        ]
        record = build_record(facts, b"r", WIDE_CATALOGUE)
        bson.encode(build_record_document(record))
        return dict(fold_profile(WIDE_CATALOGUE, [record]).open)

    huge = (10**17, 2**31 - 1)
    assert fold_orders(huge) == {**fold_orders(huge), pieces.key: 2**31 - 1}
    overflowing = fold_orders(*[huge] * 200)
    assert pieces.key not in overflowing
    assert spent.key not in overflowing
    recovered = fold_orders(*[huge] * 200, *[(-(10**17), 1 - 2**31)] * 200)
    assert (recovered[pieces.key], recovered[spent.key]) == (0, 0)
