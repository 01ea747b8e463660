"""What is kept of a message that is refused: nothing undeclared, and all that the validator looks at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from discretion.catalogue.load import load
from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.consent_message import UPDATED
from discretion.domain.ingest.dead_letters.redaction import Declared, prune
from discretion.domain.ingest.dead_letters.retention import LOST
from discretion.domain.ingest.message import Fact, Refused
from discretion.domain.ingest.validation import KINDS
from tests.fixtures.validator import validator
from tests.unit.domain.ingest.messages import NOW
from tests.unit.domain.ingest.test_validation import REFUSED

CATALOGUE = load(None)
DECLARED = Declared.of(CATALOGUE)
VALIDATOR = validator(CATALOGUE)
SOURCES = st.sampled_from(sorted(CATALOGUE.sources)).map(CATALOGUE.sources.__getitem__)
PLANTED = "Wolfeschlegelsteinhausen"

TRAITS = sorted(DECLARED.traits)
PROPERTIES = sorted(DECLARED.properties)
PLACES = [".".join(one) for one in DECLARED.places]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "x", "u1", "0", "guest", "ann@shop.example", "030 901820", "DE", "ios", "19.99"])
    | st.sampled_from(["2026-03-01", "2026-03-01T10:00:00Z", "noon"])
)
ANY = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "x"]), inner, max_size=2)
    ),
    max_leaves=5,
)


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """Dotted names as objects in objects, where they fit into each other."""
    found: dict[str, Any] = {}
    for name, value in flat.items():
        here, (*steps, last) = found, name.split(".")
        for step in steps:
            inner = here.setdefault(step, {})
            here = inner if isinstance(inner, dict) else here
        here[last] = value
    return found


def members(names: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of these names and of some that nobody declares."""
    known = st.sampled_from(names)
    return st.dictionaries(
        known | st.sampled_from(["hatSize", "address.floor", "x"]), values, max_size=4
    ).map(nest)


def wild(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what is wanted there."""
    return st.integers(0, 19).flatmap(lambda one: inner if one else ANY)


TOLD = wild(members(TRAITS, wild(SCALARS)))
EXTERNAL = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([*CATALOGUE.identifiers, "x"]) | ANY,
        "id": SCALARS,
        "collection": st.sampled_from(["users", "accounts"]),
        "encoding": st.sampled_from(["none", "base64"]),
    },
)
PREFERENCES = st.dictionaries(
    st.sampled_from(["marketing", "analytics", "espionage", "marketing.advertising"]),
    st.booleans() | st.booleans() | ANY,
    max_size=2,
)
CONTEXT = wild(
    st.builds(
        lambda told, more: {**nest(told), **more},
        st.dictionaries(st.sampled_from([*PLACES, "app.build"]), SCALARS, max_size=3),
        st.fixed_dictionaries(
            {},
            optional={
                "traits": TOLD,
                "externalIds": wild(st.lists(wild(EXTERNAL), max_size=2)),
                "consent": wild(st.fixed_dictionaries({"categoryPreferences": wild(PREFERENCES)})),
            },
        ),
    )
)
PURPOSES = st.dictionaries(
    st.sampled_from(["marketing", "functional.service", "marketing.advertising", "train_ai_system", PLANTED]),
    st.booleans() | st.booleans() | ANY,
    max_size=3,
)
NOTICES = st.fixed_dictionaries(
    {},
    optional={
        "version": wild(st.just("2026-09")),
        "language": wild(st.just("de")),
        "sha256": wild(st.just("ab" * 32)),
        "x": ANY,
    },
)
TIMES = wild(st.sampled_from(["2026-03-01T10:00:00Z", "2026-03-01T09:00:00Z"]))
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS), "userId": wild(st.sampled_from(["u1", "u2", 7]))},
    optional={
        "anonymousId": wild(st.sampled_from(["ck-1", "0", ""])),
        "previousId": wild(st.just("u0")),
        "groupId": wild(st.just("g1")),
        "event": wild(st.sampled_from([*CATALOGUE.events, UPDATED, "Moon Landed"])),
        "timestamp": TIMES,
        "originalTimestamp": TIMES,
        "sentAt": TIMES,
        "traits": TOLD,
        "purposes": wild(PURPOSES),
        "notice": wild(NOTICES),
        "guardian": wild(st.sampled_from([{"reference": "file/1"}, {"reference": "Eve Marlow"}, {}])),
        "method": wild(st.sampled_from(["explicit_click", "tcf", "shouting"])),
        "validUntil": TIMES,
        "properties": wild(members([*PROPERTIES, "groupId"], wild(SCALARS))),
        "name": ANY,
        "category": SCALARS,
        "context": CONTEXT,
        "integrations": ANY,
    },
)


def verdict(met: Fact | Refused) -> dict[str, Any]:
    """What the validator says, comparable."""
    if isinstance(met, Refused):
        return {"code": met.code, "place": met.place}
    return {
        "message": met.message,
        "times": (met.at, met.received),
        "who": [(one.type, one.value.value) for one in (*met.identifiers, *met.aliases)],
        "aliases": len(met.aliases),
        "values": [(attribute.path, value.value) for attribute, value in met.values],
        "choices": dict(met.choices),
        "event": None if met.event is None else (met.event.type.key, met.event.properties.value),
    }


def same(catalogue: Catalogue, source: Source, raw: dict[str, Any]) -> str:
    """Compare what the validator says of a message and of what is kept of it; the code, empty if accepted."""
    reads = validator(catalogue)
    whole = reads.fact(source, {**raw, "messageId": "m"}, NOW)
    pruned = prune(Declared.of(catalogue), raw, "m")
    again = reads.fact(source, pruned.message.value, NOW)
    assert verdict(again) == verdict(whole)
    if isinstance(whole, Refused):
        return whole.code
    assert isinstance(again, Fact)
    assert again.dropped + pruned.dropped == whole.dropped
    return ""


@settings(max_examples=400)
@given(SOURCES, MESSAGES)
def test_the_validator_says_the_same_of_a_pruned_message(source: Source, raw: dict[str, Any]) -> None:
    """The same fact, or the same code at the same place; and together they drop what it dropped alone."""
    event(same(CATALOGUE, source, raw) or "accepted")


def identify(**more: Any) -> dict[str, Any]:
    """An identify."""
    return {"type": "identify", "userId": "u1", **more}


def searched(properties: Any) -> dict[str, Any]:
    """A track call of a declared event."""
    return {"type": "track", "userId": "u1", "event": "Products Searched", "properties": properties}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (
            identify(
                traits={"address": {"floor": 4}},
                context={"traits": {"address": {"country": "DE"}, "phone": "030 901820"}},
            ),
            "IDENTIFIER_INVALID",
        ),
        (identify(traits={"phone": "030 901820", "address": {"country": "DE", "floor": 4}}), ""),
        (identify(traits={"birthday": None, "birthDate": "2000-01-01"}), ""),
        (identify(traits={"birthDate": None, "birthday": "2000-01-01"}), ""),
        (identify(context={"consent": {"categoryPreferences": {"espionage": "yes"}}}), "TYPE_WRONG"),
        (identify(context={"consent": {"categoryPreferences": {"espionage": True}}}), ""),
        (identify(context={"consent": []}), "TYPE_WRONG"),
        (identify(context={"consent": "yes"}), "TYPE_WRONG"),
        (identify(context={"device": {"id": {"x": 1}, "token": ["x"], "type": {"x": 1}}}), ""),
        (identify(context={"externalIds": [{"type": "email", "id": "no", "encoding": "rot13"}]}), ""),
        (identify(context={"externalIds": [{"type": "x", "id": "no"}, 7]}), "TYPE_WRONG"),
        (searched([]), "TYPE_WRONG"),
        (searched("query"), "TYPE_WRONG"),
        (searched({"query": ["x", {"y": 1}]}), "TYPE_WRONG"),
        (searched({"query": "shoes", "hatSize": 39}), ""),
        ({"type": "page", "userId": "u1", "name": "Home", "category": {"x": 1}}, "TYPE_WRONG"),
        ({"type": "page", "userId": "u1", "name": "Home", "properties": {"name": None}}, ""),
        ({"type": "group", "userId": "u1", "groupId": 7, "traits": {"groupId": "x", "hatSize": 1}}, ""),
    ],
)
@pytest.mark.parametrize("source", ["web-shop", "ios-app"])
def test_it_says_the_same_where_messages_are_peculiar(source: str, raw: dict[str, Any], code: str) -> None:
    """Nulls that hide a later place, traits told twice, wrong shapes beside declared names."""
    if raw["type"] == "page":
        source = "web-shop"
    assert same(CATALOGUE, CATALOGUE.sources[source], raw) == code


def test_a_country_that_nobody_declares_still_reads_a_phone_number() -> None:
    """The validator looks at it, so it is kept."""
    undeclaring = replace(
        CATALOGUE,
        attributes={k: one for k, one in CATALOGUE.attributes.items() if "address.country" not in one.traits},
    )
    raw = identify(traits={"phone": "030 901820", "address": {"country": "DE"}})
    assert same(undeclaring, CATALOGUE.sources["web-shop"], raw) == ""


@pytest.mark.parametrize(("law", "raw", "code", "place"), REFUSED, ids=[row[0] for row in REFUSED])
def test_each_refusal_is_kept_or_has_its_reason_not_to_be(law: str, raw: Any, code: str, place: str) -> None:
    """What is kept is refused as before; pruning is never asked about the rest."""
    if code in LOST:
        return
    again = VALIDATOR.fact(CATALOGUE.sources["web-shop"], prune(DECLARED, raw, "m1").message.value, NOW)
    assert verdict(again) == {"code": code, "place": place}, law


DIRT = st.recursive(
    st.just(PLANTED),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=2) | st.dictionaries(st.just(PLANTED), inner, min_size=1)
    ),
    max_leaves=4,
)
LUMPS = st.dictionaries(st.just(PLANTED), DIRT, min_size=1)
CLUMPS = LUMPS | st.lists(DIRT, min_size=1, max_size=2)


def soiled(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Declared names with objects where values belong, and undeclared ones with anything."""
    wrong = LUMPS | st.lists(LUMPS, max_size=2)
    return st.builds(
        lambda known, unknown: {**nest(known), **unknown},
        st.dictionaries(st.sampled_from(names), st.just("x") | wrong, max_size=4),
        st.dictionaries(st.sampled_from([PLANTED, "hatSize", "a.b"]), DIRT, max_size=2),
    )


SOILED = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)},
    optional={
        **{
            one: st.just("x") | CLUMPS
            for one in ("userId", "anonymousId", "previousId", "groupId", "event", "timestamp", "sentAt")
        },
        "originalTimestamp": CLUMPS,
        "traits": soiled(TRAITS) | CLUMPS,
        "properties": soiled([one for one in PROPERTIES if one != "name"]) | CLUMPS,
        "category": LUMPS,
        "hatSize": DIRT,
        PLANTED: DIRT,
        "writeKey": st.just(PLANTED),
        "context": LUMPS
        | CLUMPS
        | st.fixed_dictionaries(
            {PLANTED: DIRT, "page": LUMPS},
            optional={
                "traits": soiled(TRAITS) | CLUMPS,
                "device": st.fixed_dictionaries({"id": LUMPS, PLANTED: DIRT, "name": DIRT}),
                "app": CLUMPS,
                "externalIds": LUMPS
                | st.lists(
                    CLUMPS
                    | st.fixed_dictionaries({"type": DIRT, "id": DIRT})
                    | st.fixed_dictionaries({"type": st.just("email"), "id": CLUMPS, PLANTED: DIRT})
                    | st.fixed_dictionaries(
                        {"type": st.just("email"), "id": st.just(PLANTED), "encoding": st.just("rot13")}
                    )
                ),
                "consent": CLUMPS
                | st.fixed_dictionaries(
                    {
                        PLANTED: DIRT,
                        "categoryPreferences": CLUMPS
                        | st.dictionaries(st.just(PLANTED), st.booleans() | DIRT)
                        | st.fixed_dictionaries({"marketing": LUMPS}),
                    }
                ),
            },
        ),
    },
)


@settings(max_examples=400)
@given(SOILED)
@example(identify(context={"externalIds": [{"type": "email", "id": PLANTED, "encoding": "rot13"}]}))
@example(identify(context={"externalIds": [{"type": PLANTED, "id": PLANTED}]}))
@example(identify(context={"consent": {"categoryPreferences": {PLANTED: True}}}))
@example(identify(context={"consent": {"categoryPreferences": {PLANTED: PLANTED}}}))
def test_nothing_undeclared_is_left_in_a_pruned_message(raw: dict[str, Any]) -> None:
    """Neither a name nor a value, at any depth, in any member, whatever shape it has."""
    assert PLANTED.encode() not in orjson.dumps(prune(DECLARED, raw, "m").message.value)


def test_a_pruned_message_shows_stars() -> None:
    """It goes through code that logs."""
    raw = {"type": "identify", "userId": PLANTED}
    assert PLANTED not in repr(prune(DECLARED, raw, "m"))


def test_an_undeclared_event_keeps_the_properties_that_any_event_declares() -> None:
    """They are there when it is declared; what nobody declares is counted."""
    raw = {
        "type": "track",
        "event": "Moon Landed",
        "userId": "u1",
        "properties": {"total": 1, "crater": PLANTED},
    }
    pruned = prune(DECLARED, raw, "m")
    assert pruned.message.value["properties"] == {"total": 1}
    assert (pruned.message.value["event"], pruned.dropped) == ("Moon Landed", 1)
