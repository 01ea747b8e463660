"""Query texts are limited before they are validated, and errors do not quote literals."""

from __future__ import annotations

import time
from typing import Any

import pytest
from graphql import OperationType, build_schema

from discretion.edge.graphql.document_cache import DocumentCache, InvalidDocument, PreparedDocument
from discretion.errors import Refusal
from discretion.plan.query_cost import QueryBudget

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


def prepare_document(text: str) -> PreparedDocument:
    document = DocumentCache(SCHEMA).prepare(text)
    assert isinstance(document, PreparedDocument), document
    return document


def list_errors(text: str, budget: QueryBudget | None = None) -> tuple[dict[str, Any], ...]:
    document = DocumentCache(SCHEMA, budget).prepare(text)
    assert isinstance(document, InvalidDocument)
    return document.errors


def find_first_code(text: str, budget: QueryBudget | None = None) -> str:
    return str(list_errors(text, budget)[0]["extensions"]["code"])


@pytest.mark.parametrize(
    ("text", "expected_code"),
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
def test_a_document_that_cannot_be_executed_is_refused_with_its_code(text: str, expected_code: str) -> None:
    assert find_first_code(text) == expected_code


def test_a_long_run_of_comments_is_refused_early() -> None:
    text = "#\n" * 100_000 + "{ __typename }"
    for budget in (QueryBudget(), QueryBudget(characters=10**6)):
        started = time.process_time()
        assert find_first_code(text, budget) == "QUERY_TOO_LONG"
        assert time.process_time() - started < 1


@pytest.mark.parametrize("links", [17, 60, 190])
def test_a_doubling_chain_of_fragments_is_refused_before_validation(links: int) -> None:
    text = "".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(links))
    started = time.process_time()
    assert (
        find_first_code(f"{{ ...f0 }} {text} fragment f{links} on Query {{ __typename }}")
        == "QUERY_TOO_MANY_ROOT_FIELDS"
    )
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("text", "meant"),
    [("{ slf { name } }", "self"), ("{ name(siz: 1) }", "size"), ("{ ... on Quer { self } }", "Query")],
)
def test_a_misspelt_name_gets_a_suggestion(text: str, meant: str) -> None:
    assert f"Did you mean '{meant}'?" in str(list_errors(text))


def test_suggestions_for_long_names_are_cheap() -> None:
    """Suggestions are searched among few names, and only for names of limited length."""
    text = "{" + " ".join(f"{'n' * 400}{number}" for number in range(20)) + "}"
    started = time.process_time()
    assert list_errors(text)
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
    assert "ada@shop" not in str(list_errors(text))


def test_the_error_for_a_wrong_literal_names_the_expected_type() -> None:
    messages = [error["message"] for error in list_errors('{ name(size: "x", who: {phone: "y"}) }')]
    assert messages == [
        "Expected a value of type 'Int!'.",
        "Expected value of type 'Who' to include required field 'email'.",
    ]


def test_errors_have_a_location() -> None:
    assert list_errors("{\n  nowhere\n}")[0]["locations"] == [{"line": 2, "column": 3}]


def test_at_most_twenty_errors_are_reported() -> None:
    assert len(list_errors("{ self { " + " ".join(f"x{n}" for n in range(100)) + "} }")) <= 21


def test_an_operation_is_found_by_name_or_alone() -> None:
    document = prepare_document("query A { __typename } mutation B { forget }")
    assert document.operation_type("A") is OperationType.QUERY
    assert document.operation_type("B") is OperationType.MUTATION
    assert prepare_document("{ __typename }").operation_type(None) is OperationType.QUERY
    for name, expected_code in ((None, "OPERATION_NAME_NEEDED"), ("C", "OPERATION_NAME_UNKNOWN")):
        refusal = document.select_operation(name)
        assert isinstance(refusal, Refusal)
        assert refusal.code == expected_code
        assert document.operation_type(name) is None


def test_variables_of_conditions_and_page_sizes_are_collected() -> None:
    document = prepare_document("""
        query ($a: Boolean!, $b: Boolean!, $n: Int, $i: [ID!]!, $s: Int!) {
            customers(first: $n) { ...f name(size: $s) }
            nodes(ids: $i) { self @skip(if: $a) { __typename } }
        }
        fragment f on Query { __typename @include(if: $b) }
    """)
    assert document.condition_variables == {"a", "b"}
    assert document.size_variables == {"n", "i"}
    assert set(document.fragments) == {"f"}


def test_variables_that_name_attributes_count_as_condition_and_size() -> None:
    """They count alone or in a list; variables of other fields do not."""
    document = prepare_document("""
        query ($a: [String!], $b: String!, $c: String!) {
            customers { provenance(attributes: $a) { ...f } name(size: 1, who: {email: $c}) }
        }
        fragment f on Query { provenance(attributes: ["x", $b]) { __typename } }
    """)
    assert document.condition_variables == {"a", "b"}
    assert document.size_variables == {"a"}


def test_no_attribute_argument_costs_as_much_as_all_attributes() -> None:
    """The variable may be absent or null. A value without a list counts as one, whatever came before."""
    documents = DocumentCache(SCHEMA, QueryBudget(rows=20), page_sizes={"provenance": 21})
    document = documents.prepare("query ($a: [String!]) { provenance(attributes: $a) { __typename } }")
    assert isinstance(document, PreparedDocument)
    for attributes, is_refused in (
        (["x"] * 20, False),
        (["x"] * 21, True),
        ("x", False),
        (None, True),
        ("y", False),
    ):
        assert (documents.check_cost(document, None, {"a": attributes}) is not None) is is_refused, attributes
    assert documents.check_cost(document, None, {}) is not None


def test_variables_cannot_ask_for_more_rows_than_the_budget_has() -> None:
    documents = DocumentCache(SCHEMA, page_sizes={"customers": 20})
    document = documents.prepare("query ($n: Int = 30) { customers(first: $n) { __typename } }")
    assert isinstance(document, PreparedDocument)
    assert documents.check_cost(document, None, {}) is None
    assert documents.check_cost(document, None, {"n": 10_000}) is None
    for _ in range(2):
        refusal = documents.check_cost(document, None, {"n": 10_001})
        assert refusal is not None
        assert refusal.code == "QUERY_TOO_EXPENSIVE"


def test_the_cost_check_accepts_any_number_and_kind_of_variables() -> None:
    documents = DocumentCache(SCHEMA)
    document = documents.prepare(
        "query ($n: Int, $i: [ID!]!) { customers(first: $n) { nodes(ids: $i) { __typename } } }"
    )
    assert isinstance(document, PreparedDocument)
    for value in (*range(2_000), "x", None, True, 1.5, [], {}, {"a": []}):
        assert documents.check_cost(document, None, {"n": 1, "i": [value]}) is None
        documents.check_cost(document, None, {"n": value, "i": value})


def test_a_document_is_prepared_once_and_evicted_when_the_cache_is_full() -> None:
    documents = DocumentCache(SCHEMA, capacity=1_000)
    first = documents.prepare("{ __typename }")
    assert documents.prepare("{ __typename }") is first
    for n in range(5):
        documents.prepare(f"query q{n} {{ __typename }}")
    assert documents.prepare("{ __typename }") is not first


def test_a_document_larger_than_the_cache_is_prepared() -> None:
    documents = DocumentCache(SCHEMA, capacity=10)
    assert isinstance(documents.prepare("{ __typename }"), PreparedDocument)
