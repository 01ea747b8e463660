"""The stored part of a refused message: nothing undeclared, and all that the validator reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.consent_message import PREFERENCE_UPDATE_EVENT
from discretion.domain.ingest.dead_letters.redaction import DeclaredNames, prune_message
from discretion.domain.ingest.dead_letters.retention import DISCARDED_CODES
from discretion.domain.ingest.message import Fact, RefusedMessage
from discretion.domain.ingest.validation import MESSAGE_TYPES
from tests.fixtures.examples import scale_examples
from tests.fixtures.validator import build_validator
from tests.unit.domain.ingest.invalid_messages import REFUSED
from tests.unit.domain.ingest.messages import NOW

CATALOGUE = load_catalogue(None)
DECLARED = DeclaredNames.from_catalogue(CATALOGUE)
VALIDATOR = build_validator(CATALOGUE)
SOURCES = st.sampled_from(sorted(CATALOGUE.sources)).map(CATALOGUE.sources.__getitem__)
PLANTED = "Wolfeschlegelsteinhausen"

TRAITS = sorted(DECLARED.traits)
PROPERTIES = sorted(DECLARED.properties)
CONTEXT_PATHS = [".".join(path) for path in DECLARED.context_paths]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "x", "u1", "0", "guest", "ann@shop.example", "030 901820", "DE", "ios", "19.99"])
    | st.sampled_from(["2026-03-01", "2026-03-01T10:00:00Z", "noon"])
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "x"]), inner, max_size=2)
    ),
    max_leaves=5,
)


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """Turn dotted names into nested objects, where they fit into each other."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        target, (*steps, last) = nested, name.split(".")
        for step in steps:
            inner = target.setdefault(step, {})
            target = inner if isinstance(inner, dict) else target
        target[last] = value
    return nested


def build_members(names: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of these names and of some undeclared ones."""
    declared_names = st.sampled_from(names)
    return st.dictionaries(
        declared_names | st.sampled_from(["hatSize", "address.floor", "x"]), values, max_size=4
    ).map(nest)


def mostly(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly values of this strategy, and now and then any JSON value."""
    return st.integers(0, 19).flatmap(lambda number: inner if number else ANY_JSON)


TRAIT_OBJECTS = mostly(build_members(TRAITS, mostly(SCALARS)))
EXTERNAL_IDS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([*CATALOGUE.identifiers, "x"]) | ANY_JSON,
        "id": SCALARS,
        "collection": st.sampled_from(["users", "accounts"]),
        "encoding": st.sampled_from(["none", "base64"]),
    },
)
PREFERENCES = st.dictionaries(
    st.sampled_from(["marketing", "analytics", "espionage", "marketing.advertising"]),
    st.booleans() | st.booleans() | ANY_JSON,
    max_size=2,
)
CONTEXT = mostly(
    st.builds(
        lambda context_values, context_members: {**nest(context_values), **context_members},
        st.dictionaries(st.sampled_from([*CONTEXT_PATHS, "app.build"]), SCALARS, max_size=3),
        st.fixed_dictionaries(
            {},
            optional={
                "traits": TRAIT_OBJECTS,
                "externalIds": mostly(st.lists(mostly(EXTERNAL_IDS), max_size=2)),
                "consent": mostly(st.fixed_dictionaries({"categoryPreferences": mostly(PREFERENCES)})),
            },
        ),
    )
)
PURPOSES = st.dictionaries(
    st.sampled_from(["marketing", "functional.service", "marketing.advertising", "train_ai_system", PLANTED]),
    st.booleans() | st.booleans() | ANY_JSON,
    max_size=3,
)
NOTICES = st.fixed_dictionaries(
    {},
    optional={
        "version": mostly(st.just("2026-09")),
        "language": mostly(st.just("de")),
        "sha256": mostly(st.just("ab" * 32)),
        "x": ANY_JSON,
    },
)
TIMES = mostly(st.sampled_from(["2026-03-01T10:00:00Z", "2026-03-01T09:00:00Z"]))
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(MESSAGE_TYPES), "userId": mostly(st.sampled_from(["u1", "u2", 7]))},
    optional={
        "anonymousId": mostly(st.sampled_from(["ck-1", "0", ""])),
        "previousId": mostly(st.just("u0")),
        "groupId": mostly(st.just("g1")),
        "event": mostly(st.sampled_from([*CATALOGUE.events, PREFERENCE_UPDATE_EVENT, "Moon Landed"])),
        "timestamp": TIMES,
        "originalTimestamp": TIMES,
        "sentAt": TIMES,
        "traits": TRAIT_OBJECTS,
        "purposes": mostly(PURPOSES),
        "notice": mostly(NOTICES),
        "guardian": mostly(st.sampled_from([{"reference": "file/1"}, {"reference": "Eve Marlow"}, {}])),
        "method": mostly(st.sampled_from(["explicit_click", "tcf", "shouting"])),
        "validUntil": TIMES,
        "properties": mostly(build_members([*PROPERTIES, "groupId"], mostly(SCALARS))),
        "name": ANY_JSON,
        "category": SCALARS,
        "context": CONTEXT,
        "integrations": ANY_JSON,
    },
)


def describe_result(result: Fact | RefusedMessage) -> dict[str, Any]:
    """Return what the validator decided, in comparable form."""
    if isinstance(result, RefusedMessage):
        return {"code": result.code, "place": result.place}
    return {
        "message": result.message_id,
        "times": (result.at, result.received),
        "who": [
            (identifier.type, identifier.value.value, identifier.assurance)
            for identifier in result.identifiers
        ],
        "values": [(attribute.path, value.value) for attribute, value in result.values],
        "choices": dict(result.ambient_choices),
        "event": None if result.event is None else (result.event.type.key, result.event.properties.value),
    }


def assert_same_result(catalogue: Catalogue, source: Source, raw: dict[str, Any]) -> str:
    """Compare the results for a message and its stored part; return the code, empty if accepted."""
    validator = build_validator(catalogue)
    full_result = validator.validate(source, {**raw, "messageId": "m"}, NOW)
    pruned = prune_message(DeclaredNames.from_catalogue(catalogue), raw, "m")
    pruned_result = validator.validate(source, pruned.message.value, NOW)
    assert describe_result(pruned_result) == describe_result(full_result)
    if isinstance(full_result, RefusedMessage):
        return full_result.code
    assert isinstance(pruned_result, Fact)
    assert pruned_result.dropped + pruned.dropped == full_result.dropped
    return ""


@settings(max_examples=scale_examples(400))
@given(SOURCES, MESSAGES)
@example(
    CATALOGUE.sources["web-shop"],
    {
        "type": "consent",
        "userId": "u1",
        "purposes": {"marketing": False},
        "context": {"consent": {"categoryPreferences": {"x": None}}},
    },
)
def test_the_validator_decides_the_same_on_a_pruned_message(source: Source, raw: dict[str, Any]) -> None:
    """The same fact, or the same code at the same place; the numbers of dropped members add up."""
    event(assert_same_result(CATALOGUE, source, raw) or "accepted")


def build_identify(**fields: Any) -> dict[str, Any]:
    """Build an identify call."""
    return {"type": "identify", "userId": "u1", **fields}


def build_search(properties: Any) -> dict[str, Any]:
    """Build a track call of a declared event."""
    return {"type": "track", "userId": "u1", "event": "Products Searched", "properties": properties}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (
            build_identify(
                traits={"address": {"floor": 4}},
                context={"traits": {"address": {"country": "DE"}, "phone": "030 901820"}},
            ),
            "",
        ),
        (build_identify(traits={"phone": "030 901820", "address": {"country": "DE", "floor": 4}}), ""),
        (build_identify(traits={"birthday": None, "birthDate": "2000-01-01"}), ""),
        (build_identify(traits={"birthDate": None, "birthday": "2000-01-01"}), ""),
        (build_identify(context={"consent": {"categoryPreferences": {"espionage": "yes"}}}), ""),
        (build_identify(context={"consent": {"categoryPreferences": {"espionage": True}}}), ""),
        (build_identify(context={"consent": []}), ""),
        (build_identify(context={"consent": "yes"}), ""),
        (build_identify(context={"device": {"id": {"x": 1}, "token": ["x"], "type": {"x": 1}}}), ""),
        (build_identify(context={"externalIds": [{"type": "email", "id": "no", "encoding": "rot13"}]}), ""),
        (build_identify(context={"externalIds": [{"type": "x", "id": "no"}, 7]}), ""),
        (build_search([]), "PROPERTY_MISSING"),
        (build_search("query"), "PROPERTY_MISSING"),
        (build_search({"query": ["x", {"y": 1}]}), "TYPE_WRONG"),
        (build_search({"query": "shoes", "hatSize": 39}), ""),
        ({"type": "page", "userId": "u1", "name": "Home", "category": {"x": 1}}, ""),
        ({"type": "page", "userId": "u1", "name": "Home", "properties": {"name": None}}, ""),
        ({"type": "group", "userId": "u1", "groupId": 7, "traits": {"groupId": "x", "hatSize": 1}}, ""),
        (build_identify(traits={"address": None}), ""),
        (build_identify(traits={"address": {"street": None}, "email": None}), ""),
        (build_identify(traits=[], context={"traits": {"firstName": "Ann"}}), ""),
        (build_identify(traits={"firstName": "Ann"}, context={"traits": "x"}), ""),
        ({"type": "page", "userId": "u1", "name": "Home", "properties": []}, ""),
    ],
)
@pytest.mark.parametrize("source", ["web-shop", "ios-app"])
def test_unusual_messages_have_the_same_result_when_pruned(
    source: str, raw: dict[str, Any], code: str
) -> None:
    """Nulls before a later path, traits sent twice, wrong types beside declared names."""
    if raw["type"] == "page":
        source = "web-shop"
    assert assert_same_result(CATALOGUE, CATALOGUE.sources[source], raw) == code


def test_an_undeclared_country_is_still_used_for_a_phone_number() -> None:
    """The validator reads it, so it is stored."""
    catalogue = replace(
        CATALOGUE,
        attributes={
            path: attribute
            for path, attribute in CATALOGUE.attributes.items()
            if "address.country" not in attribute.traits
        },
    )
    raw = build_identify(traits={"phone": "030 901820", "address": {"country": "DE"}})
    assert assert_same_result(catalogue, CATALOGUE.sources["web-shop"], raw) == ""


@pytest.mark.parametrize(("case", "raw", "code", "place"), REFUSED, ids=[row[0] for row in REFUSED])
def test_each_refused_message_is_refused_again_when_pruned(
    case: str, raw: Any, code: str, place: str
) -> None:
    """Messages whose code is in ``DISCARDED_CODES`` are never pruned."""
    if code in DISCARDED_CODES:
        return
    result = VALIDATOR.validate(
        CATALOGUE.sources["web-shop"], prune_message(DECLARED, raw, "m1").message.value, NOW
    )
    assert describe_result(result) == {"code": code, "place": place}, case


UNDECLARED_VALUES = st.recursive(
    st.just(PLANTED),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=2) | st.dictionaries(st.just(PLANTED), inner, min_size=1)
    ),
    max_leaves=4,
)
UNDECLARED_OBJECTS = st.dictionaries(st.just(PLANTED), UNDECLARED_VALUES, min_size=1)
UNDECLARED_CONTAINERS = UNDECLARED_OBJECTS | st.lists(UNDECLARED_VALUES, min_size=1, max_size=2)


def mix_with_undeclared(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Declared names with objects in place of values, and undeclared names with anything."""
    wrong_values = UNDECLARED_OBJECTS | st.lists(UNDECLARED_OBJECTS, max_size=2)
    return st.builds(
        lambda declared, undeclared: {**nest(declared), **undeclared},
        st.dictionaries(st.sampled_from(names), st.just("x") | wrong_values, max_size=4),
        st.dictionaries(st.sampled_from([PLANTED, "hatSize", "a.b"]), UNDECLARED_VALUES, max_size=2),
    )


UNDECLARED_MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(MESSAGE_TYPES)},
    optional={
        **{
            member: st.just("x") | UNDECLARED_CONTAINERS
            for member in ("userId", "anonymousId", "previousId", "groupId", "event", "timestamp", "sentAt")
        },
        "originalTimestamp": UNDECLARED_CONTAINERS,
        "traits": mix_with_undeclared(TRAITS) | UNDECLARED_CONTAINERS,
        "properties": mix_with_undeclared([name for name in PROPERTIES if name != "name"])
        | UNDECLARED_CONTAINERS,
        "category": UNDECLARED_OBJECTS,
        "hatSize": UNDECLARED_VALUES,
        PLANTED: UNDECLARED_VALUES,
        "writeKey": st.just(PLANTED),
        "context": UNDECLARED_OBJECTS
        | UNDECLARED_CONTAINERS
        | st.fixed_dictionaries(
            {PLANTED: UNDECLARED_VALUES, "page": UNDECLARED_OBJECTS},
            optional={
                "traits": mix_with_undeclared(TRAITS) | UNDECLARED_CONTAINERS,
                "device": st.fixed_dictionaries(
                    {"id": UNDECLARED_OBJECTS, PLANTED: UNDECLARED_VALUES, "name": UNDECLARED_VALUES}
                ),
                "app": UNDECLARED_CONTAINERS,
                "externalIds": UNDECLARED_OBJECTS
                | st.lists(
                    UNDECLARED_CONTAINERS
                    | st.fixed_dictionaries({"type": UNDECLARED_VALUES, "id": UNDECLARED_VALUES})
                    | st.fixed_dictionaries(
                        {"type": st.just("email"), "id": UNDECLARED_CONTAINERS, PLANTED: UNDECLARED_VALUES}
                    )
                    | st.fixed_dictionaries(
                        {"type": st.just("email"), "id": st.just(PLANTED), "encoding": st.just("rot13")}
                    )
                ),
                "consent": UNDECLARED_CONTAINERS
                | st.fixed_dictionaries(
                    {
                        PLANTED: UNDECLARED_VALUES,
                        "categoryPreferences": UNDECLARED_CONTAINERS
                        | st.dictionaries(st.just(PLANTED), st.booleans() | UNDECLARED_VALUES)
                        | st.fixed_dictionaries({"marketing": UNDECLARED_OBJECTS}),
                    }
                ),
            },
        ),
    },
)


@settings(max_examples=scale_examples(400))
@given(UNDECLARED_MESSAGES)
@example(build_identify(context={"externalIds": [{"type": "email", "id": PLANTED, "encoding": "rot13"}]}))
@example(build_identify(context={"externalIds": [{"type": PLANTED, "id": PLANTED}]}))
@example(build_identify(context={"consent": {"categoryPreferences": {PLANTED: True}}}))
@example(build_identify(context={"consent": {"categoryPreferences": {PLANTED: PLANTED}}}))
def test_nothing_undeclared_is_left_in_a_pruned_message(raw: dict[str, Any]) -> None:
    """Neither a name nor a value, at any depth, in any member, of any type."""
    assert PLANTED.encode() not in orjson.dumps(prune_message(DECLARED, raw, "m").message.value)


@pytest.mark.parametrize("message_type", ["identify", "track", "page"])
def test_statements_that_are_in_force_are_not_part_of_the_rest(message_type: str) -> None:
    """A replay does not make them again."""
    consent = {"categoryPreferences": {"marketing": False}}
    raw = {
        "type": message_type,
        "userId": "u1",
        "event": "Moon Landed",
        "context": {"consent": consent, "locale": "de"},
    }
    context = prune_message(DECLARED, raw, "m", has_stated=True).message.value["context"]
    assert context == {"locale": "de"}
    assert prune_message(DECLARED, raw, "m").message.value["context"] == {"consent": consent, "locale": "de"}


def test_a_pruned_message_is_masked_in_its_repr() -> None:
    """It passes through code that writes logs."""
    raw = {"type": "identify", "userId": PLANTED}
    assert PLANTED not in repr(prune_message(DECLARED, raw, "m"))


def test_an_undeclared_event_keeps_properties_that_any_event_declares() -> None:
    """They are available once the event is declared; undeclared properties are counted."""
    raw = {
        "type": "track",
        "event": "Moon Landed",
        "userId": "u1",
        "properties": {"total": 1, "crater": PLANTED},
    }
    pruned = prune_message(DECLARED, raw, "m")
    assert pruned.message.value["properties"] == {"total": 1}
    assert (pruned.message.value["event"], pruned.dropped) == ("Moon Landed", 1)
