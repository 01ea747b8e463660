"""Records and profiles are folds that do not care about order or repetition (promise 8)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.catalogue.load import load
from discretion.catalogue.model import ValueType
from discretion.domain.channels.fact import Fact, Happening, Identifier
from discretion.domain.profiles.fold import fold
from discretion.domain.profiles.record import empty, tell
from discretion.seal.shut import Shut

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


def record(told: Sequence[Fact], name: bytes = b"r") -> dict[str, Any]:
    """The record after these messages, each told when it is met first."""
    made = empty(name, told[0], b"c")
    seen: set[str] = set()
    for fact in told:
        if fact.message not in seen:
            tell(made, fact, CATALOGUE, seal)
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
    one = fold(CATALOGUE, records, restricted=False, now_ms=NOW)
    two = fold(CATALOGUE, [records[position] for position in order], restricted=False, now_ms=NOW)
    assert one == two
    assert list(one.sealed) == sorted(one.sealed)


@given(st.lists(facts(), min_size=1, max_size=8), st.integers(0, 8))
@settings(max_examples=150)
def test_computed_attributes_do_not_care_how_events_are_spread_over_records(
    told: list[Fact], cut: int
) -> None:
    """One loyalty card or two: the same number of orders, the same sum, the same first and last."""
    parts = [part for part in (told[:cut], told[cut:]) if part]
    whole = fold(CATALOGUE, [record(told)], restricted=False, now_ms=NOW)
    split = fold(
        CATALOGUE, [record(part, bytes([n])) for n, part in enumerate(parts)], restricted=False, now_ms=NOW
    )
    for attribute in CATALOGUE.attributes.values():
        if attribute.computed is not None:
            assert whole.open.get(attribute.key) == split.open.get(attribute.key), attribute.path


def test_the_source_with_priority_wins_then_the_later_word() -> None:
    """What somebody typed goes before what was typed for them, however late that comes."""
    attribute = PLAIN[0]

    def said(source: str, at: int, value: str) -> dict[str, Any]:
        fact = Fact(
            CATALOGUE.sources[source], f"{source}{at}", at, NOW, (PERSON,), ((attribute, Shut(value)),)
        )
        return record([fact], f"{source}{at}".encode())

    def winner(*records: dict[str, Any]) -> Any:
        profile = fold(CATALOGUE, records, restricted=False, now_ms=NOW)
        return profile.provenance[attribute.key]

    assert winner(said("web-shop", 1, "own"), said("tills", 9, "typed")) == ["web-shop", "web-shop1"]
    assert winner(said("web-shop", 1, "old"), said("web-shop", 2, "new")) == ["web-shop", "web-shop2"]
    gone = {**said("tills", 9, "x"), "source": "closed-shop"}
    assert winner(said("tills", 1, "typed"), gone) == ["tills", "tills1"]


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
    assert not fold(CATALOGUE, [made], restricted=False, now_ms=NOW).allow & bit
