"""Query plans: no document, alias or fragment bypasses the decision on an attribute."""

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

from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Attribute, Form
from discretion.edge.graphql.schema_builder import build_schema
from discretion.plan.customer_members import name_contested
from discretion.plan.plan import QueryPlan
from discretion.plan.plan_cache import PlanCache
from discretion.purpose.decide import decide_reveal
from discretion.purpose.decision import EVERY_BIT, Allow, Decision
from discretion.reveal.forms import FormRenderer
from discretion.reveal.plan_cut_offs import compute_cut_offs
from discretion.reveal.revealer import CustomerRow
from discretion.seal.cell import encrypt_cell
from discretion.seal.open import CustomerCipher
from discretion.token.grant import Grant
from tests.fixtures.examples import scale_examples

CATALOGUE = load_catalogue(None)
SCHEMA: Any = build_schema(CATALOGUE)._schema
NOW = 1_790_000_000_000
NODES_PATH = ("customers", "nodes")
PURPOSES = sorted({*CATALOGUE.purposes, "marketing", "essential", "analytics"})
VALUE = "seen"


def build_grant(*purposes: str, **changes: Any) -> Grant:
    """Return a grant with these purposes."""
    defaults: dict[str, Any] = {
        "client": "c",
        "subject": "s",
        "scopes": frozenset(),
        "categories": None,
        "token_id": "j",
    }
    return Grant(**{**defaults, "purposes": frozenset(purposes), "expires": 0, **changes})


def build_cache(capacity: int = 1024) -> PlanCache:
    """Return an empty plan cache."""
    return PlanCache(SCHEMA, CATALOGUE, FormRenderer(bytes(32)).build_render, capacity)


def plan_document(text: str, grant: Grant, cache: PlanCache | None = None) -> QueryPlan:
    """Return the plan of a document for a grant."""
    executor: Any = Executor.build(SCHEMA, parse(text))
    assert not isinstance(executor, list), executor
    return (cache or build_cache()).get_plan(
        (text,), grant, None, executor.operation, executor.fragments, executor.variable_values
    )


def build_selection(path: str, leaf: str = "") -> str:
    """Return the selection of an attribute; ``leaf`` is its alias."""
    *groups, name = path.split(".")
    selection = f"{leaf}: {name}" if leaf else name
    for group in reversed(groups):
        selection = f"{group} {{ {selection} }}"
    return selection


def read_path(answer: Any, path: str, leaf: str = "") -> Any:
    """Return the value of an attribute in an answer."""
    *groups, name = path.split(".")
    for group in groups:
        answer = answer[group]
    return answer[leaf or name]


def build_document(attribute: Attribute) -> dict[str, Any]:
    """Return a stored document that has the attribute."""
    cell = encrypt_cell(AESGCM(bytes(32)), b"i" * 12, attribute.key.encode(), 2**62, bytes(12), VALUE)
    return {attribute.key: cell if attribute.sealed else 1, f"{attribute.key}t": 2**62}


def shape_document(plan: QueryPlan, document: dict[str, Any]) -> Any:
    """Return the answer of a plan's function for a customer who permits everything."""
    cut_offs = compute_cut_offs(plan, NOW // 1000)
    withheld: Any = defaultdict(set)
    cipher = CustomerCipher(b"i" * 12, bytes(32))
    row = CustomerRow({"_id": b"i" * 12, **document}, EVERY_BIT, lambda _doc, _kind: EVERY_BIT, cipher)
    cut_off_values = (cut_offs.earliest, cut_offs.latest, cut_offs.purpose_cut_offs)
    answer, _ = plan.shapes[NODES_PATH].function(row, *cut_off_values, withheld, NOW, lambda _: b'"id"')
    return orjson.loads(orjson.dumps(answer))


DOCUMENTS = {
    "plain": "{ customers { nodes { %s } } }",
    "with other fields": "{ customers { nodes { id __typename preferences { language } %s } } }",
    "in a fragment": "{ customers { nodes { ...F } } } fragment F on Customer { %s }",
    "in an inline fragment": "{ customers { nodes { ... on Node { ... on Customer { %s } } } } }",
    "included": "{ customers { nodes { ... @include(if: true) { %s } } } }",
    "selected twice": "{ customers { nodes { %s } } customers { nodes { id } } }",
}


@pytest.mark.parametrize("template_name", DOCUMENTS)
@pytest.mark.parametrize("leaf", ["", "renamed"])
def test_a_denied_field_without_arguments_does_not_bypass_its_decision(template_name: str, leaf: str) -> None:
    """A known defect of other executors: fields without arguments skipped their permission check.

    For every attribute and a token of every purpose: a denied attribute is in no projection, and the
    plan's function returns null for a document that has it.
    """
    denied_count = 0
    for attribute in CATALOGUE.attributes.values():
        text = DOCUMENTS[template_name] % build_selection(attribute.path, leaf)
        for purpose in PURPOSES:
            grant = build_grant(purpose)
            decision = decide_reveal(CATALOGUE, grant, grant.purposes, attribute.category, attribute.uses)
            plan = plan_document(text, grant)
            projected_paths = {
                name
                for projection in plan.projections.values()
                for name in (*projection.names, *projection.contested_names)
            }
            key = attribute.key
            value_paths = {key, f"{key}t", name_contested(key)}
            if isinstance(decision, Allow):
                assert projected_paths & value_paths, (attribute.path, purpose)
                continue
            denied_count += 1
            assert not projected_paths & value_paths
            assert read_path(shape_document(plan, build_document(attribute)), attribute.path, leaf) is None
            assert attribute.path in plan.shapes[NODES_PATH].denied
    assert denied_count > len(CATALOGUE.attributes)


@pytest.mark.parametrize(
    "arguments", ["", "(attributes: null)", f"(attributes: {json.dumps(sorted(CATALOGUE.attributes))})"]
)
def test_provenance_reads_only_what_its_attributes_may_read(arguments: str) -> None:
    """Denied attributes are not read, and the sources of a value are read only if it is shown in clear."""
    paths = sorted(CATALOGUE.attributes)
    text = f"{{ customers {{ nodes {{ provenance{arguments} {{ attribute }} }} }} }}"
    for purpose in [*PURPOSES, "self"]:
        grant = build_grant(purpose)
        plan = plan_document(text, grant)
        attributes_plan = plan_document(
            f"{{ customers {{ nodes {{ {' '.join(map(build_selection, paths))} }} }} }}", grant
        )
        assert plan.decisions == attributes_plan.decisions
        projection, plain = plan.projections["customers"], attributes_plan.projections["customers"]
        provenance_paths = {name for name in projection.names if name.startswith("p.")}
        assert {*projection.names} - provenance_paths == {*plain.names}
        assert projection.contested_names == plain.contested_names
        stored_attributes = (
            attribute for attribute in CATALOGUE.attributes.values() if attribute.computed is None
        )
        clear_keys = {
            attribute.key for attribute in stored_attributes if _is_clear(plan.decisions[attribute.path])
        }
        assert provenance_paths == {f"p.{key}" for key in clear_keys}


def _is_clear(decision: Decision) -> bool:
    return isinstance(decision, Allow) and any(
        permitted_form.form is Form.CLEAR for permitted_form in decision.permitted_forms
    )


@given(st.lists(st.sampled_from(PURPOSES), max_size=3), st.lists(st.sampled_from(PURPOSES), max_size=3))
@settings(max_examples=scale_examples(60))
def test_two_callers_share_a_plan_only_if_they_may_see_the_same(
    first_purposes: list[str], second_purposes: list[str]
) -> None:
    """The rights of the first caller do not apply to the second."""
    cache = build_cache()
    text = "{ customers { nodes { contact { email } demographics { birthDate } } } }"
    first, second = (
        plan_document(text, build_grant(*first_purposes), cache),
        plan_document(text, build_grant(*second_purposes), cache),
    )
    assert (first is second) == (set(first_purposes) == set(second_purposes))
    assert second.decisions == plan_document(text, build_grant(*second_purposes)).decisions


@pytest.mark.parametrize(
    "other_grant",
    [
        build_grant("analytics.reporting", categories=frozenset()),
        build_grant("analytics.reporting", categories=frozenset({"user.contact"})),
        build_grant("analytics.reporting", "self"),
        build_grant(),
    ],
    ids=["no category", "one category", "oneself", "no purpose"],
)
def test_every_restriction_of_a_token_is_part_of_the_plan_key(other_grant: Grant) -> None:
    """Categories, the purpose ``self`` or no purpose lead to another plan."""
    cache = build_cache()
    text = "{ customers { nodes { contact { email } } } }"
    assert plan_document(text, build_grant("analytics.reporting"), cache) is not plan_document(
        text, other_grant, cache
    )


def test_clients_with_the_same_rights_share_a_plan() -> None:
    """The ids of customers differ by client only when the plan is executed."""
    cache = build_cache()
    text = "{ customers { nodes { id } } }"
    first_grant, second_grant = (
        build_grant("analytics.reporting", client=name, subject=name, token_id=name) for name in "ab"
    )
    assert plan_document(text, first_grant, cache) is plan_document(text, second_grant, cache)


def test_the_plan_cache_is_bounded() -> None:
    """A client that sends new texts all the time does not fill the memory; used plans stay."""
    cache = build_cache(capacity=2)
    grant = build_grant("analytics.reporting")
    used_plan = plan_document("{ customers { nodes { id } } }", grant, cache)
    for number in range(5):
        plan_document(f"{{ customers {{ nodes {{ a{number}: id }} }} }}", grant, cache)
        assert plan_document("{ customers { nodes { id } } }", grant, cache) is used_plan
    assert len(cache._plans) == 2


NAMES = st.from_regex(r"[_A-Za-z][_0-9A-Za-z]{0,30}", fullmatch=True) | st.sampled_from(
    ["m", "s", "v0", "None", "E", "W", "import", "lambda", "__class__", "__builtins__", "d", "return", "F0_0"]
)


@given(NAMES.filter(lambda name: not name.startswith("__")), NAMES.filter(lambda n: not n.startswith("__")))
@settings(max_examples=scale_examples(150))
def test_an_alias_is_only_a_key_of_the_answer(group_alias: str, leaf_alias: str) -> None:
    """This holds for keywords of Python and for names in the generated code."""
    grant = build_grant("essential.service.operations.support")
    text = f"{{ customers {{ nodes {{ {group_alias}: contact {{ {leaf_alias}: email }} }} }} }}"
    attribute = CATALOGUE.attributes["contact.email"]
    assert shape_document(plan_document(text, grant), build_document(attribute)) == {
        group_alias: {leaf_alias: VALUE}
    }
