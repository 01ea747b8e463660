"""Callers see codes and the log has places in the code; neither has values."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLError, build_schema, execute_sync, parse

from discretion.edge.error_mask import ErrorMask
from discretion.errors import Forbidden, Unauthenticated, Unavailable

SECRET = "ada@shop.example"
SCHEMA = build_schema("""
    input Who { email: String!, size: Int }
    type Query { name(n: Int, who: Who, list: [Int!]): String, must: String!, number: Int }
""")
MASK = ErrorMask(lambda size: b"\x07" * size)


def mask_first_error(text: str, root: Any = None, **variables: Any) -> dict[str, Any]:
    result = execute_sync(
        SCHEMA, parse(text), root, variable_values=variables, middleware=None, hide_suggestions=True
    )
    assert isinstance(result, ExecutionResult)
    assert result.errors
    return MASK.mask_errors(result.errors)[0]


def build_failing_root(error: Exception) -> dict[str, Any]:
    def resolve(*_: Any, **__: Any) -> str:
        raise error

    return {"name": resolve}


def test_a_refusal_has_its_code_and_advice() -> None:
    masked_error = mask_first_error(
        "{ x: name }", build_failing_root(Forbidden("SCOPE_MISSING", "No.", "Ask for it."))
    )
    assert masked_error == {
        "message": "No.",
        "extensions": {"code": "SCOPE_MISSING", "advice": "Ask for it."},
        "locations": [{"line": 1, "column": 3}],
        "path": ["x"],
    }


def test_a_fault_of_the_server_shows_only_its_code(caplog: pytest.LogCaptureFixture) -> None:
    masked_error = mask_first_error(
        "{ name }", build_failing_root(Unavailable("LEDGER_UNAVAILABLE", f"lost {SECRET}"))
    )
    assert masked_error["message"] == "The service cannot answer now."
    assert masked_error["extensions"] == {"code": "LEDGER_UNAVAILABLE"}
    assert "LEDGER_UNAVAILABLE" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("error", [ValueError(SECRET), KeyError(SECRET), GraphQLError(SECRET)])
def test_an_unexpected_error_shows_only_a_correlation_id(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    masked_error = mask_first_error("{ name }", build_failing_root(error))
    assert masked_error["message"] == "Unexpected error"
    assert masked_error["extensions"] == {"code": "INTERNAL", "correlation": "07" * 8}
    assert "07" * 8 in caplog.text
    assert "test_error_mask.py" in caplog.text
    assert SECRET not in caplog.text + str(masked_error)


def test_the_log_names_the_causes_of_an_error_without_their_messages(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    error = RuntimeError(SECRET)
    error.__cause__ = OSError(SECRET)
    mask_first_error("{ name }", build_failing_root(error))
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
def test_the_error_for_a_wrong_variable_names_only_its_type(text: str, variables: dict[str, Any]) -> None:
    masked_error = mask_first_error(text, **variables)
    variable_type = text.partition(": ")[2].partition(")")[0]
    assert masked_error["message"] == f"Variable '$n' takes a value of type '{variable_type}'."
    assert masked_error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert SECRET not in str(masked_error)


def test_deeply_nested_variables_are_bad_user_input() -> None:
    nested_list: Any = 1
    for _ in range(5_000):
        nested_list = [nested_list]
    assert (
        mask_first_error("query ($n: [Int!]) { name(list: $n) }", n=nested_list)["extensions"]["code"]
        == "BAD_USER_INPUT"
    )


def test_a_stored_value_of_the_wrong_type_is_not_shown() -> None:
    for root, text in (({"number": SECRET}, "{ number }"), ({"must": None}, "{ must }")):
        masked_error = mask_first_error(text, root)
        assert masked_error["extensions"]["code"] == "INTERNAL"
        assert SECRET not in str(masked_error)


def test_an_argument_missing_at_run_time_is_named() -> None:
    error = GraphQLError(f"Argument 'Query.name(n:)' has invalid value {SECRET}.", path=["name"])
    masked_error = MASK.mask_execution_error(error)
    assert masked_error["message"] == "Argument 'Query.name(n:)' has no value it can take."
    assert masked_error["extensions"]["code"] == "BAD_USER_INPUT"


def test_outside_execution_the_error_class_gives_the_status() -> None:
    assert MASK.mask_exception(Unauthenticated("TOKEN_EXPIRED", "Expired.")).status == 401
    assert MASK.mask_exception(Unavailable("STORE_UNAVAILABLE", "Away.")).status == 503
    assert MASK.mask_exception(ValueError(SECRET)).status == 500
    assert MASK.mask_exception(GraphQLError("Variable '$n' has invalid value: 1")).status == 400
