"""Errors as callers may see them.

A refusal speaks; a fault tells its code; anything else becomes an id to quote. graphql-core's own
messages pass once they are known to hold no value: a person's address typed into the wrong variable
must not come back in an answer that somebody's log keeps. What we log names types and lines of
code, never the message of an error we did not write, never locals.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError, VariableDefinitionNode, print_ast

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
_QUOTED_LITERAL = re.compile(r"\b(String|BlockString|Int|Float) '.*'", re.DOTALL)

Formatted = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Masked:
    """What a caller gets for an error that ended the request: a status and a GraphQL error."""

    status: int
    error: Formatted


class Mask:
    """Turns errors into what callers may read. ``entropy`` makes the ids they can quote."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy

    def errors(self, errors: Iterable[GraphQLError]) -> list[Formatted]:
        """The ``errors`` entry of a response."""
        return [self.error(error) for error in errors]

    def error(self, error: GraphQLError) -> Formatted:
        """One error met while executing, with its place in the document and in the data."""
        cause = _cause(error)
        said = _own(error) if cause is None else self._foreign(cause)
        if error.locations:
            said["locations"] = [{"line": one.line, "column": one.column} for one in error.locations]
        if error.path is not None:
            said["path"] = list(error.path)
        return said

    def outside(self, error: Exception) -> Masked:
        """An error that ended a request before it had data."""
        if isinstance(error, GraphQLError):
            said = self.error(error)
            return Masked(500 if said["extensions"]["code"] == INTERNAL else 400, said)
        status = error.status if isinstance(error, DiscretionError) else 500
        return Masked(status, self._foreign(error))

    def _foreign(self, error: BaseException) -> Formatted:
        """What an exception of ours, or of anybody's, becomes."""
        if isinstance(error, Fault | Misconfigured):
            _log.error("%s %s at %s", type(error).__name__, error.code, trail(error))
            return formatted(error.code, _FAULT_MESSAGE)
        if isinstance(error, DiscretionError):
            return refusal(error)
        correlation = self._entropy(8).hex()
        _log.error("unexpected %s, correlation %s, at %s", type(error).__name__, correlation, trail(error))
        return formatted(INTERNAL, _INTERNAL_MESSAGE, {"correlation": correlation})


def formatted(code: str, message: str, extra: Mapping[str, Any] | None = None) -> Formatted:
    """A GraphQL error with its stable code."""
    return {"message": message, "extensions": {"code": code, **(extra or {})}}


def refusal(error: DiscretionError) -> Formatted:
    """A refusal, word for word."""
    return formatted(error.code, error.message, {"advice": error.advice} if error.advice else None)


def syntax(error: GraphQLSyntaxError) -> Formatted:
    """A document that does not parse. Literals are left out, names stay."""
    said = formatted(PARSE_FAILED, _QUOTED_LITERAL.sub(r"\1", error.message))
    return _located(said, error)


def validation(error: GraphQLError) -> Formatted:
    """A rule the document breaks. The rules are given to us without values; see ``documents``."""
    return _located(formatted(VALIDATION_FAILED, error.message), error)


def trail(error: BaseException) -> str:
    """Where an error came from: lines of code, innermost last, and the types of its causes."""
    lines: list[str] = []
    met: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in met and len(met) < 5:
        met.add(id(cause))
        frames = traceback.extract_tb(cause.__traceback__)[-12:]
        lines.append(
            type(cause).__name__
            + ": "
            + " > ".join(f"{one.filename}:{one.lineno} {one.name}" for one in frames)
        )
        cause = cause.__cause__ or cause.__context__
    return " | ".join(lines)


def _cause(error: GraphQLError) -> BaseException | None:
    """The exception behind an error; None if it is graphql-core speaking of the request.

    An error without a path ended the request before it ran: coercion. One with a path and a
    GraphQLError behind it is about an argument, or about a value of ours that does not fit its
    type; the second is our fault and tells the value.
    """
    behind = error.original_error
    while isinstance(behind, GraphQLError) and behind.original_error is not None:
        behind = behind.original_error
    if isinstance(behind, DiscretionError):
        return behind
    if behind is not None and not isinstance(behind, GraphQLError):
        return None if error.path is None and _is_about_input(error) else behind
    if error.path is not None and not _is_about_input(error):
        return error
    return None


def _is_about_input(error: GraphQLError) -> bool:
    return bool(_VARIABLE.match(error.message) or _ARGUMENT.match(error.message))


def _own(error: GraphQLError) -> Formatted:
    """graphql-core's words about the request, without the values it quotes."""
    if found := _VARIABLE.match(error.message):
        return formatted(BAD_USER_INPUT, _about_variable(found["name"], error))
    if found := _ARGUMENT.match(error.message):
        return formatted(BAD_USER_INPUT, f"Argument '{found['name']}' has no value it can take.")
    return formatted(BAD_USER_INPUT, "The operation cannot be executed as it was asked.")


def _about_variable(name: str, error: GraphQLError) -> str:
    for node in error.nodes or ():
        if isinstance(node, VariableDefinitionNode):
            return f"Variable '${name}' takes a value of type '{print_ast(node.type)}'."
    return f"Variable '${name}' has no value it can take."


def _located(said: Formatted, error: GraphQLError) -> Formatted:
    if error.locations:
        said["locations"] = [{"line": one.line, "column": one.column} for one in error.locations]
    return said
