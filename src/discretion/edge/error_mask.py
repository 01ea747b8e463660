"""GraphQL errors as callers may see them.

A refusal passes with its code, message and advice. A fault passes with its code only. Every other exception
becomes ``INTERNAL`` with an id to quote. Messages of graphql-core pass once they are known to hold no
value: an address that was sent in the wrong variable must not come back in a response that the caller's log
may keep. The log of this module names types and lines of code, never the message of an exception that is
not a ``DiscretionError``, and never local variables.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError, VariableDefinitionNode, print_ast

from discretion.edge.error_trace import trace_error
from discretion.errors import DiscretionError, Fault, Misconfigured

_log = logging.getLogger(__name__)

INTERNAL = "INTERNAL"
PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT = "BAD_USER_INPUT"

_FAULT_MESSAGE = "The service cannot answer now."
_INTERNAL_MESSAGE = "Unexpected error"
_ARGUMENT = re.compile(r"Argument '(?P<name>[^']+)' ")
_VARIABLE = re.compile(r"Variable '\$(?P<name>\w+)' ")
# graphql-core quotes the literal that it did not expect, and it may be a personal value.
_QUOTED_LITERAL = re.compile(r"\b(String|BlockString|Int|Float) '.*'", re.DOTALL)

FormattedError = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MaskedError:
    """The response to a request that an error ended: an HTTP status and a GraphQL error."""

    status: int
    error: FormattedError


class ErrorMask:
    """Turns errors into what callers may read. ``entropy`` is for the ids that callers can quote."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy

    def mask_errors(self, errors: Iterable[GraphQLError]) -> list[FormattedError]:
        """Return the ``errors`` entry of a response."""
        return [self.mask_execution_error(error) for error in errors]

    def mask_execution_error(self, error: GraphQLError) -> FormattedError:
        """Return an error of execution, with its place in the document and its path in the data."""
        cause = _find_cause(error)
        formatted_error = _format_input_error(error) if cause is None else self._mask_cause(cause)
        if error.locations:
            formatted_error["locations"] = [
                {"line": location.line, "column": location.column} for location in error.locations
            ]
        if error.path is not None:
            formatted_error["path"] = list(error.path)
        return formatted_error

    def mask_exception(self, error: Exception) -> MaskedError:
        """Return an error that ended a request before it had data, with its HTTP status."""
        if isinstance(error, GraphQLError):
            formatted_error = self.mask_execution_error(error)
            return MaskedError(
                500 if formatted_error["extensions"]["code"] == INTERNAL else 400, formatted_error
            )
        status = error.status if isinstance(error, DiscretionError) else 500
        return MaskedError(status, self._mask_cause(error))

    def _mask_cause(self, error: BaseException) -> FormattedError:
        """Return the GraphQL error for an exception, and log it unless it is a refusal."""
        if isinstance(error, Fault | Misconfigured):
            # The message of a fault is for the operator: it may name files, hosts and settings.
            _log.error("%s %s at %s", type(error).__name__, error.code, trace_error(error))
            return format_error(error.code, _FAULT_MESSAGE)
        if isinstance(error, DiscretionError):
            return format_refusal(error)
        # A random id is all that the log and the caller share, so the log needs no data of the request.
        correlation = self._entropy(8).hex()
        _log.error(
            "unexpected %s, correlation %s, at %s", type(error).__name__, correlation, trace_error(error)
        )
        return format_error(INTERNAL, _INTERNAL_MESSAGE, {"correlation": correlation})


def format_error(code: str, message: str, extra: Mapping[str, object] | None = None) -> FormattedError:
    """Return a GraphQL error: ``{"message", "extensions": {"code", …}}``."""
    return {"message": message, "extensions": {"code": code, **(extra or {})}}


def format_refusal(error: DiscretionError) -> FormattedError:
    """Return a refusal with its code, message and advice."""
    return format_error(error.code, error.message, {"advice": error.advice} if error.advice else None)


def format_syntax_error(error: GraphQLSyntaxError) -> FormattedError:
    """Return the error of a document that does not parse, without the literals that graphql-core quotes."""
    formatted_error = format_error(PARSE_FAILED, _QUOTED_LITERAL.sub(r"\1", error.message))
    return _with_locations(formatted_error, error)


def format_validation_error(error: GraphQLError) -> FormattedError:
    """Return the error of a document that breaks a validation rule.

    The rules of ``document_cache`` write messages without values, so they pass as they are.
    """
    return _with_locations(format_error(VALIDATION_FAILED, error.message), error)


def _find_cause(error: GraphQLError) -> BaseException | None:
    """Return the exception behind an error; None if graphql-core complains about the request.

    An error without a path ended the request before it ran, while variables were coerced. An error with a
    path and a GraphQLError behind it is about an argument, or about a resolved value that does not fit its
    type. The latter is a defect of this program, and its message quotes the value, so it is masked.
    """
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if isinstance(original, DiscretionError):
        return original
    if original is not None and not isinstance(original, GraphQLError):
        return None if error.path is None and _is_about_input(error) else original
    if error.path is not None and not _is_about_input(error):
        return error
    return None


def _is_about_input(error: GraphQLError) -> bool:
    return bool(_VARIABLE.match(error.message) or _ARGUMENT.match(error.message))


def _format_input_error(error: GraphQLError) -> FormattedError:
    """Return graphql-core's complaint about the request, without the values that it quotes."""
    if match := _VARIABLE.match(error.message):
        return format_error(BAD_USER_INPUT, _describe_variable(match["name"], error))
    if match := _ARGUMENT.match(error.message):
        return format_error(BAD_USER_INPUT, f"Argument '{match['name']}' has no value it can take.")
    return format_error(BAD_USER_INPUT, "The operation cannot be executed with these parameters.")


def _describe_variable(name: str, error: GraphQLError) -> str:
    for node in error.nodes or ():
        if isinstance(node, VariableDefinitionNode):
            return f"Variable '${name}' takes a value of type '{print_ast(node.type)}'."
    return f"Variable '${name}' has no value it can take."


def _with_locations(formatted_error: FormattedError, error: GraphQLError) -> FormattedError:
    if error.locations:
        formatted_error["locations"] = [
            {"line": location.line, "column": location.column} for location in error.locations
        ]
    return formatted_error
