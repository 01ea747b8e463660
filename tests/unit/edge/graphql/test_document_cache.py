"""Query texts are bounded before they are validated, and errors teach nobody the schema."""

from __future__ import annotations

import time
from typing import Any

import pytest
from graphql import OperationType, build_schema

from discretion.edge.graphql.document_cache import Documents, Invalid, Prepared
from discretion.errors import Refusal
from discretion.plan.query_cost import Budget

SCHEMA = build_schema("""
    input Who { email: String!, phone: String }
    enum Colour { RED }
    type Query {
        self: Query
        name(who: Who, colour: Colour, size: Int!): String
        customers(first: Int): [Query]
        nodes(ids: [ID!]!): [Query]
        provenance(attributes: [String!]): [Query]
    }
    type Mutation { forget(email: String): Boolean }
""")


def prepared(text: str) -> Prepared:
    found = Documents(SCHEMA).prepare(text)
    assert isinstance(found, Prepared), found
    return found


def errors(text: str, budget: Budget | None = None) -> tuple[dict[str, Any], ...]:
    found = Documents(SCHEMA, budget).prepare(text)
    assert isinstance(found, Invalid)
    return found.errors


def code(text: str, budget: Budget | None = None) -> str:
    return str(errors(text, budget)[0]["extensions"]["code"])


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("\ud800", "GRAPHQL_PARSE_FAILED"),
        ("{ nowhere }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ self { ...a } } fragment a on Query { self { ...a } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{" + "self{" * 20 + "self" + "}" * 21, "QUERY_TOO_DEEP"),
        ("{" + "self{" * 5_000 + "self" + "}" * 5_001, "QUERY_TOO_DEEP"),
        ("{ name(size: " + "[" * 1_500 + "]" * 1_500 + ") }", "QUERY_TOO_DEEP"),
        ("{" + " __typename" * 3_000 + "}", "QUERY_TOO_LONG"),
        ("#\n" * 20_000 + "{ __typename }", "QUERY_TOO_LONG"),
        ("{ __typename }" + " " * 50_000, "QUERY_TOO_LONG"),
    ],
)
def test_a_document_that_may_not_be_executed_says_why(text: str, refused: str) -> None:
    assert code(text) == refused


def test_a_hundred_thousand_comments_are_not_read_to_the_end() -> None:
    text = "#\n" * 100_000 + "{ __typename }"
    for budget in (Budget(), Budget(characters=10**6)):
        started = time.process_time()
        assert code(text, budget) == "QUERY_TOO_LONG"
        assert time.process_time() - started < 1


@pytest.mark.parametrize("links", [17, 60, 190])
def test_a_doubling_chain_of_fragments_is_refused_before_validation(links: int) -> None:
    text = "".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(links))
    started = time.process_time()
    assert (
        code(f"{{ ...f0 }} {text} fragment f{links} on Query {{ __typename }}")
        == "QUERY_TOO_MANY_ROOT_FIELDS"
    )
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("text", "meant"),
    [("{ slf { name } }", "self"), ("{ name(siz: 1) }", "size"), ("{ ... on Quer { self } }", "Query")],
)
def test_a_misspelt_name_is_told_what_was_probably_meant(text: str, meant: str) -> None:
    assert f"Did you mean '{meant}'?" in str(errors(text))


def test_long_names_cost_no_more_than_they_say() -> None:
    """What was meant is looked for among few names, and not at any length."""
    text = "{" + " ".join(f"{'n' * 400}{number}" for number in range(20)) + "}"
    started = time.process_time()
    assert errors(text)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "text",
    [
        '{ name(size: "ada@shop.example") }',
        '{ name(size: 1, who: {email: 7, phone: "ada@shop.example"}) }',
        '{ name(size: 1, who: {phone: "ada@shop.example"}) }',
        '{ name(size: 1, who: {email: "ada@shop.example", nick: "ada@shop.example"}) }',
        '{ name(size: 1, who: "ada@shop.example") }',
        '{ name(size: 1, colour: "ada@shop.example") }',
        'query ($n: Int = "ada@shop.example") { name(size: $n) }',
        '{ "ada@shop.example" }',
        '{ name("ada@shop.example") }',
        '{ name(size: """ada@shop.example""" "ada@shop.example") }',
    ],
)
def test_errors_never_quote_a_literal(text: str) -> None:
    assert "ada@shop" not in str(errors(text))


def test_a_wrong_literal_is_told_its_type() -> None:
    said = [error["message"] for error in errors('{ name(size: "x", who: {phone: "y"}) }')]
    assert said == [
        "Expected a value of type 'Int!'.",
        "Expected value of type 'Who' to include required field 'email'.",
    ]


def test_errors_say_where_they_are() -> None:
    assert errors("{\n  nowhere\n}")[0]["locations"] == [{"line": 2, "column": 3}]


def test_at_most_twenty_errors_are_told() -> None:
    assert len(errors("{ self { " + " ".join(f"x{n}" for n in range(100)) + "} }")) <= 21


def test_an_operation_is_found_by_name_or_alone() -> None:
    both = prepared("query A { __typename } mutation B { forget }")
    assert both.kind("A") is OperationType.QUERY
    assert both.kind("B") is OperationType.MUTATION
    assert prepared("{ __typename }").kind(None) is OperationType.QUERY
    for name, refused in ((None, "OPERATION_NAME_NEEDED"), ("C", "OPERATION_NAME_UNKNOWN")):
        refusal = both.operation(name)
        assert isinstance(refusal, Refusal)
        assert refusal.code == refused
        assert both.kind(name) is None


def test_variables_that_decide_are_known() -> None:
    found = prepared("""
        query ($a: Boolean!, $b: Boolean!, $n: Int, $i: [ID!]!, $s: Int!) {
            customers(first: $n) { ...f name(size: $s) }
            nodes(ids: $i) { self @skip(if: $a) { __typename } }
        }
        fragment f on Query { __typename @include(if: $b) }
    """)
    assert found.conditions == {"a", "b"}
    assert found.sizes == {"n", "i"}
    assert set(found.fragments) == {"f"}


def test_variables_that_name_attributes_decide_and_size() -> None:
    """Alone or among others in a list; those of other fields do not."""
    found = prepared("""
        query ($a: [String!], $b: String!, $c: String!) {
            customers { provenance(attributes: $a) { ...f } name(size: 1, who: {email: $c}) }
        }
        fragment f on Query { provenance(attributes: ["x", $b]) { __typename } }
    """)
    assert found.conditions == {"a", "b"}
    assert found.sizes == {"a"}


def test_naming_no_attribute_is_asking_for_all() -> None:
    """By leaving the variable out or by null; one without a list around it is one, whoever asked before."""
    documents = Documents(SCHEMA, Budget(rows=20), pages={"provenance": 21})
    found = documents.prepare("query ($a: [String!]) { provenance(attributes: $a) { __typename } }")
    assert isinstance(found, Prepared)
    for named, refused in ((["x"] * 20, False), (["x"] * 21, True), ("x", False), (None, True), ("y", False)):
        assert (documents.weigh(found, None, {"a": named}) is not None) is refused, named
    assert documents.weigh(found, None, {}) is not None


def test_variables_cannot_ask_for_more_rows_than_the_budget_has() -> None:
    documents = Documents(SCHEMA, pages={"customers": 20})
    found = documents.prepare("query ($n: Int = 30) { customers(first: $n) { __typename } }")
    assert isinstance(found, Prepared)
    assert documents.weigh(found, None, {}) is None
    assert documents.weigh(found, None, {"n": 10_000}) is None
    for _ in range(2):
        refusal = documents.weigh(found, None, {"n": 10_001})
        assert refusal is not None
        assert refusal.code == "QUERY_TOO_EXPENSIVE"


def test_weighing_survives_any_number_and_kind_of_variables() -> None:
    documents = Documents(SCHEMA)
    found = documents.prepare(
        "query ($n: Int, $i: [ID!]!) { customers(first: $n) { nodes(ids: $i) { __typename } } }"
    )
    assert isinstance(found, Prepared)
    for value in (*range(2_000), "x", None, True, 1.5, [], {}, {"a": []}):
        assert documents.weigh(found, None, {"n": 1, "i": [value]}) is None
        documents.weigh(found, None, {"n": value, "i": value})


def test_a_text_is_prepared_once_and_forgotten_when_room_is_short() -> None:
    documents = Documents(SCHEMA, capacity=1_000)
    first = documents.prepare("{ __typename }")
    assert documents.prepare("{ __typename }") is first
    for n in range(5):
        documents.prepare(f"query q{n} {{ __typename }}")
    assert documents.prepare("{ __typename }") is not first


def test_a_text_larger_than_the_room_is_prepared_all_the_same() -> None:
    documents = Documents(SCHEMA, capacity=10)
    assert isinstance(documents.prepare("{ __typename }"), Prepared)
