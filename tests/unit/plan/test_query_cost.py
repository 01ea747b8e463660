"""The cost of a document is measured in time linear in its text, and limits are enforced."""

from __future__ import annotations

import time
from typing import Any

import pytest
from graphql import get_introspection_query, parse

from discretion.plan.query_cost import QueryBudget, QueryCost, check_budget, measure_cost


def build_fragment_chain(links: int) -> str:
    """Return fragments that each spread the next one twice, so that fields double at every link."""
    links_text = "".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(links))
    return f"{{ ...f0 }} {links_text} fragment f{links} on Query {{ a }}"


def find_refusal_code(text: str, budget: QueryBudget | None = None, **variables: Any) -> str | None:
    refusal = check_budget(measure_cost(parse(text), None, variables), budget or QueryBudget())
    return refusal.code if refusal else None


@pytest.mark.parametrize("links", [17, 60, 400])
def test_a_doubling_chain_of_fragments_is_measured_once_for_each_link(links: int) -> None:
    document = parse(build_fragment_chain(links))
    started = time.process_time()
    cost = measure_cost(document)
    elapsed_s = time.process_time() - started
    assert cost.fields == min(2**links, 10**9)
    assert check_budget(cost, QueryBudget()) is not None
    assert elapsed_s < 1


def test_a_chain_longer_than_pythons_stack_is_measured() -> None:
    text = "".join(f"fragment f{n} on Q {{ ...f{n + 1} }}" for n in range(5_000))
    assert measure_cost(parse(f"{{ ...f0 }} {text} fragment f5000 on Q {{ a }}")).fields == 1


def test_circular_fragments_count_once() -> None:
    mutual_cost = measure_cost(parse("{ ...a } fragment a on Q { x ...b } fragment b on Q { y ...a }"))
    self_cost = measure_cost(parse("{ ...a } fragment a on Q { x ...a ...a }"))
    assert (mutual_cost.fields, self_cost.fields) == (2, 1)


def test_unknown_fragments_cost_nothing() -> None:
    assert measure_cost(parse("{ ...nowhere a }")).fields == 1


def test_the_full_introspection_query_fits_into_the_budget() -> None:
    text = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )
    assert check_budget(measure_cost(parse(text)), QueryBudget()) is None


def test_all_costs_are_counted_through_fragments() -> None:
    text = """
    query A @one { x: a { ...f } b @skip(if: true) { ... on T @two { y: c } } }
    fragment f on T @three { z: d { e } ... { g } }
    """
    assert measure_cost(parse(text)) == QueryCost(
        operations=1, depth=3, aliases=3, directives=4, root_fields=2, fields=6, rows=0
    )


def test_without_an_operation_name_the_most_expensive_one_counts() -> None:
    document = parse("query A { a } query B { a { b { c } } }")
    assert measure_cost(document, "A").depth == 1
    assert measure_cost(document, "B").depth == 3
    assert measure_cost(document) == measure_cost(document, "B")


@pytest.mark.parametrize(
    ("text", "variables", "rows"),
    [
        ("{ customers(first: 10) { nodes { id } } }", {}, 10),
        ("{ customers(last: 10) { nodes { events(first: 5) { nodes { id } } } } }", {}, 60),
        ("{ customers { nodes { id } } }", {}, 20),
        ("{ customers(first: null) { nodes { id } } }", {}, 20),
        ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": 7}, 7),
        ("query ($n: Int = 9) { customers(first: $n) { nodes { id } } }", {}, 9),
        ("query ($n: Int = 9) { customers(first: $n) { nodes { id } } }", {"n": 3}, 3),
        ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": "many"}, 20),
        ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": -5}, 0),
        ("{ customers(first: 99999999999999999999) { nodes { id } } }", {}, 10**9),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', {}, 3),
        ("query ($i: [ID!]!) { nodes(ids: $i) { id } }", {"i": ["a", "b"]}, 2),
        ("{ customers(first: 10) { ...p } } fragment p on C { nodes { events(first: 2) { id } } }", {}, 30),
    ],
)
def test_rows_are_the_product_of_page_sizes(text: str, variables: dict[str, Any], rows: int) -> None:
    assert measure_cost(parse(text), None, variables, {"customers": 20}).rows == rows


@pytest.mark.parametrize(
    ("text", "expected_code"),
    [
        ("{" + "a{" * 15 + "b" + "}" * 16, "QUERY_TOO_DEEP"),
        ("{ x { " + " ".join(f"a{n}: b" for n in range(51)) + "} }", "QUERY_TOO_MANY_ALIASES"),
        ("{ a " + "@include(if: true) " * 51 + "}", "QUERY_TOO_MANY_DIRECTIVES"),
        ("{ " + "a " * 21 + "}", "QUERY_TOO_MANY_ROOT_FIELDS"),
        ("{ a { " + "b " * 2_000 + "} }", "QUERY_TOO_MANY_FIELDS"),
        ("{ a(first: 100) { b(first: 101) { c } } }", "QUERY_TOO_EXPENSIVE"),
        (" ".join(f"query q{n} {{ a }}" for n in range(11)), "QUERY_TOO_MANY_OPERATIONS"),
        ("{ a(first: 90) { b(first: 100) { c } } }", None),
    ],
)
def test_every_limit_has_its_code(text: str, expected_code: str | None) -> None:
    assert find_refusal_code(text) == expected_code


def test_a_fragment_cannot_hide_depth_or_aliases() -> None:
    depth = "{ ...f0 } " + " ".join(f"fragment f{n} on Q {{ a {{ ...f{n + 1} }} }}" for n in range(16))
    assert find_refusal_code(depth + "fragment f16 on Q { a }") == "QUERY_TOO_DEEP"
    aliases = "{ " + " ".join(f"... on Q {{ b {{ ...f }} c{n}: d }}" for n in range(20)) + "}"
    assert (
        find_refusal_code(aliases + "fragment f on Q { x: a y: a }", QueryBudget(root_fields=99))
        == "QUERY_TOO_MANY_ALIASES"
    )
