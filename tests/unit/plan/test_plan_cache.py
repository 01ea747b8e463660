"""Plans: nothing is decided in them, so nothing in a document or its names can reach around a decision."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from graphql import Executor, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.catalogue.load import load
from discretion.catalogue.model import Attribute, Form
from discretion.edge.graphql.schema_builder import build_schema
from discretion.plan.plan import Plan
from discretion.plan.plan_cache import Plans
from discretion.purpose.decide import decide
from discretion.purpose.decision import EVERY_BIT, Allow, Decision
from discretion.reveal.forms import Forms
from discretion.reveal.revealer import Row, cut_offs
from discretion.seal.cell import shut
from discretion.seal.open import Keyed
from discretion.token.grant import Grant

CATALOGUE = load(None)
SCHEMA: Any = build_schema(CATALOGUE)._schema
NOW = 1_790_000_000_000
PLACE = ("customers", "nodes")
PURPOSES = sorted({*CATALOGUE.purposes, "marketing", "essential", "analytics"})
SEEN = "seen"


def grant(*purposes: str, **more: Any) -> Grant:
    """A token with these purposes."""
    given_: dict[str, Any] = {
        "client": "c",
        "subject": "s",
        "scopes": frozenset(),
        "categories": None,
        "token_id": "j",
    }
    return Grant(**{**given_, "purposes": frozenset(purposes), "expires": 0, **more})


def plans(capacity: int = 1024) -> Plans:
    """No plans yet."""
    return Plans(SCHEMA, CATALOGUE, Forms(bytes(32)).render, capacity)


def planned(text: str, asking: Grant, kept: Plans | None = None) -> Plan:
    """The plan of a document."""
    executor: Any = Executor.build(SCHEMA, parse(text))
    assert not isinstance(executor, list), executor
    return (kept or plans()).plan(
        (text,), asking, None, executor.operation, executor.fragments, executor.variable_values
    )


def nested(path: str, leaf: str = "") -> str:
    """The selection that leads to an attribute; ``leaf`` renames it."""
    *groups, name = path.split(".")
    asked = f"{leaf}: {name}" if leaf else name
    for group in reversed(groups):
        asked = f"{group} {{ {asked} }}"
    return asked


def below(answer: Any, path: str, leaf: str = "") -> Any:
    """What an answer holds there."""
    *groups, name = path.split(".")
    for group in groups:
        answer = answer[group]
    return answer[leaf or name]


def everything(attribute: Attribute) -> dict[str, Any]:
    """A document in which the attribute stands everywhere it could be looked for."""
    cell = shut(AESGCM(bytes(32)), b"i" * 12, attribute.key.encode(), 2**62, bytes(12), SEEN)
    return {"s": {attribute.key: cell}, "o": {attribute.key: 1}, "t": {attribute.key: 2**62}}


def shaped(plan: Plan, document: dict[str, Any]) -> Any:
    """The answer of a plan's function to a document of somebody who permits everything."""
    cut = cut_offs(plan, NOW // 1000)
    withheld: Any = defaultdict(set)
    keyed = Keyed(b"i" * 12, bytes(32))
    row = Row({"_id": b"i" * 12, **document}, EVERY_BIT, lambda _doc, _kind: EVERY_BIT, keyed)
    cuts = (cut.times, cut.heads, cut.shorter)
    answer, _ = plan.shapes[PLACE].function(row, *cuts, withheld, NOW, lambda _: b'"id"')
    return orjson.loads(orjson.dumps(answer))


DOCUMENTS = {
    "plain": "{ customers { nodes { %s } } }",
    "beside others": "{ customers { nodes { id __typename preferences { language } %s } } }",
    "in a fragment": "{ customers { nodes { ...F } } } fragment F on Customer { %s }",
    "in an inline fragment": "{ customers { nodes { ... on Node { ... on Customer { %s } } } } }",
    "included": "{ customers { nodes { ... @include(if: true) { %s } } } }",
    "asked twice": "{ customers { nodes { %s } } customers { nodes { id } } }",
}


@pytest.mark.parametrize("written", DOCUMENTS)
@pytest.mark.parametrize("leaf", ["", "renamed"])
def test_a_denied_field_without_arguments_is_not_inlined_around_its_decision(written: str, leaf: str) -> None:
    """The regression this executor was warned of: fields without arguments skipped their permission.

    For every attribute and a token of every purpose: what is denied is in no projection, and its
    function gives null of a document that holds it.
    """
    denied = 0
    for attribute in CATALOGUE.attributes.values():
        text = DOCUMENTS[written] % nested(attribute.path, leaf)
        for purpose in PURPOSES:
            asking = grant(purpose)
            decision = decide(CATALOGUE, asking, asking.purposes, attribute.category, attribute.uses)
            plan = planned(text, asking)
            asked = {name for one in plan.projections.values() for name in one}
            holding = {f"{part}.{attribute.key}" for part in "sot"}
            if isinstance(decision, Allow):
                assert asked & holding, (attribute.path, purpose)
                continue
            denied += 1
            assert not asked & holding
            assert below(shaped(plan, everything(attribute)), attribute.path, leaf) is None
            assert attribute.path in plan.shapes[PLACE].struck
    assert denied > len(CATALOGUE.attributes)


@pytest.mark.parametrize(
    "given_", ["", "(attributes: null)", f"(attributes: {json.dumps(sorted(CATALOGUE.attributes))})"]
)
def test_provenance_asks_for_what_the_attributes_themselves_would(given_: str) -> None:
    """Nothing that is denied is fetched, and who told a value only where it may be seen in clear."""
    paths = sorted(CATALOGUE.attributes)
    text = f"{{ customers {{ nodes {{ provenance{given_} {{ attribute }} }} }} }}"
    for purpose in [*PURPOSES, "self"]:
        asking = grant(purpose)
        plan = planned(text, asking)
        every = planned(f"{{ customers {{ nodes {{ {' '.join(map(nested, paths))} }} }} }}", asking)
        assert plan.decisions == every.decisions
        told = {name for name in plan.projections["customers"] if name.startswith("p.")}
        assert {*plan.projections["customers"]} - told == {*every.projections["customers"]}
        told_by_somebody = (one for one in CATALOGUE.attributes.values() if one.computed is None)
        clear = {one.key for one in told_by_somebody if _in_clear(plan.decisions[one.path])}
        assert told == {f"p.{key}" for key in clear}


def _in_clear(decision: Decision) -> bool:
    return isinstance(decision, Allow) and any(way.form is Form.CLEAR for way in decision.ways)


@given(st.lists(st.sampled_from(PURPOSES), max_size=3), st.lists(st.sampled_from(PURPOSES), max_size=3))
@settings(max_examples=60, deadline=None)
def test_two_callers_share_a_plan_only_if_they_may_see_the_same(one: list[str], two: list[str]) -> None:
    """Whoever asked first leaves nothing of their rights behind."""
    kept = plans()
    text = "{ customers { nodes { contact { email } demographics { birthDate } } } }"
    first, second = planned(text, grant(*one), kept), planned(text, grant(*two), kept)
    assert (first is second) == (set(one) == set(two))
    assert second.decisions == planned(text, grant(*two)).decisions


@pytest.mark.parametrize(
    "other",
    [
        grant("analytics.reporting", categories=frozenset()),
        grant("analytics.reporting", categories=frozenset({"user.contact"})),
        grant("analytics.reporting", "self"),
        grant(),
    ],
    ids=["no category", "one category", "oneself", "no purpose"],
)
def test_whatever_narrows_a_token_is_part_of_the_key(other: Grant) -> None:
    """Categories, the person themselves, nothing at all: another plan."""
    kept = plans()
    text = "{ customers { nodes { contact { email } } } }"
    assert planned(text, grant("analytics.reporting"), kept) is not planned(text, other, kept)


def test_who_asks_is_not_in_a_plan() -> None:
    """Two clients with the same rights share one; their ids differ only when it is run."""
    kept = plans()
    text = "{ customers { nodes { id } } }"
    one, two = (grant("analytics.reporting", client=name, subject=name, token_id=name) for name in "ab")
    assert planned(text, one, kept) is planned(text, two, kept)


def test_only_so_many_plans_are_kept() -> None:
    """A client that sends ever new texts fills no memory; what is used stays."""
    kept = plans(capacity=2)
    asking = grant("analytics.reporting")
    used = planned("{ customers { nodes { id } } }", asking, kept)
    for number in range(5):
        planned(f"{{ customers {{ nodes {{ a{number}: id }} }} }}", asking, kept)
        assert planned("{ customers { nodes { id } } }", asking, kept) is used
    assert len(kept._kept) == 2


NAMES = st.from_regex(r"[_A-Za-z][_0-9A-Za-z]{0,30}", fullmatch=True) | st.sampled_from(
    ["m", "s", "v0", "None", "E", "W", "import", "lambda", "__class__", "__builtins__", "d", "return", "F0_0"]
)


@given(NAMES.filter(lambda name: not name.startswith("__")), NAMES.filter(lambda n: not n.startswith("__")))
@settings(max_examples=150, deadline=None)
def test_an_alias_is_a_key_of_the_answer_and_nothing_else(group: str, leaf: str) -> None:
    """Whatever it is called, be it a word of Python or a name of ours."""
    asking = grant("essential.service.operations.support")
    text = f"{{ customers {{ nodes {{ {group}: contact {{ {leaf}: email }} }} }} }}"
    attribute = CATALOGUE.attributes["contact.email"]
    assert shaped(planned(text, asking), everything(attribute)) == {group: {leaf: SEEN}}
