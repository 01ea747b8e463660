"""Callers learn codes, never values; the log learns places, never values."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLError, build_schema, execute_sync, parse

from discretion.edge.error_mask import Mask
from discretion.errors import Forbidden, Unauthenticated, Unavailable

SECRET = "ada@shop.example"
SCHEMA = build_schema("""
    input Who { email: String!, size: Int }
    type Query { name(n: Int, who: Who, list: [Int!]): String, must: String!, number: Int }
""")
MASK = Mask(lambda size: b"\x07" * size)


def run(text: str, root: Any = None, **variables: Any) -> dict[str, Any]:
    result = execute_sync(
        SCHEMA, parse(text), root, variable_values=variables, middleware=None, hide_suggestions=True
    )
    assert isinstance(result, ExecutionResult)
    assert result.errors
    return MASK.errors(result.errors)[0]


def raising(error: Exception) -> dict[str, Any]:
    def resolve(*_: Any, **__: Any) -> str:
        raise error

    return {"name": resolve}


def test_a_refusal_speaks_with_its_code_and_advice() -> None:
    said = run("{ x: name }", raising(Forbidden("SCOPE_MISSING", "No.", "Ask for it.")))
    assert said == {
        "message": "No.",
        "extensions": {"code": "SCOPE_MISSING", "advice": "Ask for it."},
        "locations": [{"line": 1, "column": 3}],
        "path": ["x"],
    }


def test_a_fault_tells_its_code_only(caplog: pytest.LogCaptureFixture) -> None:
    said = run("{ name }", raising(Unavailable("LEDGER_UNAVAILABLE", f"lost {SECRET}")))
    assert said["message"] == "The service cannot answer now."
    assert said["extensions"] == {"code": "LEDGER_UNAVAILABLE"}
    assert "LEDGER_UNAVAILABLE" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("error", [ValueError(SECRET), KeyError(SECRET), GraphQLError(SECRET)])
def test_anything_else_is_an_id_to_quote(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    said = run("{ name }", raising(error))
    assert said["message"] == "Unexpected error"
    assert said["extensions"] == {"code": "INTERNAL", "correlation": "07" * 8}
    assert "07" * 8 in caplog.text
    assert "test_error_mask.py" in caplog.text
    assert SECRET not in caplog.text + str(said)


def test_the_log_names_the_causes_of_an_error_without_their_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    error = RuntimeError(SECRET)
    error.__cause__ = OSError(SECRET)
    run("{ name }", raising(error))
    assert "OSError" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("query ($n: Int) { name(n: $n) }", {"n": SECRET}),
        ("query ($n: Int!) { name(n: $n) }", {}),
        ("query ($n: Who) { name(who: $n) }", {"n": {"email": 5, "size": SECRET}}),
        ("query ($n: Who) { name(who: $n) }", {"n": {SECRET: 5}}),
        ("query ($n: Who) { name(who: $n) }", {"n": SECRET}),
        ("query ($n: [Int!]) { name(list: $n) }", {"n": [1, SECRET]}),
    ],
)
def test_a_variable_that_does_not_fit_is_named_with_its_type_only(
    text: str, variables: dict[str, Any]
) -> None:
    said = run(text, **variables)
    type_ = text.partition(": ")[2].partition(")")[0]
    assert said["message"] == f"Variable '$n' takes a value of type '{type_}'."
    assert said["extensions"] == {"code": "BAD_USER_INPUT"}
    assert SECRET not in str(said)


def test_variables_nested_without_end_are_the_callers_fault() -> None:
    deep: Any = 1
    for _ in range(5_000):
        deep = [deep]
    assert run("query ($n: [Int!]) { name(list: $n) }", n=deep)["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_value_of_ours_that_does_not_fit_its_type_is_not_told() -> None:
    for root, text in (({"number": SECRET}, "{ number }"), ({"must": None}, "{ must }")):
        said = run(text, root)
        assert said["extensions"]["code"] == "INTERNAL"
        assert SECRET not in str(said)


def test_an_argument_left_out_at_run_time_is_named() -> None:
    error = GraphQLError(f"Argument 'Query.name(n:)' has invalid value {SECRET}.", path=["name"])
    said = MASK.error(error)
    assert said["message"] == "Argument 'Query.name(n:)' has no value it can take."
    assert said["extensions"]["code"] == "BAD_USER_INPUT"


def test_outside_execution_the_class_gives_the_status() -> None:
    assert MASK.outside(Unauthenticated("TOKEN_EXPIRED", "Expired.")).status == 401
    assert MASK.outside(Unavailable("STORE_UNAVAILABLE", "Away.")).status == 503
    assert MASK.outside(ValueError(SECRET)).status == 500
    assert MASK.outside(GraphQLError("Variable '$n' has invalid value: 1")).status == 400
